import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import KettleAccess
import KettleAttestation
import KettleBuild
import KettleProvenance
import KettleStore
import KettleVerify
import NIOPosix
import Synchronization
import SystemPackage

/// Answers `POST /verify`: the verdict on a bundle that a client sends, as `kettle verify --json` gives it.
///
/// The bundle lies on the disk while it is verified, by then without a name, and is gone with the answer. Verifying reads every byte, so few
/// bundles are verified at once and few more may be on their way.
struct BundleVerification: Sendable {
    /// Bundles that are being sent, wait or are verified.
    static let queueLimit = 16

    private static let shape = UploadForm.Shape(
        file: "bundle", contents: "a bundle: a ZIP or a tar.gz",
        fields: BundleQuestion.allCases.map { ($0.rawValue, 16 << 10) } + [("policy", Policy.limitInBytes)],
        repeatable: Set(BundleQuestion.allCases.filter(\.isRepeatable).map(\.rawValue)), takesEmptyFields: false)

    let forms: FormReader
    let builds: BuildService
    let quota: Quota
    private let waiting = WaitingRoom(places: queueLimit, turns: 2)

    init(forms: FormReader, builds: BuildService, quota: Quota) {
        self.forms = forms
        self.builds = builds
        self.quota = quota
    }

    /// - Throws: ``ProblemDetails`` for a request that is wrong or comes when many others do, ``QuotaError``, and what the disk and
    ///   the connection throw.
    func verdict(on request: Request, of caller: Caller) async throws -> JSONValue {
        try await waiting.admit(caller.owner, else: .tooManyVerifications) { turns in
            guard builds.hasRoomOnDisk else { throw ProblemDetails.unavailable(BuildError.diskLow) }
            // Named as nothing else is, and swept away at the next start if this process should die.
            let path = FilePath(builds.store.folder.workspace(BuildID()).string + ".bundle")
            let allowance = quota.allowance(for: caller)
            var form = UploadForm(Self.shape, upload: UploadFile(at: path, memoryLimit: 0, on: builds.threads))
            do {
                try await forms.read(request, into: &form, within: allowance)
                let verifier = try Self.verifier(asked: form)
                guard form.hasUpload else { throw ProblemDetails.noBundle }
                _ = try await form.upload.finish()
                await allowance?.settle()
                let file = try await builds.threads.runIfActive { try UnnamedFile(taking: path) }
                return try await turns.withSlot(of: caller.owner) {
                    try await verdict(of: verifier, on: file)
                }
            } catch {
                await form.upload.settle()
                await allowance?.settle()
                _ = try? await builds.threads.runIfActive { unlink(path.string) }
                throw FormReader.told(error)
            }
        }
    }

    /// Verifies on a thread of its own. The service does not wait for it when it stops: nothing is lost but the answer.
    ///
    /// - Throws: ``ProblemDetails`` when the service stops first, and what the disk throws.
    private func verdict(of verifier: BundleVerifier, on file: UnnamedFile) async throws -> JSONValue {
        let isStopping = forms.isStopping
        return try await withCheckedThrowingContinuation { continuation in
            let first = FirstAnswer(continuation)
            Task {
                do {
                    first.resume(.success(try await onOwnThread { try Self.verdict(of: verifier, at: file.path) }))
                } catch {
                    first.resume(.failure(error))
                }
            }
            Task {
                while !first.isOver {
                    guard !isStopping() else {
                        return first.resume(.failure(ProblemDetails.unavailable(BuildError.serviceStopping)))
                    }
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
        }
    }

    private static func verdict(of verifier: BundleVerifier, at path: String) throws(StoreError) -> JSONValue {
        do {
            return try verifier.verify(at: path).json
        } catch {
            // Of a file that this service has written itself: nothing about the bundle.
            throw .readFailed(what: "the bundle", reason: error.message)
        }
    }

    /// The verifier for what a form asks.
    private static func verifier(asked form: borrowing UploadForm) throws -> BundleVerifier {
        var verifier = BundleVerifier()
        verifier.time = BuildTime.now.timestamp
        for question in BundleQuestion.allCases {
            guard let text = form[question.rawValue] else { continue }
            let answers = question.isRepeatable ? text.components(separatedBy: "\n") : [text]
            for answer in answers where !verifier.ask(question, answer) {
                throw ProblemDetails.badParameter(question.rawValue, answer, hint: "send \(question.form)")
            }
        }
        if let text = form["policy"] {
            do { verifier.policy = try Policy(parsing: Array(text.utf8)) } catch {
                throw ProblemDetails(.badRequest, error)
            }
        }
        let hasDigests = verifier.hardware.launchDigests != nil || verifier.policy?.hardware.launchDigests != nil
        guard !verifier.acceptsAnyMeasurement || !hasDigests else {
            throw ProblemDetails(
                .badRequest, code: "request.contradiction", "measurements and any_measurement contradict each other",
                hint: "leave one of them out")
        }
        return verifier
    }
}

extension ProblemDetails {
    fileprivate static let noBundle = ProblemDetails(
        .badRequest, code: "request.no_bundle", "no bundle was sent", hint: "send a file as -F bundle=@bundle.zip")

    fileprivate static var tooManyVerifications: ProblemDetails {
        var problem = ProblemDetails(
            .tooManyRequests, code: "verify.busy", "too many bundles are being verified",
            hint: "try again later, or use kettle verify, which needs no service")
        problem.headers[.retryAfter] = "5"
        return problem
    }
}

/// Whoever answers first; whatever comes later is dropped.
private final class FirstAnswer: Sendable {
    private let continuation: Mutex<CheckedContinuation<JSONValue, any Error>?>

    init(_ continuation: CheckedContinuation<JSONValue, any Error>) {
        self.continuation = Mutex(continuation)
    }

    var isOver: Bool { continuation.withLock { $0 == nil } }

    func resume(_ result: Result<JSONValue, any Error>) {
        continuation.withLock { continuation in
            continuation?.resume(with: result)
            continuation = nil
        }
    }
}

/// An open file that has lost its name, and goes with its last reader.
private final class UnnamedFile: Sendable {
    private let descriptor: CInt

    /// Under which this process can open it (proc_pid_fd(5)).
    var path: String { "/proc/self/fd/\(descriptor)" }

    init(taking path: FilePath) throws(StoreError) {
        descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        let problem = errno
        unlink(path.string)
        guard descriptor >= 0 else { throw .readFailed(what: "the bundle", reason: String(cString: strerror(problem))) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
