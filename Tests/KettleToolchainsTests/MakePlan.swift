import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

@testable import KettleToolchains

/// What `make.lock` pins.
enum MakeLock {
    struct File: Sendable, Hashable {
        var digest: PinnedDigest
        var url: String
        var name: String
    }

    static func read(_ bytes: [UInt8]) throws(ToolchainError) -> [File] {
        var files: [File] = []
        for (index, line) in String(decoding: bytes, as: UTF8.self).split(separator: "\n").enumerated() {
            let parts = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            guard parts.count == 2, let digest = PinnedDigest(.sha256, hex: parts[0]),
                let name = parts[1].split(separator: "/").last
            else { throw .malformedFile(name: "make.lock", line: index + 1, reason: "it is not <SHA-256> <URL>") }
            files.append(File(digest: digest, url: parts[1], name: String(name)))
        }
        return files
    }
}

struct MakePlan: BuildPlan {
    let make: MakeToolchain
    let layout: BuildLayout
    let targets: [String]
    let lockfile: Lockfile
    let files: [MakeLock.File]

    /// What was checked, for the build to read.
    private var store: PackageStore { PackageStore(folder: layout.inputs.appending("files")) }
    private static let source = "/build/source"

    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        try Downloads(
            files: files.map { Downloads.File(url: $0.url, name: $0.digest.hex) }, endpoints: [make.registry.endpoint]
        ).steps(in: layout)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        var dependencies: [ResourceDescriptor] = []
        for file in files {
            let opened: OpenedFile
            do {
                opened = try openBeneath(root: layout.dependencies, relative: file.digest.hex)
            } catch {
                throw .missingPackage(file.name)
            }
            let actual = try store.add(opened.descriptor, as: file.digest)
            guard actual == file.digest else {
                throw .checksumMismatch(package: file.name, expected: file.digest.hex, actual: actual.hex)
            }
            dependencies.append(
                ResourceDescriptor(
                    uri: PackageURL(type: "generic", name: file.name, qualifiers: ["download_url": file.url])
                        .text,
                    digest: file.digest.digestSet))
        }
        return VerifiedInputs(
            dependencies: dependencies.sorted { ($0.uri ?? "").utf8.lexicographicallyPrecedes(($1.uri ?? "").utf8) })
    }

    func buildSteps() -> [BuildStep] {
        let inputs = files.map { file in
            let place = "\(file.digest.hex.prefix(2))/\(file.digest.hex.dropFirst(2))"
            return SandboxMount.readOnly(
                store.folder.appending(FilePath(place).components), at: "/build/inputs/\(file.name)")
        }
        let command = SandboxCommand(
            arguments: [make.program.path.string, "OUT=/build/target", "INPUTS=/build/inputs"] + targets,
            environment: ["PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder],
            workingDirectory: layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)",
            mounts: inputs + [
                .writable(layout.source, at: Self.source), .writable(layout.target, at: "/build/target"),
            ])
        return [BuildStep(name: (["make"] + targets).joined(separator: " "), command: command)]
    }

    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        try UnpackedSource(root: layout.target).entries(of: "").filter { !$0.isFolder }.map {
            ArtifactPath(name: $0.name, path: $0.name)
        }
    }
}
