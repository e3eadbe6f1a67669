import Hummingbird
import KettleBuild
import KettleMultipart

/// A form with one file, which may be large, and texts, which are short: the parts that have arrived so far.
struct UploadForm: ~Copyable {
    /// What a form may have.
    struct Shape: Sendable {
        /// The part that is the file.
        let file: String
        /// What the file has to be, for people.
        let contents: String
        /// The texts, and how many bytes each may have.
        let fields: [(name: String, limitInBytes: Int)]
        /// The texts that may be sent more than once; they are kept as lines.
        var repeatable: Set<String> = []
        /// Whether an empty text counts as left out, as forms in browsers send them. Where a text is a question, one that was lost on its
        /// way must not go unasked.
        var takesEmptyFields = true

        fileprivate func limit(of field: String) -> Int? { fields.first { $0.name == field }?.limitInBytes }
    }

    private let shape: Shape
    var upload: UploadFile
    private(set) var uploadName: String
    private(set) var hasUpload = false
    private var fields: [String: [UInt8]] = [:]
    private var seen: Set<String> = []
    private var current = Current.none

    private enum Current {
        case none, upload(name: String), field(String, start: Int, limitInBytes: Int)
    }

    init(_ shape: Shape, upload: consuming UploadFile) {
        self.shape = shape
        self.upload = upload
        uploadName = shape.file
    }

    /// The text of a field; a form's empty field counts as left out.
    subscript(name: String) -> String? {
        guard let bytes = fields[name], !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Throws: ``ProblemDetails``.
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
        let name = headers.name
        let isFirst = seen.insert(name).inserted
        guard isFirst || shape.repeatable.contains(name) else {
            throw ProblemDetails(
                .badRequest, code: "request.duplicate_part", "the part \"\(name)\" was sent twice",
                hint: "send each part once")
        }
        if name == shape.file {
            guard let filename = headers.filename else {
                throw ProblemDetails(
                    .badRequest, code: "request.\(name)_not_a_file", "\(name) was sent as text, not as a file",
                    hint: "with curl, write -F \(name)=@\(name).zip")
            }
            current = .upload(name: filename)
        } else if let limit = shape.limit(of: name) {
            if !isFirst { fields[name]?.append(UInt8(ascii: "\n")) }
            let start = fields[name, default: []].count
            fields[name, default: []] += []
            current = .field(name, start: start, limitInBytes: limit)
        } else {
            let names = [shape.file] + shape.fields.map(\.name)
            throw ProblemDetails(
                .badRequest, code: "request.unknown_part", "there is no part \"\(name)\"",
                hint: "the parts are \(names.dropLast().joined(separator: ", ")) and \(names.last ?? "")")
        }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        switch current {
        case .upload(let name):
            guard !bytes.isEmpty else { return }
            hasUpload = true
            uploadName = baseName(name)
            upload.append(bytes)
        case .field(let name, _, let limit):
            guard fields[name, default: []].count + bytes.count <= limit else {
                throw ProblemDetails(
                    .badRequest, code: "request.field_too_long",
                    "the field \"\(name)\" is longer than \(limit) bytes")
            }
            fields[name, default: []] += bytes
        case .none: break
        }
    }

    private mutating func end() throws {
        if case .upload(let name) = current, !hasUpload, !name.isEmpty {
            throw ProblemDetails(
                .badRequest, code: "request.\(shape.file)_empty", "the file sent as \(shape.file) is empty",
                hint: "send \(shape.contents)")
        }
        if case .field(let name, let start, _) = current {
            let bytes = fields[name] ?? []
            guard String(validating: bytes, as: UTF8.self) != nil else {
                throw ProblemDetails(
                    .badRequest, code: "request.field_not_utf8", "the field \"\(name)\" is not UTF-8 text")
            }
            guard shape.takesEmptyFields || bytes.count > start else {
                throw ProblemDetails(
                    .badRequest, code: "request.field_empty", "the field \"\(name)\" is empty",
                    hint: "leave it out to ask nothing")
            }
        }
        current = .none
    }

    /// The last component of a client's file name, without anything that could matter to a terminal or a path.
    private func baseName(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        let safe = PrintableText.make(from: last).prefix(200)
        return safe.isEmpty || safe == "." || safe == ".." ? shape.file : String(safe)
    }
}
