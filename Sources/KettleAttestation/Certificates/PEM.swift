import SwiftASN1

/// Certificates in PEM (RFC 7468), in one form: what is not exactly that is refused.
package enum PEM {
    /// How lines may end and what may stand between blocks.
    package enum Style {
        /// LF alone, no blank lines, NULs at the very end: as in a quote, where nothing else signs these bytes.
        case quote
        /// CRLF too, and blank lines: as in files.
        case file
    }

    private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)

    /// The DER of the one certificate in a file of PEM or of DER. What the certificate says is not read.
    ///
    /// - Returns: Nil unless it is one DER sequence, whole and with nothing behind it. Two certificates are one too many: which
    ///   one is meant would be a guess.
    package static func oneCertificate(in file: [UInt8]) -> [UInt8]? {
        // A DER sequence begins with 0x30, PEM with a dash.
        let der = file.first == 0x30 ? [file] : certificates(in: file[...], style: .file, limit: 1)
        guard let der = der?.first, (try? DER.parse(der))?.identifier == .sequence else { return nil }
        return der
    }

    /// The DER of each certificate. Nil where anything stands there that is not one.
    ///
    /// - Parameter limit: How many certificates there may be.
    package static func certificates(in text: ArraySlice<UInt8>, style: Style, limit: Int = 8) -> [[UInt8]]? {
        var text = text
        if style == .quote { while text.last == 0 { text.removeLast() } }
        guard !text.contains(0) else { return nil }
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // The last line may end in a line break or not.
        if lines.last?.isEmpty == true { lines.removeLast() }
        if style == .file {
            lines = lines.map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }.filter { !$0.isEmpty }
        }
        var certificates: [[UInt8]] = []
        var body: [ArraySlice<UInt8>]?
        for line in lines {
            if let open = body {
                if line.elementsEqual(end) {
                    guard let der = decode(open) else { return nil }
                    certificates.append(der)
                    body = nil
                } else {
                    body?.append(line)
                }
            } else {
                guard line.elementsEqual(begin), certificates.count < limit else { return nil }
                body = []
            }
        }
        return body == nil && !certificates.isEmpty ? certificates : nil
    }

    /// Lines of 64 letters, the last one shorter or as long, none empty.
    private static func decode(_ lines: [ArraySlice<UInt8>]) -> [UInt8]? {
        guard let last = lines.last, !last.isEmpty, last.count <= 64, lines.dropLast().allSatisfy({ $0.count == 64 })
        else { return nil }
        var letters: [UInt8] = []
        for line in lines { letters += line }
        return Base64.decode(letters[...])
    }
}
