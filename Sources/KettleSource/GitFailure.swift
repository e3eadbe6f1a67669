/// What git's last words mean. git has no codes for its failures, so its English texts are recognised; the tests hold each
/// against a real git.
struct GitFailure {
    let url: GitURL
    let status: Int32
    /// In lower case, without what the server said and without the URL: neither may choose the words.
    private let text: String

    init(_ standardError: [UInt8], status: Int32, url: GitURL) {
        self.url = url
        self.status = status
        let lines = String(decoding: standardError, as: UTF8.self).lowercased().split(whereSeparator: \.isNewline)
        text = lines.filter { !$0.hasPrefix("remote: ") }.joined(separator: "\n")
            .replacing(url.parts.canonical.lowercased(), with: "")
    }

    /// - Parameter missing: What it means that the remote does not give out what was asked for.
    func error(missing: SourceError?) -> SourceError {
        if says("no space left on device", "disk quota exceeded") { return .diskFull }
        if says("mismatched algorithms", "expected sha/ref, got") { return .objectFormatUnsupported(url: url.text) }
        if says("not our ref", "unadvertised object", "not a tree object", "not a valid object name") {
            return missing ?? .gitFailed(url: url.text, status: status)
        }
        if let error = httpError { return error }
        if says("terminal prompts disabled", "authentication failed") {
            return .authenticationRequired(url: url.text)
        }
        if says("' not found", "is this a git repository?") { return .repositoryNotFound(url: url.text) }
        if says("unable to access", "early eof", "unexpected disconnect", "rpc failed", "hung up unexpectedly") {
            return .remoteUnreachable(url: url.text)
        }
        if says("fsck error", "index-pack", "bad object", "bad pack", "not a commit") {
            return .objectsInvalid(url: url.text)
        }
        return .gitFailed(url: url.text, status: status)
    }

    /// git's words for an answer with a status that is not 200.
    private var httpError: SourceError? {
        guard let range = text.firstRange(of: "returned error: ") else { return nil }
        switch Int(text[range.upperBound...].prefix(3)) {
        case 401, 403, 407: return .authenticationRequired(url: url.text)
        case 404, 410: return .repositoryNotFound(url: url.text)
        case .some(300..<400): return .redirected(url: url.text)
        default: return .remoteUnreachable(url: url.text)
        }
    }

    private func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
}
