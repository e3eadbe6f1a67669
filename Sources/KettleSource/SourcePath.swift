import Glibc
import KettleArchive

/// One component of a path: any bytes but NUL and slash, as Linux has it.
///
/// Names are bytes and not text: a repository may hold names in another encoding, and its tree id is over the bytes.
struct FileName: Hashable, Sendable {
    /// The name's bytes and a NUL, for system calls.
    private let terminated: [UInt8]

    init(_ bytes: some Collection<UInt8>) {
        var terminated: [UInt8] = []
        terminated.reserveCapacity(bytes.count + 1)
        terminated.append(contentsOf: bytes)
        terminated.append(0)
        self.terminated = terminated
    }

    var bytes: ArraySlice<UInt8> { terminated.dropLast() }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        terminated.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // An array with a NUL in it always has a base address.
                guard let start = characters.baseAddress else { return withUnsafePointer(to: 0) { body($0) } }
                return body(start)
            }
        }
    }

    /// `.git` in any case: what git, or a file system that ignores case, would take for a repository.
    var isDotGit: Bool {
        terminated.count == 5 && terminated[0] == UInt8(ascii: ".")
            && zip(terminated[1...], [UInt8(ascii: "g"), UInt8(ascii: "i"), UInt8(ascii: "t")]).allSatisfy {
                $0 | 0x20 == $1
            }
    }
}

/// Where an entry lies below the root of a source. Checked: it has at least one component and none that leads elsewhere.
struct SourcePath: Hashable, Sendable {
    let components: [FileName]

    /// For messages: what is not UTF-8 is repaired.
    var text: String {
        String(decoding: Array(components.map(\.bytes).joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
    }

    var holdsDotGit: Bool { components.contains(where: \.isDotGit) }

    init(components: [FileName]) {
        self.components = components
    }

    /// Checks a path as it stands in an archive or in a git tree.
    ///
    /// Empty components and `.` are passed over, as `tar` writes `./a`.
    ///
    /// - Parameter bytes: The path, without a terminating NUL.
    /// - Returns: nil for the root itself, which `./` names.
    init?(checking bytes: some RandomAccessCollection<UInt8>, within limits: SourceLimits) throws(SourceError) {
        guard !bytes.isEmpty else { throw .entryNameEmpty }
        let text = { ArchiveError.text(of: bytes) }
        guard bytes.count <= limits.pathBytes else {
            throw .entryPathTooLong(path: text(), limitInBytes: limits.pathBytes)
        }
        guard bytes.first != UInt8(ascii: "/") else { throw .entryAbsolute(path: text()) }
        var components: [FileName] = []
        for component in bytes.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            guard !component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) else {
                throw .entryEscapesTree(path: text())
            }
            guard !component.contains(0) else { throw .entryNameHoldsNUL(path: text()) }
            guard component.count <= limits.nameBytes else {
                throw .entryNameTooLong(path: text(), limitInBytes: limits.nameBytes)
            }
            components.append(FileName(component))
        }
        guard components.count <= limits.depth else { throw .entryTooDeep(path: text(), limit: limits.depth) }
        guard !components.isEmpty else { return nil }
        self.components = components
    }
}
