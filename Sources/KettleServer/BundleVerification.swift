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
import SystemPackage

/// Answers `POST /verify`: the verdict on a bundle that a client sends, as `kettle verify --json` gives it.
///
/// The bundle lies on the disk while it is verified, without a name, and is gone with the answer. Verifying reads every byte, so few
/// bundles are verified at once and few more may be on their way.
struct BundleVerification: Sendable {
    /// Bundles that are being sent, wait or are verified.
    static let queueLimit = 16

    private static let shape = UploadForm.Shape(
        file: "bundle", contents: "a bundle: a ZIP or a tar.gz",
        fields: BundleQuestion.allCases.map { ($0.rawValue, 16 << 10) } + [("policy", Policy.limitInBytes)],
        repeatable: Set(BundleQuestion.allCases.filter(\.isRepeatable).map(\.rawValue)))

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
        try await waiting.admit(else: .tooManyVerifications) { turns in
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
                return try await turns.withSlot(of: caller.owner) {
                    try await onOwnThread {
                        // Whatever is thrown: nobody else knows the file.
                        defer { unlink(path.string) }
                        return try Self.verdict(of: verifier, on: path)
                    }
                }
            } catch {
                await form.upload.settle()
                await allowance?.settle()
                _ = try? await builds.threads.runIfActive { unlink(path.string) }
                throw FormReader.told(error)
            }
        }
    }

    private static func verdict(of verifier: BundleVerifier, on path: FilePath) throws -> JSONValue {
        do {
            return try verifier.verify(at: path.string).json
        } catch {
            // Of a file that this service has written itself: nothing about the bundle.
            throw StoreError.readFailed(what: "the bundle", reason: error.message)
        }
    }

    /// The verifier for what a form asks.
    private static func verifier(asked form: borrowing UploadForm) throws -> BundleVerifier {
        var verifier = BundleVerifier()
        verifier.time = BuildTime.now.timestamp
        for question in BundleQuestion.allCases {
            guard let text = form[question.rawValue] else { continue }
            let answers = question.isRepeatable ? text.split(separator: "\n").map(String.init) : [text]
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
            hint: "ask again later, or use kettle verify, which needs no service")
        problem.headers[.retryAfter] = "5"
        return problem
    }
}
