public import KettleProvenance

/// What a bundle has to be for someone to accept it, beside being genuine and whole.
///
/// A list that is there must hold what the bundle has; one that is not there asks nothing. `docs/policy.md` has the file's
/// form.
public struct Policy: Hashable, Sendable {
    /// `builder.id`, exactly.
    public var builders: [String]?
    /// `buildType`, exactly.
    public var buildTypes: [String]?
    public var sources: [SourcePattern]?
    public var refs: [RefPattern]?
    /// Git commits, 40 or 64 lower-case hexadecimal digits.
    public var commits: [String]?
    /// Fingerprints of software keys whose word is taken.
    public var softwareKeys: Set<ContentDigest>
    /// Launch digests of images that may have built, 48 bytes each.
    public var measurements: [[UInt8]]?
    /// In seconds, from the end of the build to the time of verification.
    public var maximumAge: Int64?
    /// The lowest firmware versions, by part.
    public var minimumTCB: [String: Int64]?
    /// Packages that must be among the inputs.
    public var required: [PackageURL]
    /// Packages that must not be among the inputs, wherever they come from.
    public var denied: [PackageURL]

    /// Asks nothing.
    public init() {
        softwareKeys = []
        required = []
        denied = []
    }
}

/// Which sources are accepted: a git repository by its URL, or an archive by its name.
///
/// `git+https://forge.example/acme/tally` is that repository, at any ref. A last component `*` stands for everything below:
/// `git+https://forge.example/acme/*`. `archive:tally.zip` is an archive of that name, `archive:*` any.
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
        var repository = source
        if let ref, source.hasPrefix("git+"), source.hasSuffix("@\(ref)") { repository.removeLast(ref.count + 1) }
        if text.hasSuffix("*") {
            let prefix = text.dropLast()
            return repository.utf8.starts(with: prefix.utf8) && repository.utf8.count > prefix.utf8.count
        }
        return repository.utf8.elementsEqual(text.utf8)
    }
}

/// Which refs are accepted: `main` is that one, `v*` every one that begins so, `HEAD` the remote's default branch, which is
/// built where no ref was asked for.
public struct RefPattern: Hashable, Sendable {
    public let text: String

    /// - Returns: nil for an empty text, or one with a `*` anywhere but at its end.
    public init?(text: String) {
        guard !text.isEmpty, !text.dropLast().contains("*") else { return nil }
        self.text = text
    }

    func matches(_ ref: String?) -> Bool {
        guard let ref else { return text == "HEAD" }
        if text.hasSuffix("*") { return ref.utf8.starts(with: text.dropLast().utf8) }
        return ref.utf8.elementsEqual(text.utf8)
    }
}
