import HTTPTypes
import Hummingbird
import KettleAccess
import KettleAttestation
import KettleBuild
import KettleSandbox
import KettleSource
import KettleStore
import NIOCore
import NIOPosix

/// Reads the body of a build request into a ``BuildRequest`` and an upload on the disk: a form as it arrives, or JSON.
struct BuildIntake: Sendable {
    private static let shape = UploadForm.Shape(
        file: "source", contents: "a ZIP or tar.gz archive",
        fields: ["repo_url", "ref", "nonce", "path", "toolchain", "visibility"].map { ($0, 8 << 10) })

    let forms: FormReader
    let urls: URLPolicy
    let threads: NIOThreadPool
    /// What all JSON bodies that are being taken in may take in memory together.
    private let jsonBudget = JSONBuildRequest.Budget()

    init(forms: FormReader, urls: URLPolicy, threads: NIOThreadPool) {
        self.forms = forms
        self.urls = urls
        self.threads = threads
    }

    /// - Parameters:
    ///   - workspace: Where an uploaded archive is written if it is large; it is made then and only then.
    ///   - caller: Whose build it will be.
    ///   - allowance: What the caller may send; nil for no limit.
    ///   - isJSONTaken: Whether the later published form may come here.
    /// - Throws: ``ProblemDetails`` for a request that is wrong, ``QuotaError``, and what the connection throws when it breaks
    ///   off.
    func read(
        _ request: Request, into workspace: Workspace, for caller: Caller, within allowance: UploadAllowance?,
        isJSONTaken: Bool
    ) async throws -> BuildRequest {
        var form = UploadForm(Self.shape, upload: UploadFile(at: workspace.upload, on: threads))
        // Given back when this returns: a large archive is on the disk then.
        var share = JSONBuildRequest.Share(of: jsonBudget)
        do {
            if isJSONTaken, JSONBuildRequest.isJSON(request.headers[.contentType]) {
                try form.take(try await JSONBuildRequest.read(request, within: &share, allowance))
            } else {
                try await forms.read(request, into: &form, within: allowance)
            }
            var wanted = try await makeRequest(&form)
            wanted.owner = caller.owner
            wanted.visibility = try caller.visibility(wanted: form["visibility"])
            await allowance?.settle()
            return wanted
        } catch {
            // Only then may the caller remove the file: a block may still be on its way to it.
            await form.upload.settle()
            await allowance?.settle()
            throw FormReader.told(error)
        }
    }

    private func makeRequest(_ form: inout UploadForm) async throws -> BuildRequest {
        let nonce = try form["nonce"].map { text in
            guard let nonce = BuildNonce(text: text) else {
                throw ProblemDetails.badParameter(
                    "nonce", text, hint: "send 16 bytes as 32 hexadecimal digits; dashes are allowed")
            }
            return nonce
        }
        let source: BuildRequest.Source
        switch (form.hasUpload, form["repo_url"]) {
        case (true, nil):
            guard form["ref"] == nil else {
                throw ProblemDetails(
                    .badRequest, code: "request.ref_with_source", "ref is only for repo_url, and source was sent",
                    hint: "leave ref out, or send repo_url instead of source")
            }
            let (archive, digest) = try await form.upload.finish()
            guard form.upload.format != nil else {
                throw ProblemDetails(
                    .badRequest, code: "request.not_an_archive", "source is neither a ZIP nor a tar.gz archive",
                    hint: "send the project as curl -F source=@source.zip")
            }
            source = .archive(archive, name: form.uploadName, digest: digest, size: form.upload.size)
        case (false, let url?):
            source = try check(url, ref: form["ref"])
        case (true, _?):
            throw ProblemDetails(
                .badRequest, code: "request.two_sources", "both source and repo_url were sent",
                hint: "send one of them")
        case (false, nil):
            throw ProblemDetails(
                .badRequest, code: "request.no_source", "neither source nor repo_url was sent",
                hint: "send a file as -F source=@source.zip or a git URL as -F repo_url=https://…")
        }
        return BuildRequest(source: source, path: form["path"], toolchain: form["toolchain"], nonce: nonce)
    }

    private func check(_ url: String, ref: String?) throws -> BuildRequest.Source {
        do {
            return .git(
                try urls.check(url), ref: try ref.map { text throws(SourceError) in try GitRef(checking: text) })
        } catch {
            throw ProblemDetails(.badRequest, error)
        }
    }
}

extension Caller {
    /// Who may read what this caller builds: the owner alone, unless told otherwise; everybody, where there are no owners.
    fileprivate func visibility(wanted text: String?) throws(ProblemDetails) -> BuildRecord.Visibility {
        guard let text else { return owner == nil ? .public : .private }
        guard let wanted = BuildRecord.Visibility(rawValue: text) else {
            throw ProblemDetails.badParameter("visibility", text, hint: "send public or private")
        }
        guard owner != nil || wanted == .public else {
            throw ProblemDetails(
                .badRequest, code: "access.no_owner",
                "a build can be private to its owner, and this service has no accounts",
                hint: "leave visibility out; the operator turns accounts on with --access tokens")
        }
        return wanted
    }
}
