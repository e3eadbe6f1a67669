import Glibc
package import SystemPackage

/// The names in one folder of the data folder.
package enum FolderListing {
    /// - Throws: ``StoreError/readFailed(what:reason:)``.
    package static func names(in folder: FilePath) throws(StoreError) -> [String] {
        guard let listing = opendir(folder.string) else {
            throw .readFailed(what: "the data folder", reason: String(cString: strerror(errno)))
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
