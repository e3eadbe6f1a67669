import ArgumentParser
import Glibc
import KettleBuild
import KettleClient
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle builds`: the newest builds of a service.
struct BuildsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "builds", abstract: "List the newest builds of a service.",
        discussion: "Those that everybody may read, and with a token those of its owner.")

    @Option(name: .shortAndLong, help: ArgumentHelp("How many: 1 to 200.", valueName: "number"))
    var number = 20

    @Option(help: ArgumentHelp("Only those before this build.", valueName: "id"))
    var before: String?

    @OptionGroup(title: "Which service") var client: ClientOptions

    @Flag(help: "Print the service's answer as one JSON object.")
    var json = false

    func validate() throws {
        guard (1...200).contains(number) else { throw ValidationError("--number is from 1 to 200") }
    }

    func run() async throws {
        try await ClientOptions.run {
            if let before { try Self.check(before) }
            let answer = try await client.connection().builds(limit: number, before: before)
            guard let builds = answer["builds"]?.arrayValue else { throw ServiceError.answer("it lists no builds") }
            guard !json else { return Terminal.say(answer.canonicalString()) }
            for build in builds { Terminal.say(Self.line(build)) }
            if let next = answer["next_before"]?.stringValue {
                Terminal.warn("kettle: more with --before \(Finding.printable(next))")
            }
        }
    }

    /// - Throws: ``ClientError/notABuild(_:)``.
    static func check(_ id: String) throws(ClientError) {
        guard ServiceConnection.isBuildID(id) else { throw .notABuild(id) }
    }

    /// `ID  STATE  TOOLCHAIN  WHEN  SOURCE`, of a stranger's words.
    private static func line(_ build: JSONValue) -> String {
        func text(_ name: String) -> String { Finding.printable(build[name]?.stringValue ?? "-") }
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        let state = text("status")
        let colours: [String: TerminalStyle.Colour] = ["success": .good, "failed": .bad, "running": .doubt]
        let shown = colours[state].map { TerminalStyle.output.painted(padded(state, 8), $0) } ?? padded(state, 8)
        return [text("build_id"), shown, padded(text("build_system"), 6), text("created_at"), text("source")]
            .joined(separator: "  ")
    }
}

/// `kettle logs`: what a build says, from its first line.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show the messages of a build.",
        discussion: """
            From the first one, on standard output. With --follow to the end of the build; the exit code is then 0 if it \
            succeeded, 1 if the source is at fault and 2 otherwise.
            """)

    @Argument(help: "The build's id.") var build: String

    @Flag(name: .shortAndLong, help: "Go on to the end of the build.")
    var follow = false

    @OptionGroup(title: "Which service") var client: ClientOptions

    @Flag(help: "Print every event as a line of JSON.")
    var json = false

    func run() async throws {
        try await ClientOptions.run {
            try BuildsCommand.check(build)
            let service = try client.connection()
            guard follow else { return try await service.events(of: build, onEvent: show) }
            let ended = try await service.follow(build, onEvent: show)
            guard ended.exitCode != .success else { return }
            if !json {
                Terminal.report(
                    ended.result["error"]?.stringValue ?? "the build failed", hint: ended.result["hint"]?.stringValue)
            }
            throw ended.exitCode
        }
    }

    private func show(_ event: ServiceEvent) {
        if json { return Terminal.say(event.json.canonicalString()) }
        if let message = event.message { Terminal.say(PrintableText.make(from: message)) }
    }
}

/// `kettle cancel`: ends a build that has not ended.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a build that waits or runs.",
        discussion: "A build that has ended is left as it is; then the exit code is 1.")

    @Argument(help: "The build's id.") var build: String

    @OptionGroup(title: "Which service") var client: ClientOptions

    @Flag(help: "Print the build's result as one JSON object.")
    var json = false

    func run() async throws {
        try await ClientOptions.run {
            try BuildsCommand.check(build)
            let answer: JSONValue
            do {
                answer = try await client.connection().cancel(build)
            } catch ServiceError.refused(status: 409, _, _) {
                throw ClientError.hasEnded
            }
            if json { Terminal.say(answer.canonicalString()) } else { Terminal.say("cancelled: \(build)") }
        }
    }
}

/// `kettle download`: the bundle of a build, verified.
struct DownloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Fetch the bundle of a build, and verify it.",
        discussion: """
            As kettle submit does with the build of its own: a bundle that is rejected is left packed, under another name. \
            Exits 0 when the bundle is accepted, 1 when it is rejected, 2 when that could not be found out.
            """)

    @Argument(help: "The build's id.") var build: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where the bundle goes, as a folder or, with a name that ends in .zip, as a file; it must not exist (default: the id).",
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
        try BuildsCommand.check(build)
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
