import ArgumentParser
import Foundation
import KettleAttestation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle verify`: whether to believe a bundle. Opens no socket.
///
/// Exits 0 when the bundle is accepted, 1 when it is rejected, and 2 when that could not be found out.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a bundle's artifacts, statement and evidence belong together.",
        discussion: """
            Every check runs, and each finding is printed. Say whose word you take: --software-key for a software key, \
            --measurement or --measurements for hardware. Exits 0 when the bundle is accepted, 1 when it is rejected, 2 when \
            that could not be found out.
            """)

    @Argument(help: "The bundle: a folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String?

    @Option(
        help: ArgumentHelp(
            "The nonce that the evidence must have been made for: 32 hexadecimal digits.", valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @Option(
        help: ArgumentHelp("A policy: what a bundle must be (docs/policy.md).", valueName: "file"),
        completion: .file())
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "The repository or archive that must have been built: a URL, git+URL, archive:NAME, or one ending in /*.",
            valueName: "source"))
    var source: String?

    @Option(help: ArgumentHelp("The git commit that must have been built, in full.", valueName: "hex"))
    var commit: String?

    @Option(help: ArgumentHelp("The builder that must have built, by its id.", valueName: "uri"))
    var builder: String?

    @Option(help: ArgumentHelp("How old the build may be, such as 12h or 30d. (default: any age)", valueName: "time"))
    var maximumAge: String?

    @Option(
        help: ArgumentHelp(
            "The time of verification, such as 2026-11-24T00:12:10Z; with build, hardware's evidence is judged as of the build's end that the statement names. (default: now)",
            valueName: "time"))
    var at: String?

    @OptionGroup var images: ImageOptions

    @Flag(help: "Verify the statement and the evidence without the artifacts, of which only digests are then known.")
    var withoutArtifacts = false

    @OptionGroup(title: "What the hardware has to say") var hardware: HardwareOptions

    @Option(
        help: ArgumentHelp("Write the verdict as an SLSA verification summary, unsigned.", valueName: "file"),
        completion: .file())
    var vsa: String?

    @Flag(help: "Print the verdict as one JSON object.")
    var json = false

    mutating func validate() throws {
        bundle = bundle ?? hardware.takePath()
        guard bundle != nil else { throw ValidationError("Missing expected argument '<bundle>'") }
    }

    func run() throws {
        let bundle = self.bundle ?? ""
        let questions = try VerifyQuestions(self)
        let verdict: Verdict
        do {
            verdict = try questions.verifier.verify(at: bundle)
        } catch {
            verdict = Verdict(unread: error)
        }
        // Before the verdict is told: whoever reads it may look for the file.
        if let vsa { try write(verdict, questions, to: vsa) }
        if json {
            Terminal.say(verdict.json.canonicalString())
        } else {
            Terminal.say(verdict.findings.map(\.text), verdict.outcome, bundle)
        }
        try verdict.outcome.exit()
    }

    private func write(_ verdict: Verdict, _ questions: VerifyQuestions, to path: String) throws(OutputError) {
        guard
            let summary = VerificationSummary(
                of: verdict, at: questions.time, policy: questions.descriptor)
        else {
            // Whoever finds an older summary there would take it for this one.
            try? FileManager.default.removeItem(atPath: path)
            Terminal.warn("kettle: nothing was found out about an artifact, so no summary is written")
            return
        }
        try OutputFile.write(summary.encoded(), to: path)
    }
}

extension VerifyCommand {
    /// Reads a plain command line; nil for one that ArgumentParser has to read. Each option has to be here.
    static func plain(_ arguments: [String]) -> VerifyCommand? {
        var line = PlainArguments(arguments)
        var command = VerifyCommand()
        command.nonce = line.option("--nonce")
        command.softwareKey = line.options("--software-key")
        command.policy = line.option("--policy")
        command.source = line.option("--source")
        command.commit = line.option("--commit")
        command.builder = line.option("--builder")
        command.maximumAge = line.option("--maximum-age")
        command.at = line.option("--at")
        command.images = ImageOptions.plain(&line)
        command.withoutArtifacts = line.flag("--without-artifacts")
        command.hardware = HardwareOptions.plain(&line)
        command.vsa = line.option("--vsa")
        command.json = line.flag("--json")
        command.bundle = line.argument()
        guard line.isUsedUp, (try? command.validate()) != nil else { return nil }
        return command
    }
}

extension Verdict.Outcome {
    /// - Throws: The exit code of a bundle that is not accepted: 1 for a rejected one, 2 where that could not be found out.
    func exit() throws(ExitCode) {
        switch self {
        case .accepted: return
        case .rejected: throw ExitCode(1)
        case .undetermined: throw ExitCode(2)
        }
    }
}
