import KettleProvenance

/// The name of a branch or tag, or a whole commit id, checked to be something that git could mean by it.
struct GitRef: Sendable, Hashable {
    private static let lengthLimit = 255

    let text: String

    /// The rules of git-check-ref-format(1), over bytes: to Swift `-` and a combining mark are one other character.
    ///
    /// - Throws: ``SourceError/refInvalid(ref:)``.
    init(checking text: String) throws(SourceError) {
        let bytes = Array(text.utf8)
        let components = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let refused = Array(" ~^:?*[\\".utf8)
        guard !bytes.isEmpty, bytes.count <= Self.lengthLimit, bytes.first != UInt8(ascii: "-"), text != "@",
            bytes.last != UInt8(ascii: "."),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F || refused.contains($0) }),
            !bytes.contains(Array("..".utf8)), !bytes.contains(Array("@{".utf8)),
            components.allSatisfy({ !$0.isEmpty && $0.first != UInt8(ascii: ".") && !$0.ends(with: ".lock") })
        else { throw .refInvalid(ref: text) }
        self.text = text
    }

    /// Names a commit that is not asked from the remote by name.
    var commit: String? {
        let lowercased = text.lowercased()
        return isHexadecimal && text.utf8.count == 40 ? lowercased : nil
    }

    /// As SHA-256 repositories name commits.
    var isLongCommit: Bool { isHexadecimal && text.utf8.count == 64 }

    var isAbbreviatedCommit: Bool { isHexadecimal && 7..<40 ~= text.utf8.count }

    private var isHexadecimal: Bool {
        text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x41...0x46 ~= $0 || 0x61...0x66 ~= $0 }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

/// What `git ls-remote --symref` prints: the names that a remote has, and the objects they stand for.
struct GitAdvertisement: Sendable {
    /// What to fetch and which commit is in it. They differ for a tag that is an object of its own: a server that speaks
    /// an old protocol gives out only what it advertises, and that is the tag.
    struct Target: Sendable, Hashable {
        var object: String
        var commit: String
        var name: String
    }

    // By bytes: to Swift two names are equal that differ in how an accent is encoded.
    private var objects: [[UInt8]: String] = [:]
    private var head: String?

    /// Patterns for `ls-remote`; HEAD always, which also shows what kind of ids the repository has.
    static func patterns(for ref: GitRef?) -> [String] {
        ["HEAD"] + (ref.map { ["refs/heads/\($0.text)", "refs/tags/\($0.text)", "refs/tags/\($0.text)^{}"] } ?? [])
    }

    init(parsing bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { continue }
            let name = Array(line[(tab + 1)...])
            let value = String(decoding: line[..<tab], as: UTF8.self)
            if value.hasPrefix("ref: ") {
                if name == Array("HEAD".utf8) { head = String(value.dropFirst(5)) }
            } else {
                objects[name] = value
            }
        }
    }

    /// Finds a branch, or else a tag; HEAD where no name is given.
    func target(of ref: GitRef?, at url: String) throws(SourceError) -> Target {
        let isLong = objects[Array("HEAD".utf8)].map { $0.utf8.count == 64 } ?? false
        guard !isLong else { throw .objectFormatUnsupported(url: url) }
        guard let ref else {
            guard let commit = try object("HEAD", url) else { throw .repositoryEmpty(url: url) }
            return Target(object: commit, commit: commit, name: head ?? "HEAD")
        }
        let branch = "refs/heads/\(ref.text)"
        if let commit = try object(branch, url) { return Target(object: commit, commit: commit, name: branch) }
        let tag = "refs/tags/\(ref.text)"
        if let object = try object(tag, url) {
            return Target(object: object, commit: try self.object("\(tag)^{}", url) ?? object, name: tag)
        }
        if ref.isLongCommit { throw .commitNotFound(commit: ref.text) }
        throw ref.isAbbreviatedCommit ? .refAbbreviated(ref: ref.text) : .refNotFound(ref: ref.text)
    }

    private func object(_ name: String, _ url: String) throws(SourceError) -> String? {
        guard let id = objects[Array(name.utf8)] else { return nil }
        guard id.utf8.count != 64 else { throw .objectFormatUnsupported(url: url) }
        guard id.utf8.count == 40, [UInt8](hexadecimal: id) != nil else { throw .objectsInvalid(url: url) }
        return id
    }
}
