import HTTPTypes
import Hummingbird
import KettleAccess
import KettleBuild
import KettleMultipart
import NIOCore
import NIOHTTP1

/// Reads the body of a request as `multipart/form-data`, as it arrives.
struct FormReader: Sendable {
    /// Bytes of body that one request may have.
    let limitInBytes: Int64
    /// Whether what is being sent would not be taken any more.
    let isStopping: @Sendable () -> Bool
    /// Whether the disk has room for more of it.
    let hasRoom: @Sendable () -> Bool

    /// - Parameter allowance: What the caller may send; nil for no limit.
    /// - Throws: ``ProblemDetails`` for a request that is wrong, ``QuotaError``, and what the connection throws when it breaks
    ///   off.
    func read(_ request: Request, into form: inout UploadForm, within allowance: UploadAllowance?) async throws {
        var parser = try makeParser(request)
        var pace = UploadPace()
        for try await buffer in request.body {
            try pace.note(buffer.readableBytes)
            guard !isStopping() else { throw ProblemDetails.unavailable(BuildError.serviceStopping) }
            try await allowance?.take(buffer.readableBytes)
            try buffer.withUnsafeReadableBytes { bytes in
                try parser.consume(bytes) { try form.take($0) }
            }
            if form.upload.isBlockFull {
                guard hasRoom() else { throw ProblemDetails.unavailable(BuildError.diskLow) }
                try await form.upload.flush()
            }
        }
        try parser.finish()
    }

    /// What a client is told of an error that ended the reading of its form.
    static func told(_ error: any Error) -> any Error {
        switch error {
        case let error as MultipartError:
            ProblemDetails(error.isTooLarge ? .contentTooLarge : .badRequest, error)
        // The client went away in the middle, or said that more would come than did.
        case is HTTPParserError, is ChannelError: ProblemDetails(.badRequest, MultipartError.cutOff)
        default: error
        }
    }

    private func makeParser(_ request: Request) throws -> MultipartParser {
        if let text = request.headers[.contentLength], let length = Int64(text), length > limitInBytes {
            throw ProblemDetails(.contentTooLarge, MultipartError.tooLarge(limitInBytes: limitInBytes))
        }
        let contentType = request.headers[.contentType] ?? ""
        do {
            let boundary = try MultipartBoundary.parse(contentType: contentType)
            return try MultipartParser(boundary: boundary, limits: MultipartLimits(totalBytes: limitInBytes))
        } catch {
            if case .notFormData = error { throw ProblemDetails(.unsupportedMediaType, error) }
            throw ProblemDetails(.badRequest, error)
        }
    }
}

extension MultipartError {
    fileprivate var isTooLarge: Bool {
        if case .tooLarge = self { true } else { false }
    }
}
