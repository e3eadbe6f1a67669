import ArgumentParser
import KettleClient
import KettleProvenance

/// `kettle cancel`: ends a build that has not ended.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a build that waits or runs.",
        discussion: """
            A build that has ended is left as it is. Exits 0 when the build is cancelled, 1 when it had ended, 2 when that \
            could not be found out.
            """)

    @Argument(help: "The build's id.") var build: String

    @OptionGroup(title: "Which service") var client: ClientOptions

    @Flag(help: "Print the build's result as one JSON object.")
    var json = false

    func run() async throws {
        try await ClientOptions.run {
            try ClientOptions.check(build: build)
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
