import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How Go builds one project: curl where a module is to be had, then `go list` and `go install`.
struct GoPlan: BuildPlan {
    private static let source = "/build/source"
    private static let target = "/build/target"
    /// Inside the target folder: programs, and Go's own cache, which may grow larger than what memory has room for.
    private static let programs = "bin"
    /// Beside the inputs, until the artifacts are named.
    private static let revisionFile = "revision"

    let go: GoToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    let inputs: GoInputs

    private var cache: ModuleCache { ModuleCache(in: layout) }
    private var store: ModuleStore { go.modules(of: layout) }

    // MARK: - Fetch

    /// The module proxy serves plain files (Go Modules Reference, "GOPROXY protocol"), so Go has no part in the fetch.
    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        guard inputs.isFetched else { return [] }
        let (cache, store) = (cache, store)
        let modules = try inParallel(inputs.modules) { pinned throws(ToolchainError) -> Downloads.File? in
            if let kept = store.open(pinned.sum, .zip),
                (try? cache.add(kept.descriptor, as: pinned.module, pinned.sum)) == pinned.sum
            {
                return nil
            }
            return file(pinned, .zip)
        }
        var files = modules.compactMap { $0 }
        for pinned in inputs.goMods {
            if let bytes = store.goMod(pinned.sum) {
                try cache.add(goMod: bytes, of: pinned.module)
            } else {
                files.append(file(pinned, .mod))
            }
        }
        return try Downloads(files: files, endpoints: go.configuration.endpoints, limitInBytes: 512 << 20)
            .steps(in: layout)
    }

    private func file(_ pinned: GoInputs.Pinned, _ kind: ModuleStore.Kind) -> Downloads.File {
        Downloads.File(
            url:
                "\(go.configuration.address)\(pinned.module.escapedPath)/@v/\(pinned.module.escapedVersion).\(kind.rawValue)",
            name: name(pinned, kind))
    }

    private func name(_ pinned: GoInputs.Pinned, _ kind: ModuleStore.Kind) -> String {
        "\(pinned.sum.digest.hex).\(kind.rawValue)"
    }

    // MARK: - Inputs

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        var dependencies: [ResourceDescriptor]
        try takeModules()
        try takeGoMods()
        if let vendored = inputs.vendored {
            try vendored.check(against: original)
            dependencies = try vendored.describe(inputs.sum)
        } else {
            dependencies = inputs.modules.map {
                ResourceDescriptor(uri: $0.module.packageURL(), digest: ["dirHash": $0.sum.digest.hex])
            }
        }
        for local in inputs.locals where local.folder != layout.project {
            let tree = try GitTree.identify(
                layout.source.appending(FilePath(local.folder).components), of: local.path)
            dependencies.append(
                ResourceDescriptor(
                    uri: GoModule.packageURL(
                        path: local.path, version: nil, qualifiers: source.packageURLQualifiers, subpath: local.folder),
                    digest: ["gitTree": tree.sha1]))
        }
        let revision = layout.inputs.appending(Self.revisionFile)
        guard (try? Data(source.revision.utf8).write(to: URL(fileURLWithPath: revision.string))) != nil else {
            throw .storageFailed(reason: "the source's revision cannot be written")
        }
        var verified = VerifiedInputs(sorting: dependencies, graph: [:])
        // Which of them needs which others go.sum does not say.
        verified.graph[""] = verified.dependencies.compactMap(\.uri)
        return verified
    }

    /// Where the files of a vendored module were taken from.
    private func original(of entry: VendoredModules.Entry) -> FilePath? {
        if let module = entry.origin { return cache.place(of: module) }
        guard case .folder(let path)? = inputs.main.replacement(of: entry.module),
            let folder = try? layout.folder(path, namedBy: GoMod.fileName)
        else { return nil }
        return layout.source.appending(FilePath(folder).components)
    }

    private func takeModules() throws(ToolchainError) {
        let (cache, store) = (cache, store)
        _ = try inParallel(inputs.modules) { pinned throws(ToolchainError) in
            guard !cache.has(pinned.module) else { return }
            guard let file = try? openBeneath(root: layout.dependencies, relative: name(pinned, .zip)) else {
                throw .missingPackage(pinned.module.spec)
            }
            let actual = try cache.add(file.descriptor, as: pinned.module, pinned.sum)
            guard actual == pinned.sum else {
                throw .sumMismatch(module: pinned.module.spec, expected: pinned.sum.text, actual: actual.text)
            }
            store.keep(file.descriptor, pinned.sum, .zip)
        }
    }

    private func takeGoMods() throws(ToolchainError) {
        for pinned in inputs.goMods where !cache.hasGoMod(pinned.module) {
            let name = name(pinned, .mod)
            guard let bytes = try ProjectFile.read(name, in: layout.dependencies),
                let file = try? openBeneath(root: layout.dependencies, relative: name)
            else {
                throw .missingPackage(pinned.module.spec + "/go.mod")
            }
            let actual = GoSumHash(ofGoMod: bytes)
            guard actual == pinned.sum else {
                throw .sumMismatch(
                    module: pinned.module.spec + "/go.mod", expected: pinned.sum.text, actual: actual.text)
            }
            try cache.add(goMod: bytes, of: pinned.module)
            store.keep(file.descriptor, pinned.sum, .mod)
        }
    }

    // MARK: - Build

    func makeOutputReader() -> any BuildOutputReader { GoPrograms(folder: "\(Self.target)/\(Self.programs)") }

    func buildSteps() -> [BuildStep] {
        let tags = settings[.features].isEmpty ? [] : ["-tags=\(settings[.features].joined(separator: ","))"]
        let packages = settings[.packages].isEmpty ? ["./..."] : settings[.packages]
        return [
            // Which programs there are: two of one name would be installed over one another.
            step("go list", ["list", "-f", GoPrograms.template] + tags + packages),
            step(
                (["go install"] + tags + packages).joined(separator: " "),
                ["install", "-trimpath", "-buildvcs=false"] + tags + packages),
        ]
    }

    private func step(_ name: String, _ arguments: [String]) -> BuildStep {
        let installation = go.installation
        var mounts: [SandboxMount] = [
            .readOnly(layout.source, at: Self.source), .writable(layout.target, at: Self.target),
        ]
        mounts += installation.mountedRoot.map { [.readOnly(installation.root, at: $0)] } ?? []
        if inputs.vendored == nil, access(cache.path.string, F_OK) == 0 {
            mounts.append(.readOnly(cache.path, at: ModuleCache.mountPoint))
        }
        let environment = [
            "PATH": "\(installation.goroot)/bin:\(SandboxCommand.standardSearchPath)",
            "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8",
            "GOROOT": installation.goroot, "GOBIN": "\(Self.target)/\(Self.programs)",
            "GOCACHE": "\(Self.target)/cache", "GOMODCACHE": ModuleCache.mountPoint,
            "GOFLAGS": inputs.vendored == nil ? "-mod=readonly" : "-mod=vendor",
            // Nothing from elsewhere: no network, no version control, no other toolchain, no user's settings.
            "GOPROXY": "off", "GOSUMDB": "off", "GOVCS": "*:off", "GOTOOLCHAIN": "local", "GOENV": "off",
            "GOWORK": "off",
            "GOTELEMETRY": "off", "GO111MODULE": "on",
            // What C compilers make differs from run to run, and no lockfile pins them.
            "CGO_ENABLED": "0",
        ]
        return BuildStep(
            name: name,
            command: SandboxCommand(
                arguments: [installation.go] + arguments, environment: environment,
                workingDirectory: layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)",
                mounts: mounts))
    }

    /// The programs, or for a module without any the module itself, as a proxy serves it.
    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        let programs = announced.map { ArtifactPath(name: $0.name, path: "\(Self.programs)/\($0.path)") }
        guard programs.isEmpty else { return programs }
        let revision = try ProjectFile.read(Self.revisionFile, in: layout.inputs) ?? []
        let archive = ModuleArchive(path: inputs.main.path, revision: String(decoding: revision, as: UTF8.self))
        return [try archive.write(in: layout)]
    }
}

extension SourceOrigin {
    /// Hexadecimal digits that name it.
    fileprivate var revision: String {
        switch self {
        case .repository(_, let commit): commit
        case .archive(let digest): digest.hex
        }
    }
}
