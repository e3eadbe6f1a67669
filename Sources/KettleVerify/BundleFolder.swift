import Glibc

/// Reads a bundle that lies unpacked on disk, relative to directory descriptors and through no link.
enum BundleFolder {
    /// Deep enough for `outer/artifacts/name`. Folders further down are oddities by themselves.
    private static let depthLimit = 3

    /// - Parameter folder: An open directory. Stays open.
    static func read(_ folder: CInt, into collector: inout BundleCollector) throws(BundleError) {
        try read(folder, at: "", depth: 1, into: &collector)
    }

    private static func read(
        _ folder: CInt, at prefix: String, depth: Int, into collector: inout BundleCollector
    ) throws(BundleError) {
        for name in try names(in: folder) {
            let path = prefix + name
            let entry = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            guard entry >= 0 else {
                switch errno {
                // A link, a socket, or a device without a driver.
                case ELOOP, ENXIO, ENODEV: try collector.addOddity(path, kind: "link or device")
                case let reason: throw .unreadable(reason: "\(path): \(String(cString: strerror(reason)))")
                }
                continue
            }
            defer { close(entry) }
            var status = stat()
            guard fstat(entry, &status) == 0 else {
                throw .unreadable(reason: "\(path): \(String(cString: strerror(errno)))")
            }
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                try collector.beginFile(path)
                try readFile(entry, into: &collector)
                collector.endFile()
            case S_IFDIR where depth < depthLimit:
                try collector.addFolder(path)
                try read(entry, at: path + "/", depth: depth + 1, into: &collector)
            case S_IFDIR: try collector.addOddity(path, kind: "folder")
            default: try collector.addOddity(path, kind: "device or pipe")
            }
        }
    }

    private static func readFile(_ file: CInt, into collector: inout BundleCollector) throws(BundleError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(file, buffer.baseAddress, buffer.count)
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw .unreadable(reason: String(cString: strerror(errno)))
            }
            try collector.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// The entries' names, sorted, so that the same folder gives the same error.
    private static func names(in folder: CInt) throws(BundleError) -> [String] {
        // fdopendir takes its descriptor over, and `folder` is still needed.
        let copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let listing = fdopendir(copy) else {
            let reason = String(cString: strerror(errno))
            if copy >= 0 { close(copy) }
            throw .unreadable(reason: reason)
        }
        defer { closedir(listing) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(listing) else {
                guard errno == 0 else { throw .unreadable(reason: String(cString: strerror(errno))) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                    String(validatingCString: $0) ?? ""
                }
            }
            guard name != "." && name != ".." else { continue }
            guard !name.isEmpty else { throw .entryName("(not UTF-8)") }
            names.append(name)
        }
    }
}
