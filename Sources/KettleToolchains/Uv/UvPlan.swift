import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How uv builds one project: curl where a file is to be had, then an environment of what is locked, then `uv build`.
struct UvPlan: BuildPlan {
    private static let source = "/build/source"
    private static let target = "/build/target"
    private static let packages = "/build/packages"

    let uv: UvToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    let inputs: UvInputs

    private var store: PackageStore { uv.packages(of: layout) }
    /// Wheels and sdists by their own names: what uv calls a flat index.
    private var folder: FilePath { layout.inputs.appending("packages") }

    // MARK: - Inputs

    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        let missing = store.missing(inputs.files.map(\.digest))
        let files = inputs.files.filter { missing.contains($0.digest) }.map {
            Downloads.File(url: $0.address, name: $0.file.name)
        }
        return try Downloads(files: files, endpoints: uv.configuration.endpoints).steps(in: layout)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        guard mkdir(folder.string, 0o755) == 0, chmod(folder.string, 0o755) == 0 else {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
        let (store, folder) = (store, folder)
        var dependencies = try inParallel(inputs.files) { chosen throws(ToolchainError) in
            try take(chosen, store, folder)
        }
        if inputs.usesSuppliedBackends { dependencies += try takeSupplied() }
        for local in inputs.locals {
            let tree = try GitTree.identify(
                layout.source.appending(FilePath(local.folder).components), of: local.name)
            dependencies.append(
                ResourceDescriptor(
                    uri: PackageURL(
                        type: "pypi", name: local.name, qualifiers: source.packageURLQualifiers, subpath: local.folder
                    ).text, digest: ["gitTree": tree.sha1]))
        }
        return VerifiedInputs(sorting: dependencies, graph: inputs.graph)
    }

    /// Compares a file with the lockfile, keeps it, and lays it out.
    private func take(
        _ chosen: UvInputs.Chosen, _ store: PackageStore, _ folder: FilePath
    ) throws(ToolchainError) -> ResourceDescriptor {
        if let fetched = try? openBeneath(root: layout.dependencies, relative: chosen.file.name) {
            let actual = try store.add(fetched.descriptor, as: chosen.digest)
            guard actual == chosen.digest else {
                throw .checksumMismatch(
                    package: chosen.package.spec, expected: chosen.digest.hex, actual: actual.hex)
            }
        }
        guard let kept = store.open(chosen.digest) else { throw .missingPackage(chosen.package.spec) }
        let copied = try PythonFile.copy(
            kept.descriptor, chosen.digest.algorithm, to: folder.appending(chosen.file.name))
        guard copied == chosen.digest else { throw .missingPackage(chosen.package.spec) }
        return ResourceDescriptor(
            uri: chosen.package.packageURL, digest: chosen.digest.digestSet,
            annotations: ["file": .string(chosen.file.name)])
    }

    /// The operator's wheels: all of them, since nobody has said which of them a backend needs.
    private func takeSupplied() throws(ToolchainError) -> [ResourceDescriptor] {
        guard let root = uv.configuration.backends else { return [] }
        let locked = Set(inputs.files.map(\.package.name))
        var descriptors: [ResourceDescriptor] = []
        for wheel in try UvInputs.supplied(uv.configuration) where !locked.contains(wheel.name) {
            let file: OpenedFile
            do {
                file = try openBeneath(root: root, relative: wheel.file)
            } catch {
                throw .invalidConfiguration(reason: "\(wheel.file) of the build backends cannot be read")
            }
            let digest = try PythonFile.copy(file.descriptor, .sha256, to: folder.appending(wheel.file))
            descriptors.append(
                ResourceDescriptor(
                    uri: PackageURL(type: "pypi", name: wheel.name, version: wheel.version).text,
                    digest: digest.digestSet, annotations: ["file": .string(wheel.file), "supplied": "builder"]))
        }
        return descriptors
    }

    // MARK: - Build

    func buildSteps() -> [BuildStep] {
        let requirements = "\(Self.target)/requirements.txt"
        let environment = "\(Self.target)/environment"
        let members = settings[.packages].flatMap { ["--package", $0] }
        return [
            // Fails where the lockfile does not fit the project any more.
            step(
                "uv export --locked", isConfigured: true,
                [
                    "export", "--locked", "--quiet", "--no-default-groups", "--no-emit-local", "--no-header",
                    "--output-file", requirements,
                ] + members),
            step("uv venv", ["venv", "--quiet", environment]),
            step(
                "uv pip install",
                [
                    "pip", "install", "--no-index", "--find-links", Self.packages, "--require-hashes", "--requirements",
                    requirements, "--python", "\(environment)/bin/python",
                ]),
        ] + builds
    }

    private var builds: [BuildStep] {
        let names: [String?] = settings[.packages].isEmpty ? [nil] : settings[.packages]
        return names.map { name in
            let selection = name.map { ["--package", $0] } ?? []
            return step(
                (["uv build"] + selection).joined(separator: " "),
                [
                    "build", "--no-index", "--find-links", Self.packages, "--out-dir", "\(Self.target)/dist",
                    "--no-create-gitignore",
                ] + selection)
        }
    }

    /// - Parameter isConfigured: Whether the project's `[tool.uv]` holds: it decides on what the lockfile says, and could name
    ///   other places for packages.
    private func step(_ name: String, isConfigured: Bool = false, _ arguments: [String]) -> BuildStep {
        let installation = uv.installation
        var environment = [
            "PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp", "TZ": "UTC",
            "LANG": "C.UTF-8", "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_OFFLINE": "1",
            "UV_PYTHON": installation.python.string, "UV_PYTHON_DOWNLOADS": "never",
            "UV_CACHE_DIR": "\(Self.target)/cache", "UV_LINK_MODE": "copy",
            // The first day that a ZIP can hold; without it wheels differ from build to build.
            "SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0",
        ]
        if !isConfigured { environment["UV_NO_CONFIG"] = "1" }
        return BuildStep(
            name: name,
            command: SandboxCommand(
                arguments: [installation.uv] + arguments, environment: environment,
                workingDirectory: layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)",
                mounts: (installation.mount.map { [$0] } ?? []) + [
                    .writable(layout.source, at: Self.source), .writable(layout.target, at: Self.target),
                    .readOnly(folder, at: Self.packages),
                ]))
    }

    /// Wheels and sdists.
    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        let entries = (try? UnpackedSource(root: layout.target).entries(of: "dist")) ?? []
        return try ArtifactPath.sorted(
            entries.filter { !$0.isFolder && ($0.name.hasSuffix(".whl") || $0.name.hasSuffix(".tar.gz")) }
                .map { ArtifactPath(name: $0.name, path: "dist/\($0.name)") })
    }
}
