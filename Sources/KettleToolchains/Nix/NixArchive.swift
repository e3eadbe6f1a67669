import Glibc
import KettleProvenance
import SystemPackage

/// Files as a Nix archive ("NAR"): the one serialisation of a file, link or folder, whose SHA-256 is the `narHash` of lockfiles.
///
/// Of a file only its content and whether its owner may execute it count, of a folder its names, sorted by their bytes. Numbers
/// are 8 bytes, little-endian; a text is its length and itself, with zeros up to a multiple of 8 (E. Dolstra, "The Purely
/// Functional Software Deployment Model", figure 5.2; Nix manual, "Nix Archive (NAR) format").
struct NixArchive {
    /// Folders inside one another.
    private static let depthLimit = 256
    private static let entryLimit = 2_000_000

    /// The digest of the archive.
    ///
    /// Blocks.
    /// - Parameter names: Right below the root, what is left out.
    /// - Throws: ``ToolchainError/unusablePackage(package:reason:)`` for what no archive can hold, such as a pipe.
    static func hash(_ path: FilePath, without names: Set<String> = []) throws(ToolchainError) -> ContentDigest {
        let hasher = NixArchiveHash()
        var archive = NixArchive(leftOut: names, limitInBytes: .max) { hasher.value.update($0) }
        try archive.write(path)
        return hasher.value.finalize()
    }

