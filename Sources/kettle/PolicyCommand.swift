import ArgumentParser
import KettleError
import KettleVerify

/// `kettle policy`: what bundles have to be.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Write a policy for kettle verify.", subcommands: [PolicyInitCommand.self])
}

/// `kettle policy init`: a policy that accepts builds like one.
struct PolicyInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a policy that accepts builds like the one in a bundle.",
        discussion: """
            The policy is made of what the bundle claims: verify the bundle, and read the policy, before you rely on it. Exits \
            0, or 2 when the bundle cannot be read.
            """)

    @Argument(help: "A folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where the policy goes (default: standard output).", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        let draft = try Policy.draft(for: UnverifiedBundle(at: bundle))
        Terminal.warn("claims only, nothing is checked: kettle verify does that")
        if let output {
            try OutputFile.write(Array(draft.utf8), to: output)
        } else {
            Terminal.say(String(draft.dropLast()))
        }
    }
}
