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
            Every check runs, and each finding is printed. Exits 0 when the bundle is accepted, 1 when it is rejected, 2 when \
            that could not be found out.
            """)

    @Argument(help: "A folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Option(help: ArgumentHelp("The nonce that the evidence must have been made for.", valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @Option(help: ArgumentHelp("The git commit that must have been built, in full.", valueName: "hex"))
    var commit: String?

    @Flag(help: "Print the verdict as one JSON object.")
    var json = false

    func run() throws {
        let verifier = try makeVerifier()
        let verdict: Verdict
        do {
            verdict = try verifier.verify(at: bundle)
        } catch {
            verdict = Verdict(unread: error)
        }
        if json {
            Terminal.say(verdict.json.canonicalString())
        } else {
            for finding in verdict.findings { Terminal.say(finding.text) }
            Terminal.say("\(verdict.outcome.rawValue): \(Finding.printable(bundle))")
        }
        switch verdict.outcome {
        case .accepted: return
        case .rejected: throw ExitCode(1)
        case .undetermined: throw ExitCode(2)
        }
    }

    private func makeVerifier() throws(VerifyOptionError) -> BundleVerifier {
        var verifier = BundleVerifier()
        for text in softwareKey { verifier.softwareKeys.insert(try Self.fingerprint(text)) }
        if let nonce {
            guard let parsed = BuildNonce(text: nonce) else { throw .nonce(nonce) }
            verifier.nonce = parsed
        }
        if let commit {
            let digits = commit.lowercased()
            guard [40, 64].contains(digits.utf8.count), digits.utf8.allSatisfy(Self.isHexadecimal) else {
                throw .commit(commit)
            }
            verifier.commit = digits
        }
        return verifier
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// A fingerprint as it is, or that of the public key in a file.
    private static func fingerprint(_ text: String) throws(VerifyOptionError) -> ContentDigest {
        if let fingerprint = ContentDigest(hex: text.lowercased()) { return fingerprint }
        guard let file = FileHandle(forReadingAtPath: text), let bytes = try? file.read(upToCount: 16 * 1024) else {
            throw .keyUnreadable(text)
        }
        guard let key = try? SoftwarePublicKey(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw .keyMalformed(text)
        }
        return key.fingerprint
    }
}

/// What is wrong with an option of `kettle verify`. The paths in it are the caller's own words.
enum VerifyOptionError: UserFacingError, Equatable {
    case nonce(String)
    case commit(String)
    case keyUnreadable(String)
    case keyMalformed(String)

    var code: String {
        switch self {
        case .nonce: "verify.nonce"
        case .commit: "verify.commit"
        case .keyUnreadable: "verify.key_unreadable"
        case .keyMalformed: "verify.key_malformed"
        }
    }

    var message: String {
        switch self {
        case .nonce(let text): "\"\(text)\" is not a nonce"
        case .commit(let text): "\"\(text)\" is not a full commit id"
        case .keyUnreadable(let path): "the software key \"\(path)\" cannot be read"
        case .keyMalformed(let path): "\"\(path)\" holds no P-256 public key in PEM"
        }
    }

    var hint: String? {
        switch self {
        case .nonce: "a nonce is 32 hexadecimal digits, dashes allowed"
        case .commit: "a commit id is 40 or 64 hexadecimal digits; git rev-parse shows it"
        case .keyUnreadable: "give the public key's PEM file, or its fingerprint as 64 hexadecimal digits"
        case .keyMalformed: "the service keeps the public half beside its key, as software-key.pub.pem"
        }
    }
}