    /// Writes the archive to a new file.
    ///
    /// - Parameter limitInBytes: Of the archive. A file with a hole takes more of it than of a disk.
    static func write(_ path: FilePath, to file: FilePath, limitInBytes: Int64) throws(ToolchainError) {
        let descriptor = open(file.string, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .storageFailed(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let output = NixArchiveFile(descriptor)
        var archive = NixArchive(leftOut: [], limitInBytes: limitInBytes) { output.write($0) }
        try archive.write(path)
        output.flush()
        guard output.error == 0 else { throw .storageFailed(reason: String(cString: strerror(output.error))) }
    }

    private let leftOut: Set<String>
    private let limitInBytes: Int64
    private let sink: (UnsafeRawBufferPointer) -> Void
    private var written: Int64 = 0
    private var entries = 0
    /// Gathers small texts, so that the sink is not called for each.
    private var pending: [UInt8] = []

    private init(leftOut: Set<String>, limitInBytes: Int64, sink: @escaping (UnsafeRawBufferPointer) -> Void) {
        self.leftOut = leftOut
        self.limitInBytes = limitInBytes
        self.sink = sink
    }

    private mutating func write(_ path: FilePath) throws(ToolchainError) {
        let folder = open(path.removingLastComponent().string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0, let name = path.lastComponent?.string else { throw Self.unreadable(path.string) }
        defer { close(folder) }
        put("nix-archive-1")
        try node(Array(name.utf8) + [0], in: folder, depth: 0)
        flush()
    }

    /// - Parameter name: With a zero at its end.
    private mutating func node(_ name: [UInt8], in folder: CInt, depth: Int) throws(ToolchainError) {
        entries += 1
        guard depth <= Self.depthLimit, entries <= Self.entryLimit else {
            throw .unusablePackage(
                package: Self.text(name), reason: "it has too many files or folders inside one another")
        }
        var status = stat()
        guard Self.withName(name, { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else {
            throw Self.unreadable(Self.text(name))
        }
        put("(")
        put("type")
        switch status.st_mode & S_IFMT {
        case S_IFREG: try file(name, in: folder)
        case S_IFLNK:
            put("symlink")
            put("target")
            put(try link(name, in: folder))
        case S_IFDIR:
            let child = Self.withName(name) { openat(folder, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard child >= 0 else { throw Self.unreadable(Self.text(name)) }
            defer { close(child) }
            put("directory")
            for entry in try names(in: child) where depth > 0 || !leftOut.contains(Self.text(entry)) {
                put("entry")
                put("(")
                put("name")
                put(Array(entry.dropLast()))
                put("node")
                try node(entry, in: child, depth: depth + 1)
                put(")")
            }
        default: throw .unusablePackage(package: Self.text(name), reason: "it is neither a file, a link nor a folder")
        }
        put(")")
        try checkSize()
    }

    private mutating func file(_ name: [UInt8], in folder: CInt) throws(ToolchainError) {
        let file = Self.withName(name) { openat(folder, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard file >= 0 else { throw Self.unreadable(Self.text(name)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Self.unreadable(Self.text(name))
        }
        put("regular")
        if status.st_mode & S_IXUSR != 0 {
            put("executable")
            put("")
        }
        put("contents")
        let size = Int64(status.st_size)
        put(number: UInt64(clamping: size))
        flush()
        guard size <= limitInBytes - min(written, limitInBytes) else { throw Self.tooLarge() }
        var block = [UInt8](repeating: 0, count: 256 << 10)
        var rest = size
        while rest > 0 {
            let count = read(file, &block, min(block.count, Int(clamping: rest)))
            if count < 0, errno == EINTR { continue }
            // Shorter than it said: it changes while it is read.
            guard count > 0 else { throw Self.unreadable(Self.text(name)) }
            block.withUnsafeBytes { sink(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            rest -= Int64(count)
        }
        written += size
        pad(after: Int(size % 8))
    }

    private func link(_ name: [UInt8], in folder: CInt) throws(ToolchainError) -> [UInt8] {
        var target = [CChar](repeating: 0, count: 4096)
        let count = Self.withName(name) { readlinkat(folder, $0, &target, target.count) }
        guard count > 0, count < target.count else { throw Self.unreadable(Self.text(name)) }
        return target[..<count].map { UInt8(bitPattern: $0) }
    }

    /// Sorted by their bytes, each with a zero at its end.
    private func names(in folder: CInt) throws(ToolchainError) -> [[UInt8]] {
        let copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw Self.unreadable(".") }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard name != [0x2E], name != [0x2E, 0x2E] else { continue }
            guard names.count < Self.entryLimit else { throw Self.tooLarge() }
            names.append(name + [0])
            errno = 0
        }
        guard errno == 0 else { throw Self.unreadable(".") }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    // MARK: - Bytes

    private mutating func put(_ text: String) { put(Array(text.utf8)) }

    private mutating func put(_ bytes: [UInt8]) {
        put(number: UInt64(bytes.count))
        pending += bytes
        pad(after: bytes.count % 8)
        if pending.count >= 64 << 10 { flush() }
    }

    private mutating func put(number: UInt64) {
        for shift in 0..<8 { pending.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }

    private mutating func pad(after count: Int) {
        if count > 0 { pending += [UInt8](repeating: 0, count: 8 - count) }
    }

    private mutating func flush() {
        pending.withUnsafeBytes { sink($0) }
        written += Int64(pending.count)
        pending.removeAll(keepingCapacity: true)
    }

    private func checkSize() throws(ToolchainError) { if written > limitInBytes { throw Self.tooLarge() } }

    private static func withName<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        name.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map(body) ?? "".withCString(body)
        }
    }

    private static func text(_ name: [UInt8]) -> String { String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) }

    private static func unreadable(_ name: String) -> ToolchainError {
        .unusablePackage(package: name, reason: "it cannot be read, or changes meanwhile")
    }

    private static func tooLarge() -> ToolchainError {
        .unusablePackage(package: "the archive", reason: "it is too large")
    }
}

private final class NixArchiveHash {
    var value = ContentHasher()
}

private final class NixArchiveFile {
    private let descriptor: CInt
    private(set) var error: CInt = 0

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    func write(_ block: UnsafeRawBufferPointer) {
        var rest = block
        while error == 0, !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { error = errno }
            rest = UnsafeRawBufferPointer(rebasing: rest[min(max(count, 0), rest.count)...])
        }
    }

    func flush() { if error == 0, fsync(descriptor) != 0 { error = errno } }
}
