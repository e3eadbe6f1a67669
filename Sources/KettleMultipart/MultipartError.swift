import KettleError

/// Why a `multipart/form-data` body was refused.
package enum MultipartError: UserFacingError, Equatable {
    /// The request's `Content-Type` is another one.
    case notFormData(contentType: String)
    /// The request's `Content-Type` does not follow RFC 2045 §5.1.
    case malformedContentType(contentType: String)
    /// The `Content-Type` names no boundary.
    case noBoundary
    /// The boundary is empty, too long, or holds characters that RFC 2046 §5.1.1 does not allow.
    case invalidBoundary(boundary: String)
    /// More stands before the first boundary than the limit allows.
    case preambleTooLong(limitInBytes: Int)
    /// More stands after the last boundary than the limit allows.
    case epilogueTooLong(limitInBytes: Int)
    /// A line begins with the boundary and goes on with something else.
    case malformedDelimiter(part: Int)
    /// There are more parts than the limit allows.
    case tooManyParts(limit: Int)
    /// The headers of one part are longer than the limit allows.
    case headersTooLong(part: Int, limitInBytes: Int)
    /// One part has more headers than the limit allows.
    case tooManyHeaders(part: Int, limit: Int)
    /// A header line has no valid name, no colon, a control character, or no CR before its LF.
    case malformedHeader(part: Int)
    /// A header line begins with a space: folding is obsolete, and parsers disagree about it.
    case foldedHeader(part: Int)
    /// A header is not UTF-8.
    case headerNotUTF8(part: Int)
    /// A header that must be alone in its part stands there twice.
    case duplicateHeader(part: Int, name: String)
    /// A part has no `Content-Disposition`.
    case noDisposition(part: Int)
    /// A part's disposition is not `form-data`.
    case wrongDisposition(part: Int, disposition: String)
    /// The parameters of a part's `Content-Disposition` cannot be read.
    case malformedParameter(part: Int)
    /// A parameter of a part's `Content-Disposition`, or of the request's `Content-Type` (part 0), stands there twice.
    case duplicateParameter(part: Int, name: String)
    /// A part has no name.
    case noName(part: Int)
    /// A part is encoded, in a way that RFC 7578 §4.7 deprecates.
    case unsupportedEncoding(part: Int, encoding: String)
    /// The body is longer than the limit allows.
    case tooLarge(limitInBytes: Int64)
    /// The body ends before its last boundary.
    case cutOff
    /// The parser was given more although it had refused the body, or its caller had thrown.
    case afterFailure

    package var code: String {
        switch self {
        case .notFormData: "request.multipart_not_form_data"
        case .malformedContentType: "request.multipart_malformed_content_type"
        case .noBoundary: "request.multipart_no_boundary"
        case .invalidBoundary: "request.multipart_invalid_boundary"
        case .preambleTooLong: "request.multipart_preamble_too_long"
        case .epilogueTooLong: "request.multipart_epilogue_too_long"
        case .malformedDelimiter: "request.multipart_malformed_delimiter"
        case .tooManyParts: "request.multipart_too_many_parts"
        case .headersTooLong: "request.multipart_headers_too_long"
        case .tooManyHeaders: "request.multipart_too_many_headers"
        case .malformedHeader: "request.multipart_malformed_header"
        case .foldedHeader: "request.multipart_folded_header"
        case .headerNotUTF8: "request.multipart_header_not_utf8"
        case .duplicateHeader: "request.multipart_duplicate_header"
        case .noDisposition: "request.multipart_no_disposition"
        case .wrongDisposition: "request.multipart_wrong_disposition"
        case .malformedParameter: "request.multipart_malformed_parameter"
        case .duplicateParameter: "request.multipart_duplicate_parameter"
        case .noName: "request.multipart_no_name"
        case .unsupportedEncoding: "request.multipart_unsupported_encoding"
        case .tooLarge: "request.multipart_too_large"
        case .cutOff: "request.multipart_cut_off"
        case .afterFailure: "request.multipart_after_failure"
        }
    }

    package var message: String {
        switch self {
        case .notFormData(let contentType):
            contentType.isEmpty
                ? "the request has no content type"
                : "the content type \(quoted(contentType)) is not multipart/form-data"
        case .malformedContentType(let contentType): "the content type \(quoted(contentType)) cannot be read"
        case .noBoundary: "the content type multipart/form-data names no boundary"
        case .invalidBoundary(let boundary): "\(quoted(boundary)) cannot be a multipart boundary"
        case .preambleTooLong(let limit): "no boundary was found in the first \(limit) bytes of the body"
        case .epilogueTooLong(let limit): "more than \(limit) bytes follow the last boundary of the body"
        case .malformedDelimiter(let part):
            "the boundary \(part == 0 ? "before the first part" : "after part \(part)") does not end its line"
        case .tooManyParts(let limit): "the body has more than \(limit) parts"
        case .headersTooLong(let part, let limit): "the headers of part \(part) are longer than \(limit) bytes"
        case .tooManyHeaders(let part, let limit): "part \(part) has more than \(limit) headers"
        case .malformedHeader(let part): "a header of part \(part) cannot be read"
        case .foldedHeader(let part): "a header of part \(part) goes over two lines"
        case .headerNotUTF8(let part): "a header of part \(part) is not UTF-8"
        case .duplicateHeader(let part, let name): "part \(part) has two \(name) headers"
        case .noDisposition(let part): "part \(part) has no Content-Disposition header"
        case .wrongDisposition(let part, let disposition):
            "the disposition of part \(part) is \(quoted(disposition)), not form-data"
        case .malformedParameter(let part): "the Content-Disposition of part \(part) cannot be read"
        case .duplicateParameter(let part, let name):
            part == 0
                ? "the content type has two parameters called \(quoted(name))"
                : "the Content-Disposition of part \(part) has two parameters called \(quoted(name))"
        case .noName(let part): "part \(part) has no name"
        case .unsupportedEncoding(let part, let encoding):
            "part \(part) has the transfer encoding \(quoted(encoding))"
        case .tooLarge(let limit): "the body is longer than \(limit) bytes"
        case .cutOff: "the body ends before its last boundary"
        case .afterFailure: "the body was already refused"
        }
    }

    package var hint: String? {
        switch self {
        case .notFormData, .noBoundary: "send the request as a form, with curl -F or FormData for example"
        case .unsupportedEncoding: "send the part as it is, without a Content-Transfer-Encoding"
        case .tooManyParts: "send one form field for each thing the request holds, and nothing else"
        case .tooLarge: "leave out what the build does not need, such as target/ and .git"
        case .cutOff: "send the request again; the connection may have been interrupted"
        case .preambleTooLong, .malformedDelimiter:
            "let the client library set the Content-Type, so that it names the boundary which the body uses"
        default: nil
        }
    }

    /// A value of the request inside a message: short and harmless on a terminal.
    private func quoted(_ value: String) -> String {
        var shown = "\""
        for scalar in value.unicodeScalars.prefix(80) {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                shown.unicodeScalars.append("\u{FFFD}")
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown + (value.unicodeScalars.count > 80 ? "…\"" : "\"")
    }
}
