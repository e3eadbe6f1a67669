import Glibc
import KettleSandbox
import KettleTOML
import SystemPackage

/// Small text files of a project, which anyone may have written.
enum ProjectFile {
    /// A lockfile of 10,000 packages has some 2 MB.
    static let limitInBytes = 4 << 20

    /// Reads a file below a folder, through no link.
    ///
    /// - Returns: nil when nothing of that name is there.
    static func read(
        _ relative: String, in root: FilePath, limitInBytes: Int = limitInBytes
    ) throws(ToolchainError) -> [UInt8]? {
        let file: OpenedFile
        do {
            file = try openBeneath(root: root, relative: relative)
        } catch .notRegularFile {
            throw .unreadableFile(name: relative, reason: "it is not a plain file")
        } catch {
            // A missing file is nothing to complain about; a link on the way to it is.
            var status = stat()
            guard lstat(root.appending(FilePath(relative).components).string, &status) == 0 else { return nil }
            throw .unreadableFile(name: relative, reason: "it is behind a link or not readable")
        }
        guard file.size <= limitInBytes else {
            throw .unreadableFile(name: relative, reason: "it is larger than \(limitInBytes) bytes")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(file.size))
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limitInBytes {
            let count = Glibc.read(file.descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadableFile(name: relative, reason: "reading fails") }
            if count == 0 { return bytes }
            bytes += block[..<count]
        }
        throw .unreadableFile(name: relative, reason: "it grows while it is read")
    }

    /// The same, as TOML.
    static func readTOML(_ relative: String, in root: FilePath) throws(ToolchainError) -> TOMLTable? {
        guard let bytes = try read(relative, in: root) else { return nil }
        return try parse(bytes, named: relative)
    }

    static func parse(_ bytes: [UInt8], named name: String) throws(ToolchainError) -> TOMLTable {
        do {
            return try TOMLReader.read(bytes)
        } catch {
            throw .malformedFile(name: name, line: error.line, reason: error.reason)
        }
    }
}
