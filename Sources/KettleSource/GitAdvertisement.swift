import KettleProvenance

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
