import ArgumentParser
import Glibc
import KettleError

/// The command line: `kettle SUBCOMMAND`.
@main
struct Kettle: AsyncParsableCommand {
    /// The version of this build of Kettle, as the statement and `/health` name it.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "kettle",
        abstract: "Builds whose origin anyone can check.",
        version: version,
        subcommands: [
            ServeCommand.self, BuildCommand.self, AttestCommand.self, SubmitCommand.self, BuildsCommand.self,
            LogsCommand.self, CancelCommand.self, DownloadCommand.self, VerifyCommand.self,
            InspectCommand.self, EvidenceCommand.self, ProveCommand.self, VerifyProofCommand.self, PolicyCommand.self,
            TokenCommand.self, DoctorCommand.self, ConfigCommand.self, VersionCommand.self,
        ])

    /// Runs the commands that people run for thousands of files, when their command line is plain; false otherwise.
    private static func runPlain(_ arguments: [String]) throws -> Bool {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case EvidenceCommand.configuration.commandName:
            guard let command = EvidenceCommand.plain(rest) else { return false }
            try command.run()
        case VerifyCommand.configuration.commandName:
            guard let command = VerifyCommand.plain(rest) else { return false }
            try command.run()
        default: return false
        }
        return true
    }

    /// Parses the command line and runs what it names. Errors go to standard error as `kettle: error:` and `kettle: hint:`.
    static func main() async {
        // tpm2-tss writes errors of its own to standard error, which this variable alone turns off: it has no function for that.
        // Kettle tells them as its errors. Here no other thread is there that could read the environment meanwhile.
        setenv("TSS2_LOG", "all+NONE", 0)
        do {
            if try runPlain(Array(CommandLine.arguments.dropFirst())) { return }
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as any UserFacingError {
            Terminal.report(error)
            exit(withError: ExitCode(2))
        } catch  where exitCode(for: error) == .validationFailure {
            // A command that was not understood found nothing out.
            // ArgumentParser has an opening of its own.
            let said = fullMessage(for: error), opening = "Error: "
            Terminal.warn(said.hasPrefix(opening) ? "kettle: error: " + said.dropFirst(opening.count) : said)
            exit(withError: ExitCode(2))
        } catch {
            exit(withError: error)
        }
    }
}
