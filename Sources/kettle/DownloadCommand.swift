import ArgumentParser
import Glibc
import KettleProvenance
import KettleVerify

/// `kettle download`: the bundle of a build, verified.
struct DownloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Fetch the bundle of a build, and verify it.",
        discussion: """
            Does what kettle submit does with its own build: a bundle that is rejected is left packed, under another name. \
            Exits 0 when the bundle is accepted, 1 when it is rejected, 2 when that could not be found out.
            """)

    @Argument(help: "The build's id.") var build: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where the bundle goes, as a folder or, with a name that ends in .zip, as a file; it must not exist. (default: the build's id)",
            valueName: "path"), completion: .file())
    var output: String?

    @OptionGroup(title: "Which service") var client: ClientOptions

    @OptionGroup var expectations: SubmitExpectations

    @Flag(help: "Print the verdict as one JSON object.")
    var json = false

    func run() async throws {
        // An interruption leaves nothing behind.
        try await ClientOptions.run { try await Interruption(BuildDisplay(.lines)).hold { try await download() } }
    }

    private func download() async throws {
        try ClientOptions.check(build: build)
        let output = output ?? build
        guard access(output, F_OK) != 0 else { throw LocalBuildError.outputExists(output) }
        let verifier = try expectations.questions(about: output).verifier
        let scratch = try ScratchFolder(beside: output)
        defer { scratch.remove() }
        let bundle = try await ReceivedBundle.fetch(build, from: client.connection(), into: scratch.path)
        let isPacked = output.hasSuffix(".zip")
        let verdict = bundle.verified(by: verifier, asZIP: isPacked)
        let place = try bundle.move(to: output, asZIP: isPacked, verdict.outcome)
        if json {
            Terminal.say(
                JSONValue.object([
                    "build_id": .string(build), "bundle": .string(place),
                    "outcome": .string(verdict.outcome.rawValue), "verdict": verdict.bundle.json,
                ]).canonicalString())
        } else {
            Terminal.say(verdict.lines, verdict.outcome, place)
        }
        try verdict.outcome.exit()
    }
}
