import HTTPTypes
import Hummingbird
import KettleAccess
import KettleAttestation
import KettleProvenance
import NIOCore
import NIOHTTP1
import Synchronization

/// The JSON body of `POST /build` in the later published form (API section 1.4).
///
///     {"nonce": hex, "repo_url" | "source_data": base64, "repo_ref", "source_name", "path", "toolchain", "visibility"}
///
/// JSON is read whole, so it is for small sources: large ones come as a form, which never sits in memory.
struct JSONBuildRequest {
    /// Bytes of one body.
    static let limitInBytes = 16 << 20
    /// Members of one body; seven are known.
    private static let memberLimit = 16

    /// Texts by the names of the form's parts.
    private(set) var fields: [String: String] = [:]
    private(set) var archive: [UInt8]?
    private(set) var archiveName = "source"

    /// Whether a `Content-Type` says JSON.
    static func isJSON(_ contentType: String?) -> Bool {
        let type = contentType?.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        return type == "application/json"
    }

    /// Bytes that all bodies in memory may take together, as sent and as decoded.
    final class Budget: Sendable {
        private static let limitInBytes = 64 << 20
        private let taken = Mutex(0)

        fileprivate func take(_ count: Int) -> Bool {
            taken.withLock { taken in
                guard count <= Self.limitInBytes - taken else { return false }
                taken += count
                return true
            }
        }

        fileprivate func giveBack(_ count: Int) { taken.withLock { $0 -= count } }
    }

    /// What one request takes of the budget, from its first byte until what was decoded of it is on the disk or gone.
    struct Share: ~Copyable {
        private let budget: Budget
        private var taken = 0

        init(of budget: Budget) {
            self.budget = budget
        }

        /// Each byte of body counts twice: as it was sent, and for what is decoded of it.
        fileprivate mutating func take(_ count: Int) throws(ProblemDetails) {
            guard budget.take(2 * count) else { throw busy }
            taken += 2 * count
        }

        deinit { budget.giveBack(taken) }
    }

    /// - Parameters:
    ///   - share: To be kept for as long as the request that is read.
    ///   - allowance: What the caller may send; nil for no limit.
    /// - Throws: ``ProblemDetails``, and what the allowance throws.
    static func read(
        _ request: Request, within share: inout Share, _ allowance: UploadAllowance?
    ) async throws -> JSONBuildRequest {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limitInBytes { throw tooLarge }
        var body: [UInt8] = []
        do {
            for try await buffer in request.body {
                guard body.count + buffer.readableBytes <= limitInBytes else { throw tooLarge }
                try share.take(buffer.readableBytes)
                try await allowance?.take(buffer.readableBytes)
                body.append(contentsOf: buffer.readableBytesView)
            }
        } catch let error where error is HTTPParserError || error is ChannelError {
            throw ProblemDetails(.badRequest, code: "request.cut_off", "the body ends before it is complete")
        }
        let value: JSONValue
        do {
            // Every member is a text; trees of values would take thirty times their bytes.
            value = try JSONValue(
                parsing: body, maximumDepth: 1, maximumBytes: limitInBytes, maximumValues: memberLimit)
        } catch {
            throw ProblemDetails(
                .badRequest, code: "request.not_json", "the body is not JSON as it is taken here: \(error.message)")
        }
        body = []
        return try JSONBuildRequest(value)
    }

    init(_ value: JSONValue) throws(ProblemDetails) {
        guard let members = value.objectValue else {
            throw ProblemDetails(.badRequest, code: "request.not_json", "the body is not a JSON object")
        }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where value != .null {
            guard let text = value.stringValue else {
                throw .badMember(name, "is not a string")
            }
            switch name {
            case "nonce", "repo_url", "path", "toolchain", "visibility": fields[name] = text
            case "repo_ref": fields["ref"] = text
            case "source_name": archiveName = text
            case "source_data":
                guard let bytes = Base64.decode(text) else { throw .badMember(name, "is not base64") }
                guard !bytes.isEmpty else { throw .badMember(name, "is empty") }
                archive = bytes
            default: throw .badMember(name, "is unknown")
            }
        }
    }

    private static let tooLarge = ProblemDetails(
        .contentTooLarge, code: "request.too_large", "the JSON is longer than \(limitInBytes) bytes",
        hint: "send a large source as multipart/form-data")

    private static var busy: ProblemDetails {
        var problem = ProblemDetails(
            .tooManyRequests, code: "request.busy", "too much JSON is being read at the moment",
            hint: "try again later, or send the source as multipart/form-data")
        problem.headers[.retryAfter] = "2"
        return problem
    }
}

extension ProblemDetails {
    fileprivate static func badMember(_ name: String, _ fault: String) -> ProblemDetails {
        ProblemDetails(
            .badRequest, code: "request.bad_member", "the member \"\(printable(name))\" \(fault)",
            hint: "the members are nonce, repo_url or source_data, repo_ref, source_name, path and visibility")
    }
}
