import Foundation
import Glibc
import KettleClient
import KettleError
import KettleProvenance
import KettleSource
import KettleVerify
import SystemPackage

/// A bundle as a service handed it out, beside the place where it is to go.
struct ReceivedBundle {
    private let archive: FilePath
    private let folder: FilePath

    /// The largest bundle, packed: what its verifier reads, and some room for the packing.
    private static let limitInBytes = BundleLimits.standard.bytes + 64 << 20

    private static var unpacking: SourceLimits {
        let limits = BundleLimits.standard
        return SourceLimits(
            entries: limits.entries, bytes: limits.bytes, ratioFloorBytes: limits.bytes, depth: 3,
            pathBytes: limits.pathBytes)
    }

    static func fetch(
        _ build: String, from service: ServiceConnection, into scratch: FilePath
    ) async throws -> ReceivedBundle {
        let archive = scratch.appending("bundle.zip")
        let descriptor = open(archive.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw OutputError.unwritable(archive.string) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try await service.download(
                "/builds/\(build)/bundle.zip", to: file, called: "a bundle", limitInBytes: limitInBytes)
        } catch let error as CocoaError {
            throw error.code == .fileWriteOutOfSpace ? OutputError.unwritable(archive.string) : error
        }
        return ReceivedBundle(archive: archive, folder: scratch.appending("bundle"))
    }

    /// Verifies what is going to be left: the archive, or the files that it unpacks to.
    func verified(by verifier: BundleVerifier, asZIP isKeptPacked: Bool) -> SubmissionVerdict {
        do {
            // An archive that two programs would unpack differently is rejected as one, whatever it unpacks to here.
            let packed = try verifier.verify(at: archive.string)
            guard !isKeptPacked, packed.outcome != .rejected else { return SubmissionVerdict(bundle: packed) }
            do {
                try ArchiveSource.unpack(.file(archive), into: folder, within: Self.unpacking)
            } catch {
                return SubmissionVerdict(bundle: Verdict(unread: .damaged(reason: error.message)))
            }
            return SubmissionVerdict(bundle: try verifier.verify(at: folder.string))
        } catch {
            return SubmissionVerdict(bundle: Verdict(unread: error))
        }
    }

    /// Gives the bundle its name.
    ///
    /// A rejected one is left packed and under another name, so that nobody runs what is in it by mistake.
    ///
    /// - Returns: Where it is.
    func move(to output: String, asZIP isKeptPacked: Bool, _ outcome: Verdict.Outcome) throws -> String {
        guard outcome != .rejected else {
            let name = (isKeptPacked ? String(output.dropLast(".zip".count)) : output) + ".rejected.zip"
            guard rename(archive.string, name) == 0 else { throw OutputError.unwritable(name) }
            return name
        }
        // Unlike rename(2), link(2) replaces nothing; and rename replaces no folder that holds something.
        let isMoved =
            isKeptPacked ? link(archive.string, output) == 0 : rename(folder.string, output) == 0
        guard isMoved else { throw OutputError.unwritable(output) }
        return output
    }
}

/// The verdict on a submitted build: of its bundle, and of whether that is about what was sent.
struct SubmissionVerdict {
    let bundle: Verdict
    private(set) var source: SourceCheck?
    private var built: String?
    private var sent: String?

    enum SourceCheck: String {
        /// The statement's source is the archive that was sent, byte for byte.
        case same
        case other
    }

    init(bundle: Verdict) {
        self.bundle = bundle
    }

    /// Compares the statement's source with the archive that was sent; nil where a repository was, which is a question of the
    /// bundle's verdict.
    mutating func hold(toArchive digest: ContentDigest?) {
        guard let digest, let statement = bundle.verified?.statement else { return }
        let actual = statement.resolvedDependencies.first?.sha256
        source = actual == digest ? .same : .other
        built = actual?.hex
        sent = digest.hex
    }

    var outcome: Verdict.Outcome { source == .other ? .rejected : bundle.outcome }

    /// For a person: one finding each.
    var lines: [String] {
        var lines = bundle.findings.map(\.text)
        switch source {
        case .same?: lines.append("ok    the statement's source is the archive that was sent")
        case .other?:
            lines.append(
                """
                FAIL  the statement's source is not the archive that was sent
                        expected: \(sent ?? "")
                        actual:   \(built ?? "no archive")
                """)
        case nil: break
        }
        return lines
    }
}
