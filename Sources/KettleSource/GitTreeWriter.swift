import Crypto
import Glibc
import Synchronization
import SystemPackage

/// One line of `git ls-tree -r -z`.
struct GitTreeListing: Sendable {
    var mode: String
    var id: String
    var path: [UInt8]

    var text: String { String(decoding: path, as: UTF8.self) }

    static func parse(_ bytes: [UInt8]) throws(SourceError) -> [GitTreeListing] {
        var entries: [GitTreeListing] = []
        for line in bytes.split(separator: 0) {
            guard let tab = line.firstIndex(of: 0x09) else { throw .malformedArchive }
            let parts = String(decoding: line[..<tab], as: UTF8.self).split(separator: " ").map(String.init)
            guard parts.count == 3 else { throw .malformedArchive }
            entries.append(GitTreeListing(mode: parts[0], id: parts[2], path: Array(line[(tab + 1)...])))
        }
        return entries
    }
}

/// Writes the blobs of a commit as `git cat-file --batch` prints them, each checked against its id.
///
/// A class because the sandbox's output comes piece by piece from another task. Unchecked: every use of the state is inside
/// the lock, which the compiler cannot see through a writer that is itself a class.
final class GitTreeWriter: @unchecked Sendable {
    private struct State {
        var writer: TreeWriter
        /// Where each blob belongs; the folders of submodules are made at once.
        var places: [String: [(path: SourcePath, mode: String)]] = [:]
        var trees: [String: String] = [:]
        var header: [UInt8] = []
        var object: Object?
    }

    private struct Object {
        var type: String
        var id: String
        var size: Int64
        var remaining: Int64
        var hasher: Insecure.SHA1
        /// Kept where it is small or needed more than once.
        var content: [UInt8] = []
        var isStreamed = false
    }

    /// A blob that stands at several paths, a link or a commit is held in memory up to this size.
    private static let heldBytes: Int64 = 64 << 20

    private let lock = Mutex(())
    private var state: State

    init(_ entries: [GitTreeListing], into folder: FilePath, within limits: SourceLimits) throws(SourceError) {
        let writer = try TreeWriter(creating: folder, within: limits)
        var state = State(writer: writer)
        do throws(SourceError) {
            for entry in entries {
                guard let path = try Self.path(entry.path, limits) else { throw SourceError.entryNameEmpty }
                guard !path.holdsDotGit else { throw SourceError.entryDotGit(path: path.text) }
                switch entry.mode {
                case "160000": try writer.addFolder(path)
                case "100644", "100755", "100664", "120000":
                    state.places[entry.id, default: []].append((path, entry.mode))
                default: throw SourceError.entryTypeUnknown(path: path.text)
                }
            }
        } catch {
            writer.discard()
            throw error
        }
        self.state = state
    }

    private static func path(_ bytes: [UInt8], _ limits: SourceLimits) throws(SourceError) -> SourcePath? {
        do {
            return try bytes.withUnsafeBytes { try SourcePath(checking: $0, within: limits) }
        } catch let error as SourceError {
            throw error
        } catch {
            throw .malformedArchive
        }
    }

    /// The tree that a commit names, once it was seen.
    func tree(of commit: String) -> String? { lock.withLock { _ in state.trees[commit] } }

    func take(_ chunk: UnsafeRawBufferPointer) throws {
        try lock.withLock { _ in
            var rest = chunk
            while !rest.isEmpty {
                if state.object == nil {
                    guard let end = rest.firstIndex(of: 0x0A) else {
                        state.header += rest
                        guard state.header.count < 256 else { throw SourceError.malformedArchive }
                        return
                    }
                    state.header += rest[..<end]
                    rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
                    try Self.begin(&state)
                }
                rest = try Self.consume(rest, &state)
            }
        }
    }

    func finish() throws {
        try lock.withLock { _ in
            guard state.places.isEmpty, state.object == nil else { throw SourceError.malformedArchive }
            try state.writer.finish()
        }
    }

    func discard() {
        lock.withLock { _ in state.writer.discard() }
    }

    private static func begin(_ state: inout State) throws {
        // An object's content is followed by a line feed, which begins the next header.
        let parts = String(decoding: state.header, as: UTF8.self).split(separator: " ").map(String.init)
        state.header = []
        guard parts.count == 3, let size = Int64(parts[2]), size >= 0 else { throw SourceError.malformedArchive }
        var object = Object(
            type: parts[1], id: parts[0], size: size, remaining: size, hasher: GitTree.begin(parts[1], size))
        if let places = state.places[object.id], object.type == "blob" {
            if places.count == 1, let place = places.first, place.mode != "120000" {
                object.isStreamed = true
                try state.writer.beginFile(place.path, isExecutable: place.mode == "100755")
            } else if size > heldBytes {
                throw SourceError.tooLarge(limitInBytes: heldBytes)
            }
        }
        state.object = object
    }

    private static func consume(_ bytes: UnsafeRawBufferPointer, _ state: inout State) throws -> UnsafeRawBufferPointer
    {
        guard var object = state.object else { return bytes }
        let count = Int(min(object.remaining, Int64(bytes.count)))
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        let isWanted = object.type == "commit" || state.places[object.id] != nil
        if count > 0, isWanted {
            object.hasher.update(bufferPointer: piece)
            if object.isStreamed {
                try state.writer.write(piece)
            } else {
                guard object.content.count + count <= Int(heldBytes) else {
                    throw SourceError.tooLarge(limitInBytes: heldBytes)
                }
                object.content += piece
            }
        }
        object.remaining -= Int64(count)
        var rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
        state.object = object
        guard object.remaining == 0, let newline = rest.first else { return rest }
        guard newline == 0x0A else { throw SourceError.malformedArchive }
        rest = UnsafeRawBufferPointer(rebasing: rest[1...])
        state.object = nil
        if isWanted { try end(object, &state) }
        return rest
    }

    private static func end(_ object: Object, _ state: inout State) throws {
        guard GitTree.hexadecimal(Array(object.hasher.finalize())) == object.id else {
            throw SourceError.malformedArchive
        }
        if object.type == "commit" {
            let line = object.content.prefix { $0 != 0x0A }
            if line.starts(with: "tree ".utf8) {
                state.trees[object.id] = String(decoding: line.dropFirst(5), as: UTF8.self)
            }
            return
        }
        guard let places = state.places.removeValue(forKey: object.id) else { return }
        if object.isStreamed { return try state.writer.endFile() }
        for place in places {
            if place.mode == "120000" {
                try state.writer.addLink(place.path, target: object.content)
            } else {
                try state.writer.beginFile(place.path, isExecutable: place.mode == "100755")
                try object.content.withUnsafeBytes { try state.writer.write($0) }
                try state.writer.endFile()
            }
        }
    }
}
