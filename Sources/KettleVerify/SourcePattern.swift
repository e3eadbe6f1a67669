/// Which sources are accepted: a git repository by its URL, or an archive by its name.
///
/// `git+https://forge.example/acme/tally` is that repository, at any ref; with `@main` behind it, at that one. A last
/// component `*` stands for everything below: `git+https://forge.example/acme/*`. `archive:tally.zip` is an archive of that
/// name, `archive:*` any. Texts are compared byte for byte.
public struct SourcePattern: Hashable, Sendable {
    /// As it was written, with `git+` before a URL.
    public let text: String

    /// - Returns: nil for a text that is neither, or has a `*` anywhere else.
    public init?(text: String) {
        var text = text
        if text.hasPrefix("https://") || text.hasPrefix("http://") { text = "git+" + text }
        let fixed = text.hasSuffix("/*") || text == "archive:*" ? text.dropLast() : text[...]
        guard !fixed.contains("*"), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        let isGit = (fixed.hasPrefix("git+https://") || fixed.hasPrefix("git+http://")) && !fixed.hasSuffix("//")
        let isArchive = fixed.hasPrefix("archive:") && (text == "archive:*" || fixed.utf8.count > "archive:".utf8.count)
        guard isGit || isArchive else { return nil }
        self.text = text
    }

    /// - Parameters:
    ///   - source: As the statement's external parameters have it, `@ref` included.
    ///   - ref: Theirs too.
    func matches(source: String, ref: String?) -> Bool {
        let repository = Self.repository(of: source, ref: ref)
        guard text.hasSuffix("*") else {
            let isWhole = repository.utf8.count < source.utf8.count && source.utf8.elementsEqual(text.utf8)
            return isWhole || repository.utf8.elementsEqual(text.utf8)
        }
        let prefix = text.dropLast()
        guard repository.utf8.starts(with: prefix.utf8) else { return false }
        let below = String(decoding: repository.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        return text == "archive:*" ? !below.isEmpty : Self.staysBelow(below)
    }

    /// A source without the `@ref` behind a repository's URL.
    static func repository(of source: String, ref: String?) -> String {
        guard let ref, source.hasPrefix("git+"), source.utf8.count > ref.utf8.count,
            source.utf8.suffix(ref.utf8.count + 1).elementsEqual("@\(ref)".utf8)
        else { return source }
        return String(decoding: source.utf8.dropLast(ref.utf8.count + 1), as: UTF8.self)
    }

    /// Whether a path is what it looks like: `acme/../mallory` is not below `acme`, to a server that resolves dots. The
    /// intake refuses such URLs; a verifier does not rely on it.
    private static func staysBelow(_ path: String) -> Bool {
        let plain = path.lowercased()
        guard !plain.isEmpty, !["%2e", "%2f", "%5c", "\\", "?", "#"].contains(where: plain.contains) else {
            return false
        }
        return plain.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }
}

/// Which refs are accepted: `main` is that one, `v*` every one that begins so. Where no ref was asked for, the remote's
/// default branch was built, and the ref is called `HEAD`.
public struct RefPattern: Hashable, Sendable {
    /// As it was written.
    public let text: String

    /// - Returns: nil for an empty text, or one with a `*` anywhere but at its end.
    public init?(text: String) {
        guard !text.isEmpty, !text.dropLast().contains("*") else { return nil }
        self.text = text
    }

    func matches(_ ref: String) -> Bool {
        if text.hasSuffix("*") { return ref.utf8.starts(with: text.dropLast().utf8) }
        return ref.utf8.elementsEqual(text.utf8)
    }
}
