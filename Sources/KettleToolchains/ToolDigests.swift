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
    }

    private let state = Mutex(State())
    private let cacheFile: FilePath?

    init(cache: FilePath?) { cacheFile = cache?.appending("toolchain-digests") }

    /// Describes the compiler, the package manager, the whole toolchain, and what links.
    func describe(_ installation: RustInstallation) throws(ToolchainError) -> [ResourceDescriptor] {
        let files = try ToolchainTree.files(of: installation.root)
        return try state.withLock { state throws(ToolchainError) in
            load(&state)
            let known = state.digests.count
            let bin = installation.root.appending("bin")
            var descriptors = [
                try describe("rustc", bin.appending("rustc"), installation.rustcVersion, &state),
                try describe("cargo", bin.appending("cargo"), installation.cargoVersion, &state),
                try manifest(files, installation.root, &state),
            ]
            for program in installation.linkers {
                descriptors.append(try describe(program.name, program.path, program.version, &state))
            }
            if state.digests.count != known { save(state) }
            return descriptors
        }
    }

    private func describe(
        _ name: String, _ path: FilePath, _ version: String?, _ state: inout State
    ) throws(ToolchainError) -> ResourceDescriptor {
        ResourceDescriptor(
            name: name, digest: ["sha256": try digest(path, name, &state).hex],
            annotations: version.map { ["version": .string($0)] })
    }

    /// The manifest of the tree: a line `<SHA-256>  <path>` for each file, sorted by path.
    private func manifest(
        _ files: [String], _ root: FilePath, _ state: inout State
    ) throws(ToolchainError) -> ResourceDescriptor {
        var text = ""
        for file in files {
            text += "\(try digest(root.appending(FilePath(file).components), file, &state).hex)  \(file)\n"
        }
        return ResourceDescriptor(
            name: "rust-toolchain", digest: ["sha256": ContentDigest(of: Array(text.utf8)).hex],
            annotations: ["files": .integer(Int64(files.count)), "form": .string("sha256sum lines sorted by path")])
    }

    private func digest(_ path: FilePath, _ name: String, _ state: inout State) throws(ToolchainError) -> ContentDigest
    {
        let file = open(path.string, O_RDONLY | O_CLOEXEC)
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
        return digest
    }

    // MARK: - Between starts

    private func load(_ state: inout State) {
        guard !state.isLoaded else { return }
        state.isLoaded = true
        guard let cacheFile,
            let bytes = try? ProjectFile.read("toolchain-digests", in: cacheFile.removingLastComponent())
        else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let digest = ContentDigest(hex: String(parts[0])) else { continue }
            state.digests[String(parts[1])] = digest
        }
    }

    /// Writes the cache beside and renames it. That it cannot be kept harms nobody: it is computed again.
    private func save(_ state: State) {
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

    init?(of descriptor: CInt, at path: FilePath) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, !path.string.contains("\n") else {
            return nil
        }
        key = """
            \(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \
            \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec) \(path)
            """
    }
}

/// The files that make up a Rust toolchain.
enum ToolchainTree {
    /// Relative paths, sorted, without `share/` (documentation). Links count as the file they lead to.
    ///
    /// Of a distribution's toolchain, whose root is the whole of `/usr`, only Rust's own programs and libraries.
    static func files(of root: FilePath) throws(ToolchainError) -> [String] {
        var files: [String] = []
        if root.starts(with: "/usr") {
            files = ["bin/rustc", "bin/cargo"]
            for folder in ["lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"] {
                let libraries = try list(root, folder).files.filter { path in
                    ["librustc_driver", "libstd-", "libLLVM"].contains { path.hasPrefix("\(folder)/\($0)") }
                }
                files += libraries
            }
            try collect(root, from: ["lib/rustlib"], into: &files)
        } else {
            let top = try list(root, "")
            files = top.files
            try collect(root, from: top.folders.filter { $0 != "share" }, into: &files)
        }
        guard !files.isEmpty else { throw .toolchainMissing(tool: "rust", reason: "its folder is empty") }
        return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func collect(
        _ root: FilePath, from folders: [String], into files: inout [String]
    ) throws(ToolchainError) {
        var pending = folders
        while let folder = pending.popLast() {
            let entries = try list(root, folder)
            files += entries.files
            pending += entries.folders
            guard files.count < 200_000 else { throw .toolchainMissing(tool: "rust", reason: "it has too many files") }
        }
    }

    private static func list(
        _ root: FilePath, _ folder: String
    ) throws(ToolchainError) -> (files: [String], folders: [String]) {
        guard let stream = opendir(root.appending(FilePath(folder).components).string) else {
            if errno == ENOENT { return ([], []) }
            throw .toolchainMissing(tool: "rust", reason: "\(folder) cannot be listed")
        }
        defer { closedir(stream) }
        var (files, folders): ([String], [String]) = ([], [])
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            var status = stat()
            guard stat(root.appending(FilePath(path).components).string, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append(path)
            case S_IFDIR:
                // A link to a folder could lead round in circles.
                var link = stat()
                let isLink =
                    lstat(root.appending(FilePath(path).components).string, &link) == 0
                    && link.st_mode & S_IFMT == S_IFLNK
                if !isLink { folders.append(path) }
            default: break
            }
        }
        return (files, folders)
    }
}
