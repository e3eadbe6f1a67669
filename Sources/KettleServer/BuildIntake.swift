import HTTPTypes
import Hummingbird
import KettleAccess
import KettleAttestation
import KettleBuild
import KettleMultipart
import KettleSandbox
import KettleSource
import KettleStore
import NIOCore
import NIOHTTP1
import NIOPosix

/// Reads the body of a build request into a ``BuildRequest`` and an upload on the disk: a form as it arrives, or JSON.
struct BuildIntake: Sendable {
    /// The longest text field, in bytes.
    private static let fieldLimit = 8 << 10

    /// Bytes of body that one request may have.
    let uploadLimit: Int64
    let urls: URLPolicy
    let threads: NIOThreadPool
    /// What all JSON bodies that are being taken in may take in memory together.
    private let jsonBudget = JSONBuildRequest.Budget()
    /// Whether what is being sent would not be taken any more.
    private let isStopping: @Sendable () -> Bool

    init(
        uploadLimit: Int64, urls: URLPolicy, threads: NIOThreadPool, isStopping: @escaping @Sendable () -> Bool
    ) {
        self.uploadLimit = uploadLimit
        self.urls = urls
        self.threads = threads
        self.isStopping = isStopping
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
        var form = Form(upload: UploadFile(in: workspace, on: threads))
        // Given back when this returns: a large archive is on the disk then.
        var share = JSONBuildRequest.Share(of: jsonBudget)
        do {
            if isJSONTaken, JSONBuildRequest.isJSON(request.headers[.contentType]) {
                try form.take(try await JSONBuildRequest.read(request, within: &share, allowance))
            } else {
                try await read(request, into: &form, allowance)
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
            switch error {
            case let error as MultipartError:
                throw ProblemDetails(error.isTooLarge ? .contentTooLarge : .badRequest, error)
            // The client went away in the middle, or said that more would come than did.
            case is HTTPParserError, is ChannelError: throw ProblemDetails(.badRequest, MultipartError.cutOff)
            default: throw error
            }
        }
    }

    private func read(_ request: Request, into form: inout Form, _ allowance: UploadAllowance?) async throws {
        var parser = try makeParser(request)
        var pace = UploadPace()
        for try await buffer in request.body {
            try pace.note(buffer.readableBytes)
            guard !isStopping() else { throw ProblemDetails.unavailable(BuildError.serviceStopping) }
            try await allowance?.take(buffer.readableBytes)
            try buffer.withUnsafeReadableBytes { bytes in
                try parser.consume(bytes) { try form.take($0) }
            }
            if form.upload.isBlockFull { try await form.upload.flush() }
        }
        try parser.finish()
    }

    private func makeParser(_ request: Request) throws -> MultipartParser {
        if let text = request.headers[.contentLength], let length = Int64(text), length > uploadLimit {
            throw ProblemDetails(.contentTooLarge, MultipartError.tooLarge(limitInBytes: uploadLimit))
        }
        let contentType = request.headers[.contentType] ?? ""
        do {
            let boundary = try MultipartBoundary.parse(contentType: contentType)
            return try MultipartParser(boundary: boundary, limits: MultipartLimits(totalBytes: uploadLimit))
        } catch {
            if case .notFormData = error { throw ProblemDetails(.unsupportedMediaType, error) }
            throw ProblemDetails(.badRequest, error)
        }
    }

    private func makeRequest(_ form: inout Form) async throws -> BuildRequest {
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

extension BuildIntake {
    /// The parts of the form that have arrived so far.
    private struct Form: ~Copyable {
        var upload: UploadFile
        private(set) var uploadName = "source"
        private(set) var hasUpload = false
        private var fields: [String: [UInt8]] = [:]
        private var seen: Set<String> = []
        private var current = Current.none

        private enum Current {
            case none, upload(name: String), field(String)
        }

        init(upload: consuming UploadFile) {
            self.upload = upload
        }

        /// The text of a field; a form's empty field counts as left out.
        subscript(name: String) -> String? {
            guard let bytes = fields[name], !bytes.isEmpty else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }

        mutating func take(_ event: MultipartEvent) throws {
            switch event {
            case .partBegan(let headers): try begin(headers)
            case .body(let bytes): try take(bytes)
            case .partEnded: try end()
            case .ended: break
            }
        }

        /// Takes what the later published form has, under this one's names.
        mutating func take(_ request: JSONBuildRequest) throws {
            for (name, text) in request.fields { fields[name] = Array(text.utf8) }
            guard let archive = request.archive else { return }
            current = .upload(name: request.archiveName)
            try archive.withUnsafeBytes { try take($0) }
            try end()
        }

        private mutating func begin(_ headers: MultipartHeaders) throws {
            guard seen.insert(headers.name).inserted else {
                throw ProblemDetails(
                    .badRequest, code: "request.duplicate_part", "the part \"\(headers.name)\" was sent twice",
                    hint: "send each part once")
            }
            switch headers.name {
            case "source":
                guard let name = headers.filename else {
                    throw ProblemDetails(
                        .badRequest, code: "request.source_not_a_file", "source was sent as text, not as a file",
                        hint: "with curl, write -F source=@source.zip")
                }
                current = .upload(name: name)
            case "repo_url", "ref", "nonce", "path", "toolchain", "visibility":
                current = .field(headers.name)
                fields[headers.name] = []
            default:
                throw ProblemDetails(
                    .badRequest, code: "request.unknown_part", "there is no part \"\(headers.name)\"",
                    hint: "the parts are source, repo_url, ref, nonce, path, toolchain and visibility")
            }
        }

        private mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
            switch current {
            case .upload(let name):
                guard !bytes.isEmpty else { return }
                hasUpload = true
                uploadName = Self.baseName(name)
                upload.append(bytes)
            case .field(let name):
                guard fields[name, default: []].count + bytes.count <= BuildIntake.fieldLimit else {
                    throw ProblemDetails(
                        .badRequest, code: "request.field_too_long",
                        "the field \"\(name)\" is longer than \(BuildIntake.fieldLimit) bytes")
                }
                fields[name, default: []] += bytes
            case .none: break
            }
        }

        private mutating func end() throws {
            if case .upload(let name) = current, !hasUpload, !name.isEmpty {
                throw ProblemDetails(
                    .badRequest, code: "request.source_empty", "the file sent as source is empty",
                    hint: "send a ZIP or tar.gz archive")
            }
            if case .field(let name) = current, String(validating: fields[name] ?? [], as: UTF8.self) == nil {
                throw ProblemDetails(
                    .badRequest, code: "request.field_not_utf8", "the field \"\(name)\" is not UTF-8 text")
            }
            current = .none
        }

        /// The last component of a client's file name, without anything that could matter to a terminal or a path.
        private static func baseName(_ name: String) -> String {
            let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
            let safe = PrintableText.make(from: last).prefix(200)
            return safe.isEmpty || safe == "." || safe == ".." ? "source" : String(safe)
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

extension MultipartError {
    fileprivate var isTooLarge: Bool {
        if case .tooLarge = self { true } else { false }
    }
}
