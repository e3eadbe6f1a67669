import Glibc

/// The entries of one open folder, closed when nothing refers to it any more.
package final class FolderStream {
    package struct Entry {
        /// NUL-terminated, for system calls: a name need not be UTF-8.
        package let name: [CChar]
        package let isFolder: Bool

        /// The name for people and for paths of Kettle's own.
        package var text: String { String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
    }

    /// For calls relative to the folder.
    package let descriptor: CInt
    private let stream: OpaquePointer

    /// Opens a folder without following a link.
    ///
    /// - Parameter name: Relative to `parent`.
    package init?(_ name: [CChar], in parent: CInt) {
        let opened = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { return nil }
        guard let stream = fdopendir(opened) else {
            close(opened)
            return nil
        }
        descriptor = opened
        self.stream = stream
    }

    /// Opens the folder at a path, which may lead through links but is none itself.
    package convenience init?(at path: String) {
        self.init(path.utf8CString.map { $0 }, in: AT_FDCWD)
    }

    deinit { closedir(stream) }

    /// The next entry but `.` and `..`; nil at the end, and with ``failed`` set when the folder cannot be read on.
    package func next() -> Entry? {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                failed = failed || errno != 0
                return nil
            }
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return nil }
            let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
            let name = Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
            if name == [0x2E, 0] || name == [0x2E, 0x2E, 0] { continue }
            return Entry(name: name, isFolder: isFolder(name, type: entry.pointee.d_type))
        }
    }

    package private(set) var failed = false

    /// Starts over, with entries that came after the start.
    package func rewind() { rewinddir(stream) }

    private func isFolder(_ name: [CChar], type: UInt8) -> Bool {
        // Some file systems do not tell.
        guard type == UInt8(DT_UNKNOWN) else { return type == UInt8(DT_DIR) }
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
