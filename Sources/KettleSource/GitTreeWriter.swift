import Crypto
import Glibc
import KettleProvenance
import Synchronization
import SystemPackage

/// Writes the blobs of a commit as `git cat-file --batch` prints them, each checked against its id.
///
/// A class because the sandbox's output comes piece by piece from another task. Unchecked: every use of the state is inside
/// the lock, which the compiler cannot see through a writer that is itself a class.
final class GitTreeWriter: @unchecked Sendable {
    private struct Place {
        var path: SourcePath
        var kind: GitTreeListing.Kind

        var isExecutable: Bool { kind == .file(isExecutable: true) }
    }

    private struct Object {
        var type: String
        var id: String
        var remaining: Int64
        var hasher: Insecure.SHA1
        var use: Use
        /// What is kept of it: see ``Use/hold``.
        var content: [UInt8] = []
    }

    private enum Use {
        /// Not part of the commit, or a tree.
        case none
        /// Written as it comes, to the first of its places.
        case stream
        /// Small, and needed whole: a link, a commit, a blob of several places.
        case hold
    }

    /// A blob that stands at several paths, or a commit, is held in memory up to this size.
    private static let heldBytes: Int64 = 1 << 20
    /// `<id> <type> <size>`, and some room.
    private static let headerBytes = 256

    private let url: String
    private let commit: String
    private let lock = Mutex(())
    private let writer: TreeWriter
    /// Where each blob belongs that has not been seen yet.
    private var places: [String: [Place]] = [:]
    private var header: [UInt8] = []
    private var object: Object?
    private var commitTree: String?

    /// Makes the folders of the submodules; the rest comes with ``take(_:)``.
    ///
    /// - Parameters:
    ///   - commit: 40 hexadecimal digits.
    ///   - url: For messages.
    init(
        _ entries: [GitTreeListing], of commit: String, from url: String, into folder: FilePath,
        within limits: SourceLimits
    ) throws(SourceError) {
        self.url = url
        self.commit = commit
        writer = try TreeWriter(creating: folder, within: limits)
        for entry in entries {
            guard let path = try Self.path(entry.path, limits) else { throw .entryNameEmpty }
            guard !path.holdsDotGit else { throw .entryDotGit(path: path.text) }
            if entry.kind == .gitlink {
                try writer.addFolder(path)
            } else {
                places[entry.id, default: []].append(Place(path: path, kind: entry.kind))
            }
        }
    }

    private static func path(_ bytes: [UInt8], _ limits: SourceLimits) throws(SourceError) -> SourcePath? {
        // The closure of `withUnsafeBytes` cannot say what it throws.
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(SourceError) in try SourcePath(checking: bytes, within: limits) }
        }.get()
    }

    // MARK: - After the end

    /// The tree that the commit names; nil when the id was another kind of object's.
    var tree: String? { lock.withLock { _ in commitTree } }

    /// What was written.
    var contents: (entries: Int, bytes: Int64, links: SourceLinks) {
        lock.withLock { _ in (writer.entries, writer.bytes, writer.links) }
    }

    /// Ends the tree when everything has come.
    func finish() throws(SourceError) {
        try lock.withLock { _ throws(SourceError) in
            guard places.isEmpty, object == nil, header.isEmpty else { throw .objectsInvalid(url: url) }
            try writer.finish()
        }
    }

    // MARK: - Objects

    /// Takes the next piece of what git prints: `<id> <type> <size>`, a line feed, the content and a line feed, again and
    /// again (git-cat-file(1), batch output).
    func take(_ chunk: UnsafeRawBufferPointer) throws(SourceError) {
        try lock.withLock { _ throws(SourceError) in
            var rest = chunk
            while !rest.isEmpty {
                rest = object == nil ? try takeHeader(rest) : try takeContent(rest)
            }
        }
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) throws(SourceError) -> UnsafeRawBufferPointer {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard header.count + line.count <= Self.headerBytes else { throw .objectsInvalid(url: url) }
        header += line
        guard line.count < bytes.count else { return UnsafeRawBufferPointer(rebasing: bytes[bytes.endIndex...]) }
        let parts = String(decoding: header, as: UTF8.self).split(separator: " ").map(String.init)
        header = []
        guard parts.count == 3, let size = Int64(parts[2]), size >= 0 else { throw .objectsInvalid(url: url) }
        object = Object(
            type: parts[1], id: parts[0], remaining: size, hasher: GitTree.begin(parts[1], size),
            use: try begin(id: parts[0], type: parts[1], size))
        return UnsafeRawBufferPointer(rebasing: bytes[(line.count + 1)...])
    }

    private func begin(id: String, type: String, _ size: Int64) throws(SourceError) -> Use {
        if id == commit, type == "commit" {
            guard size <= Self.heldBytes else { throw .objectsInvalid(url: url) }
            return .hold
        }
        guard type == "blob", let places = places[id], let first = places.first else { return .none }
        if let link = places.first(where: { $0.kind == .link }), size > Int64(writer.limits.linkBytes) {
            throw .linkTargetInvalid(path: link.path.text)
        }
        guard places.count == 1 && first.kind != .link || size > Self.heldBytes else { return .hold }
        try writer.beginFile(first.path, isExecutable: first.isExecutable)
        return .stream
    }

    private func takeContent(_ bytes: UnsafeRawBufferPointer) throws(SourceError) -> UnsafeRawBufferPointer {
        guard var current = object else { return bytes }
        // With two owners the content would be copied for each piece.
        object = nil
        let count = Int(min(current.remaining, Int64(bytes.count)))
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        current.remaining -= Int64(count)
        if current.use != .none { current.hasher.update(bufferPointer: piece) }
        switch current.use {
        case .none: break
        case .stream: try writer.write(piece)
        case .hold: current.content += piece
        }
        guard current.remaining == 0, count < bytes.count else {
            object = current
            return UnsafeRawBufferPointer(rebasing: bytes[count...])
        }
        guard bytes[count] == UInt8(ascii: "\n") else { throw .objectsInvalid(url: url) }
        try end(current)
        return UnsafeRawBufferPointer(rebasing: bytes[(count + 1)...])
    }

    private func end(_ object: Object) throws(SourceError) {
        guard object.use != .none else { return }
        guard Array(object.hasher.finalize()).hexadecimal == object.id else { throw .objectsInvalid(url: url) }
        if object.type == "commit" {
            commitTree = try treeID(object.content)
        } else if object.use == .stream {
            try writer.endFile()
            try copy(to: places.removeValue(forKey: object.id) ?? [])
        } else {
            try write(object.content, to: places.removeValue(forKey: object.id) ?? [])
        }
    }

    /// The first line of a commit is `tree <id>` (git-commit-tree(1)).
    private func treeID(_ content: [UInt8]) throws(SourceError) -> String {
        let line = content.prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: "tree ".utf8) else { throw .objectsInvalid(url: url) }
        return String(decoding: line.dropFirst(5), as: UTF8.self)
    }

    private func write(_ content: [UInt8], to places: [Place]) throws(SourceError) {
        for place in places {
            if place.kind == .link {
                try writer.addLink(place.path, target: content)
            } else {
                try writer.addFile(place.path, content, isExecutable: place.isExecutable)
            }
        }
    }

    /// Writes a large blob again, from the file that has it.
    private func copy(to places: [Place]) throws(SourceError) {
        guard let first = places.first else { return }
        for place in places.dropFirst() {
            guard try writer.addCopy(place.path, of: first.path, isExecutable: place.isExecutable) else {
                throw .objectsInvalid(url: url)
            }
        }
    }
}
