import KettleAttestation
import KettleProvenance

/// Takes in a bundle's entries one after the other, and holds them to the limits.
struct BundleCollector {
    let limits: BundleLimits
    private var files: [String: UnverifiedBundle.File] = [:]
    private var oddities: [String: String] = [:]
    private var folders: Set<String> = []
    private var kept: [String: [UInt8]] = [:]
    private var entries = 0
    private var bytes: Int64 = 0
    private var keptBytes = 0
    private var current = Current(path: "")

    private struct Current {
        var path: String
        var hasher = ContentHasher()
        var size: Int64 = 0
        var kept: [UInt8]?
        var limit = 0
    }

    init(limits: BundleLimits) {
        self.limits = limits
    }

    // MARK: Entries

    mutating func beginFile(_ path: String) throws(BundleError) {
        try admit(path)
        current = Current(path: path)
        // One folder may lie around everything; which one is known at the end.
        switch path.split(separator: "/").last.map(String.init) {
        case UnverifiedBundle.statementPath?: current.limit = limits.statementBytes
        case UnverifiedBundle.evidencePath?: current.limit = limits.evidenceBytes
        case let name? where Collateral.fileNames.contains(name):
            guard
                path.hasSuffix("/\(UnverifiedBundle.collateralFolder)/\(name)")
                    || path == "\(UnverifiedBundle.collateralFolder)/\(name)"
            else { return }
            current.limit = Collateral.limitInBytes
            current.kept = []
            return
        default: return
        }
        let depth = path.utf8.count { $0 == UInt8(ascii: "/") }
        if depth <= 1 && !path.hasPrefix("artifacts/") { current.kept = [] }
    }

    mutating func append(_ piece: UnsafeRawBufferPointer) throws(BundleError) {
        let count = Int64(piece.count)
        guard count <= limits.bytes - bytes else { throw .limitExceeded(limit: "bytes", value: limits.bytes) }
        bytes += count
        current.size += count
        current.hasher.update(piece)
        guard current.kept != nil else { return }
        // The sum is limited too: an archive may hold a hundred files of this name.
        keptBytes += piece.count
        guard current.size <= current.limit, keptBytes <= limits.statementBytes + limits.evidenceBytes else {
            throw .limitExceeded(limit: "bytes of \(current.path)", value: Int64(current.limit))
        }
        current.kept?.append(contentsOf: piece)
    }

    mutating func endFile() {
        let path = current.path
        files[path] = UnverifiedBundle.File(path: path, digest: current.hasher.finalize(), size: current.size)
        kept[path] = current.kept
    }

    mutating func addOddity(_ path: String, kind: String) throws(BundleError) {
        try admit(path)
        oddities[path] = kind
    }

    mutating func addFolder(_ path: String) throws(BundleError) {
        try countEntry(path)
        guard files[path] == nil && oddities[path] == nil else { throw .duplicateEntry(path) }
        folders.insert(path)
    }

    private mutating func admit(_ path: String) throws(BundleError) {
        try countEntry(path)
        guard files[path] == nil && oddities[path] == nil && !folders.contains(path) else {
            throw .duplicateEntry(path)
        }
    }

    private mutating func countEntry(_ path: String) throws(BundleError) {
        entries += 1
        guard entries <= limits.entries else { throw .limitExceeded(limit: "entries", value: Int64(limits.entries)) }
        guard path.utf8.count <= limits.pathBytes else {
            throw .limitExceeded(limit: "bytes of a path", value: Int64(limits.pathBytes))
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !path.utf8.contains(0) else {
            throw .entryName(path)
        }
    }

    // MARK: The whole

    /// The bundle, without the one folder that may lie around everything.
    consuming func bundle() -> UnverifiedBundle {
        let outer = outerFolder
        noteFolders(in: outer ?? "")
        if let prefix = outer {
            func inner<Value>(_ paths: [String: Value]) -> [String: Value] {
                Dictionary(
                    paths.map { (String($0.key.dropFirst(prefix.count)), $0.value) },
                    uniquingKeysWith: { first, _ in first })
            }
            let innerFiles = files.mapValues { file in
                UnverifiedBundle.File(
                    path: String(file.path.dropFirst(prefix.count)), digest: file.digest, size: file.size)
            }
            return UnverifiedBundle(files: inner(innerFiles), oddities: inner(oddities), kept: inner(kept))
        }
        return UnverifiedBundle(files: files, oddities: oddities, kept: kept)
    }

    /// Forges' archives and the result tarball put everything into one folder.
    private var outerFolder: String? {
        guard files[UnverifiedBundle.statementPath] == nil,
            let first = files.keys.first?.split(separator: "/").first,
            files["\(first)/\(UnverifiedBundle.statementPath)"] != nil
        else { return nil }
        let prefix = "\(first)/"
        let paths = [Array(files.keys), Array(oddities.keys)].joined()
        return paths.allSatisfy { $0.hasPrefix(prefix) } ? prefix : nil
    }

    /// A folder that holds something is judged by what it holds; one that holds nothing has to be expected.
    private mutating func noteFolders(in prefix: String) {
        var used = Set(["artifacts", "build-config", UnverifiedBundle.collateralFolder].map { prefix + $0 })
        for path in files.keys {
            var parent = path[...]
            while let slash = parent.lastIndex(of: "/") {
                parent = parent[..<slash]
                guard used.insert(String(parent)).inserted else { break }
            }
        }
        for folder in folders where !used.contains(folder) { oddities[folder] = "empty folder" }
    }
}
