import ArgumentParser
import KettleAttestation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle inspect`: what a bundle claims, for a person. It verifies nothing.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a bundle claims, without checking any of it.",
        discussion: "Exits 0, or 2 when the bundle or its statement cannot be read.")

    @Argument(help: "The bundle: a folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Flag(help: "Print the statement as it is in the bundle.")
    var json = false

    func run() throws {
        let bundle = try UnverifiedBundle(at: self.bundle)
        guard !bundle.isOriginal else { throw OriginalBundleError.inspect }
        let bytes = bundle.statement ?? []
        let statement = try Statement(parsing: bytes)
        if json {
            Terminal.say(String(decoding: bytes, as: UTF8.self))
            return
        }
        Terminal.warn("kettle: these are claims, and nothing is checked; kettle verify does that")
        for (label, value) in rows(of: statement, in: bundle) {
            let padding = String(repeating: " ", count: max(1, 19 - label.count))
            Terminal.say("\(label)\(padding)\(Finding.printable(value))")
        }
    }

    private func rows(of statement: Statement, in bundle: UnverifiedBundle) -> [(String, String)] {
        var rows = statement.subject.map { ("artifact", "\($0.name)  sha256 \($0.digest)") }
        for (name, value) in statement.externalParameters.sorted(by: { $0.key < $1.key }) { rows.append((name, value)) }
        rows.append(("build type", statement.buildType))
        rows.append(("builder", statement.builderID))
        rows.append(("build", statement.invocationID))
        rows.append(("ran", "\(statement.startedOn) to \(statement.finishedOn)"))
        for entry in statement.resolvedDependencies {
            let digests = entry.digest.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            rows.append(("input", "\(entry.uri ?? entry.name ?? "?")  \(digests.joined(separator: "  "))"))
        }
        for entry in statement.byproducts { rows.append((entry.name ?? "byproduct", entry.sha256?.hex ?? "no sha256")) }
        if let evidence = bundle.evidence.flatMap({ try? Evidence(parsing: $0) }) {
            rows.append(("evidence", evidence.platform.rawValue))
            if let software = try? SoftwareEvidence(evidence) {
                rows.append(("software key", software.publicKey.fingerprint.hex))
            }
            if let claims = EvidenceClaims(evidence) {
                rows.append(("launch digest", claims.launchDigest.hexadecimal))
                rows.append(("signed along", claims.signedData.hexadecimal))
                for (number, value) in (claims.pcrs ?? []).enumerated() {
                    rows.append(("pcr \(number)", value.hexadecimal))
                }
            }
        } else {
            rows.append(("evidence", "none that can be read"))
        }
        return rows
    }
}

/// A bundle of the original Kettle, where one of ours is needed.
enum OriginalBundleError: UserFacingError {
    case inspect
    case draft

    var code: String { "bundle.original" }
    var message: String { "the bundle is one of the original Kettle's" }
    var hint: String? {
        switch self {
        case .inspect: "its provenance.json is there to be read, and kettle verify judges the bundle"
        case .draft: "write the policy by hand (docs/policy.md); kettle verify judges the bundle"
        }
    }
}
