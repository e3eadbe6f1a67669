import Glibc
import SystemPackage

/// What stands in a folder.
enum FolderListing {
    struct Entry {
        var name: FileName
        /// A `DT_` value; some file systems say `DT_UNKNOWN`.
        var type: UInt8
    }

    static func entries(of folder: FilePath) throws(SourceError) -> [Entry] {
        let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .lastStorageError() }
        return try entries(consuming: descriptor)
    }

    /// The entries without `.` and `..`, in no particular order.
    ///
    /// - Parameter descriptor: An open folder; closed when this returns.
    static func entries(consuming descriptor: CInt) throws(SourceError) -> [Entry] {
        guard let stream = fdopendir(descriptor) else {
            defer { close(descriptor) }
            throw .lastStorageError()
        }
        defer { closedir(stream) }
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .lastStorageError() }
                return entries
            }
            let start = UnsafeRawPointer(entry) + offset
            let bytes = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
            if bytes.elementsEqual([0x2E]) || bytes.elementsEqual([0x2E, 0x2E]) { continue }
            entries.append(Entry(name: FileName(bytes), type: entry.pointee.d_type))
        }
    }
}
