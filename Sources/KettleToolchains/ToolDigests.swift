import Glibc
import KettleProvenance
import Synchronization
import SystemPackage

/// SHA-256 digests of a toolchain's files, computed once for each state of a file.
///
/// Shared by all builds. A file that has the device, inode, size and times of one that was hashed is taken to be the same;
/// the change time cannot be set, so this holds against everyone who cannot set the clock. With a cache folder the digests
/// outlive the process.
final class ToolDigests: Sendable {
    private struct State {
        var isLoaded = false
        /// Digests by ``FileState/key``.
        var digests: [String: ContentDigest] = [:]
        var lastSave = ContinuousClock.now
        var isSaved = true
    }

    /// How often digests are written while there are more to compute: a toolchain has gigabytes, and the process may end meanwhile.
    private static let saveInterval = Duration.seconds(5)

    private let state = Mutex(State())
    private let cacheFile: FilePath?

    /// - Parameters:
    ///   - cache: The folder in which digests outlive the process; nil for none.
    ///   - toolchain: Whose they are: each keeps a file of its own.
    init(cache: FilePath?, of toolchain: String) { cacheFile = cache?.appending("\(toolchain)-digests") }

    /// What a toolchain is made of.
    enum Tool: Sendable, Hashable {
        case program(InstalledProgram)
        /// A folder with all that is in it, as one.
        case tree(ToolTree)
    }

    /// Describes programs and trees, in the given order.
    func describe(_ tools: [Tool]) throws(ToolchainError) -> [ResourceDescriptor] {
        try state.withLock { state throws(ToolchainError) in
            load(&state)
            defer { if !state.isSaved { save(&state) } }
            var descriptors: [ResourceDescriptor] = []
            for tool in tools {
                switch tool {
                case .program(let program): descriptors.append(try describe(program, &state))
                case .tree(let tree): descriptors.append(try describe(tree, &state))
                }
            }
            return descriptors
        }
    }

    private func describe(
        _ program: InstalledProgram, _ state: inout State
    ) throws(ToolchainError) -> ResourceDescriptor {
        ResourceDescriptor(
            name: program.name, digest: ["sha256": try digest(program.path.string, program.name, &state).hex],
            annotations: program.version.map { ["version": .string($0)] })
    }

    /// By the manifest of the tree: a line `<SHA-256>  <path>` for each file, sorted by path.
    private func describe(_ tree: ToolTree, _ state: inout State) throws(ToolchainError) -> ResourceDescriptor {
        let files = tree.files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        guard !files.isEmpty else { throw .toolchainMissing(tool: tree.name, reason: "its folder is empty") }
        var text = ""
        let root = tree.root.string
        for file in files { text += "\(try digest("\(root)/\(file)", file, &state).hex)  \(file)\n" }
        var annotations: [String: JSONValue] = [
            "files": .integer(Int64(files.count)), "form": .string("sha256sum lines sorted by path"),
        ]
        annotations["version"] = tree.version.map(JSONValue.string)
        return ResourceDescriptor(
            name: tree.name, digest: ["sha256": ContentDigest(of: Array(text.utf8)).hex], annotations: annotations)
    }

    private func digest(_ path: String, _ name: String, _ state: inout State) throws(ToolchainError) -> ContentDigest {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0, let before = FileState(of: file, at: path) else {
            if file >= 0 { close(file) }
            throw .toolchainMissing(tool: name, reason: "it cannot be read")
        }
        defer { close(file) }
        if let known = state.digests[before.key] { return known }
        guard let digest = try? ContentDigest.ofFile(descriptor: file), FileState(of: file, at: path) == before else {
            throw .toolchainMissing(tool: name, reason: "it changes while it is read")
        }
        state.digests[before.key] = digest
        state.isSaved = false
        if ContinuousClock.now - state.lastSave > Self.saveInterval { save(&state) }
        return digest
    }

    // MARK: - Between starts

    private func load(_ state: inout State) {
        guard !state.isLoaded else { return }
        state.isLoaded = true
        guard let cacheFile,
            let name = cacheFile.lastComponent?.string,
            let bytes = try? ProjectFile.read(name, in: cacheFile.removingLastComponent())
        else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let digest = ContentDigest(hex: String(parts[0])) else { continue }
            state.digests[String(parts[1])] = digest
        }
    }

    /// Writes the cache beside and renames it. That it cannot be kept harms nobody: it is computed again.
    private func save(_ state: inout State) {
        state.isSaved = true
        state.lastSave = .now
        guard let cacheFile else { return }
        let text = state.digests.map { "\($0.value.hex) \($0.key)\n" }.sorted().joined()
        let temporary = cacheFile.string + ".new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let bytes = Array(text.utf8)
        let written = write(file, bytes, bytes.count)
        close(file)
        guard written == bytes.count else {
            unlink(temporary)
            return
        }
        rename(temporary, cacheFile.string)
    }
}

/// What tells one state of a file from another.
private struct FileState: Equatable {
    let key: String

    init?(of descriptor: CInt, at path: String) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, !path.utf8.contains(0x0A) else {
            return nil
        }
        key = """
            \(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \
            \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec) \(path)
            """
    }
}
