import ArgumentParser
import KettleProvenance

/// `kettle version`: which Kettle this is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the version of Kettle.")

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        Terminal.say(
            json ? JSONValue.object(["version": .string(Kettle.version)]).canonicalString() : Kettle.version)
    }
}
