import ArgumentParser
import KettleBuild
import KettleClient
import KettleProvenance

/// `kettle logs`: what a build says, from its first line.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show the messages of a build.",
        discussion: """
            Prints them on standard output, from the first one. With --follow it goes on to the end of the build, and exits 0 \
            when the build succeeded, 1 when the source is at fault, 2 otherwise.
            """)

    @Argument(help: "The build's id.") var build: String

    @Flag(name: .shortAndLong, help: "Go on to the end of the build.")
    var follow = false

    @OptionGroup(title: "Which service") var client: ClientOptions

    @Flag(help: "Print every event as a line of JSON.")
    var json = false

    func run() async throws {
        try await ClientOptions.run {
            try ClientOptions.check(build: build)
            let service = try client.connection()
            guard follow else { return try await service.events(of: build, onEvent: show) }
            let ended = try await service.follow(build, onEvent: show)
            guard ended.exitCode != .success else { return }
            if !json { ended.report() }
            throw ended.exitCode
        }
    }

    private func show(_ event: ServiceEvent) {
        if json { return Terminal.say(event.json.canonicalString()) }
        if let message = event.message { Terminal.say(PrintableText.make(from: message)) }
    }
}
