import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// The zip of the project's own module, as module proxies serve them: what others need to build with it.
///
/// The artifact of a module that has no program. Made by Kettle from the source, which the build could not write, without
/// compression, so that the same source gives the same bytes (Go Modules Reference, "Module zip files").
struct ModuleArchive {
    private static let fileName = "module.zip"
    /// As Go has it, for all files together.
    private static let sizeLimit: Int64 = 500 << 20

    private let path: String
    private let version: String

    /// - Parameter revision: Hexadecimal digits that name the source: it does not say which version it is.
    init(path: String, revision: String) {
        self.path = path
        // A pseudo-version without a time.
        version = "\(Self.major(of: path)).0.0-00010101000000-\(revision.prefix(12))"
    }

    /// The major version that the module's path asks for: `v2` for `example.com/m/v2` and `gopkg.in/m.v2`.
    private static func major(of path: String) -> String {
        let last = path.split(separator: "/").last ?? ""
        let suffix = path.hasPrefix("gopkg.in/") ? last.split(separator: ".").last ?? "" : last
        let isMajor =
            suffix.hasPrefix("v") && suffix.count > 1
            && suffix.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isMajor ? String(suffix) : "v0"
    }

    /// `uuid@v0.0.0-00010101000000-0123456789ab.zip`.
    private var name: String {
        var parts = path.split(separator: "/").map(String.init)
        if parts.count > 1, let last = parts.last, last == Self.major(of: path) { parts.removeLast() }
        return "\(parts.last ?? "module")@\(version).zip"
    }

    /// Puts the zip among what the build made.
    ///
    /// - Throws: ``ToolchainError/unusablePackage(package:reason:)`` for a module larger than Go takes.
    func write(in layout: BuildLayout) throws(ToolchainError) -> ArtifactPath {
        // The build wrote this folder, and nothing of it runs any more. Whatever stands there goes.
        let place = layout.target.appending(Self.fileName).string
        unlink(place)
        let file = open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .storageFailed(reason: String(cString: strerror(errno))) }
        defer { close(file) }
        var zip = StoredZIP(file)
        var size: Int64 = 0
        let root = layout.projectFolder
        let files = try files(of: root)
        guard files.count < 65_535 else { throw .unusablePackage(package: path, reason: "it has too many files") }
        for name in files {
            let input: OpenedFile
            do {
                input = try openBeneath(root: root, relative: name)
            } catch {
                throw .unreadableFile(name: name, reason: "it is not a plain file that can be read")
            }
            guard input.size <= Self.sizeLimit - size else {
                throw .unusablePackage(package: path, reason: "it is larger than \(Self.sizeLimit) bytes")
            }
            size += input.size
            try zip.add(name: "\(path)@\(version)/\(name)", try Self.read(input.descriptor, Int(input.size), name))
        }
        try zip.finish()
        return ArtifactPath(name: name, path: Self.fileName)
    }

    /// What belongs to the module, sorted: `vendor` does not, nor does a folder with a `go.mod`, which is another one.
    private func files(of root: FilePath) throws(ToolchainError) -> [String] {
        try PlainFiles.list(root, skipsLinks: true) { folder, name in
            guard name != "vendor", name != ".git" else { return true }
            var status = stat()
            let inner = root.appending(FilePath(folder).components).appending(name).appending(GoMod.fileName)
            return lstat(inner.string, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func read(_ file: CInt, _ size: Int, _ name: String) throws(ToolchainError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var have = 0
        while have < size {
            let count = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress.map { $0 + have }, size - have, off_t(have))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .unreadableFile(name: name, reason: "it cannot be read to its end") }
            have += count
        }
        return bytes
    }
}

/// Writes a ZIP whose files are stored as they are, with no times (PKWARE APPNOTE 6.3.10).
///
/// For fewer than 65,535 files and less than 4 GiB, which the limits of modules see to.
struct StoredZIP {
    private let file: CInt
    private var directory: [UInt8] = []
    private var position = 0
    private var count = 0

    /// - Parameter file: An empty file, open for writing; it stays open.
    init(_ file: CInt) { self.file = file }

    mutating func add(name: String, _ content: [UInt8]) throws(ToolchainError) {
        let offset = UInt32(truncatingIfNeeded: position)
        let name = Array(name.utf8)
        var fields: [UInt8] = []
        // 4.4.4: bit 11 says that names are UTF-8. 1980-01-01 is the first day there is.
        for value: UInt16 in [20, 0x0800, 0, 0, 0x0021] { fields += Self.little(value) }
        fields += Self.little(Self.crc32(content)) + Self.little(UInt32(truncatingIfNeeded: content.count))
        fields += Self.little(UInt32(truncatingIfNeeded: content.count))
        fields += Self.little(UInt16(truncatingIfNeeded: name.count)) + Self.little(UInt16(0))
        try write(Self.little(UInt32(0x0403_4B50)) + fields + name)
        try write(content)
        directory += Self.little(UInt32(0x0201_4B50)) + Self.little(UInt16(20)) + fields
        for value: UInt16 in [0, 0, 0] { directory += Self.little(value) }
        directory += Self.little(UInt32(0)) + Self.little(offset) + name
        count += 1
    }

    /// Writes the directory at the end.
    mutating func finish() throws(ToolchainError) {
        var end = Self.little(UInt32(0x0605_4B50))
        let entries = UInt16(truncatingIfNeeded: count)
        for value: UInt16 in [0, 0, entries, entries] { end += Self.little(value) }
        end += Self.little(UInt32(truncatingIfNeeded: directory.count))
        end += Self.little(UInt32(truncatingIfNeeded: position)) + Self.little(UInt16(0))
        try write(directory)
        try write(end)
    }

    private mutating func write(_ bytes: [UInt8]) throws(ToolchainError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw .storageFailed(reason: String(cString: strerror(errno))) }
            rest = rest.dropFirst(written)
        }
        position += bytes.count
    }

    private static func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
    }
}
