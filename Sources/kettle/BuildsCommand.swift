import ArgumentParser
import KettleClient
import KettleProvenance
import KettleVerify

/// `kettle builds`: the newest builds of a service.
struct BuildsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "builds", abstract: "List the newest builds of a service.",
        discussion: "Lists those that everybody may read and, with a token, those of its owner.")

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
            if let before { try ClientOptions.check(build: before) }
            let answer = try await client.connection().builds(limit: number, before: before)
            guard let builds = answer["builds"]?.arrayValue else { throw ServiceError.answer("it lists no builds") }
            guard !json else { return Terminal.say(answer.canonicalString()) }
            for build in builds { Terminal.say(Self.line(build)) }
            if let next = answer["next_before"]?.stringValue {
                Terminal.warn("kettle: more with --before \(Finding.printable(next))")
            }
        }
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
