import Glibc
import KettleProvenance
import KettleSandbox
import KettleStore
import KettleToolchains
import SystemPackage

/// Takes what a build made out of the folder that the build could write.
///
/// The folder is as hostile as the code that ran in it: each file is opened without following a link, must be a plain file,
/// and is hashed while it is copied, so that the digest is of the bytes that are kept and not of ones seen earlier.
struct ArtifactCollection {
    /// All artifacts of one build together, in bytes.
    var limitInBytes: Int64

    /// Copies the files to `folder/artifacts/`, numbered.
    ///
    /// Blocks: call it on a thread of its own.
    func collect(_ artifacts: [ArtifactPath], from layout: BuildLayout, to folder: FilePath) throws -> [RecordedFile] {
        let destination = folder.appending("artifacts")
        guard mkdir(destination.string, 0o700) == 0 else {
            throw StoreError.writeFailed(what: "the artifacts", reason: String(cString: strerror(errno)))
        }
        var remaining = limitInBytes
        var files: [RecordedFile] = []
        for (index, artifact) in artifacts.enumerated() {
            try checkName(artifact.name)
            let location = "artifacts/\(index)"
            let input: OpenedFile
            do {
                input = try openBeneath(root: layout.folder(artifact.root), relative: artifact.path)
            } catch {
                throw BuildError.artifactUnusable(name: artifact.name, reason: error.message)
            }
            // A file of one hole takes no room and would be read for hours.
            guard input.size <= remaining else { throw BuildError.artifactsTooLarge(limitInBytes: limitInBytes) }
            let (digest, size) = try copy(
                input.descriptor, artifact.name, to: folder.appending(location), limit: remaining)
            remaining -= size
            files.append(
                RecordedFile(category: .artifact, name: artifact.name, location: location, digest: digest, size: size))
        }
        return files
    }

    /// A name becomes a subject of the statement, a file of the bundle and a part of a URL.
    private func checkName(_ name: String) throws {
        let isPlain =
            !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
            && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F && $0 != "/" && $0 != "\\" }
        guard isPlain else {
            throw BuildError.artifactUnusable(
                name: PrintableText.make(from: name), reason: "its name is not a plain file name")
        }
    }

    private func copy(_ input: CInt, _ name: String, to path: FilePath, limit: Int64) throws -> (ContentDigest, Int64) {
        let output = try NewFile(at: path, called: "an artifact")
        var hasher = ContentHasher()
        var size: Int64 = 0
        try withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 16) { block in
            while true {
                let count = read(input, block.baseAddress, block.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw BuildError.artifactUnusable(name: name, reason: "it cannot be read")
                }
                if count == 0 { return }
                size += Int64(count)
                guard size <= limit else { throw BuildError.artifactsTooLarge(limitInBytes: limitInBytes) }
                let bytes = UnsafeRawBufferPointer(rebasing: block[..<count])
                hasher.update(bytes)
                try output.write(bytes)
            }
        }
        return (hasher.finalize(), size)
    }
}
