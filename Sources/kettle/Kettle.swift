import ArgumentParser
import KettleSandbox

/// The command line: `kettle SUBCOMMAND`.
@main
struct Kettle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kettle",
        abstract: "Builds whose origin anyone can check.",
        subcommands: [ServeCommand.self])

    /// Before anything else this looks whether the process is one of the launchers that the sandbox starts: those must be
    /// small and quick, and never parse a command line that a person could have written.
    static func main() async {
        await Self.main(nil)
    }
}
