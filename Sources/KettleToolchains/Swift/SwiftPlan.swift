import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How SwiftPM builds one package: `swift package describe`, which says what it makes, then `swift build`.
struct SwiftPlan: BuildPlan {
    static let manifest = "Package.swift"
    /// SwiftPM's working folder, inside.
    static let scratch = "/build/target"
    private static let source = "/build/source"
    /// A link there, to the folder of the system's own name.
    private static let configuration = "release"

    let swift: SwiftInstallation
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    let pins: [SwiftPin]

    private var checkouts: SwiftCheckouts { SwiftCheckouts(pins: pins, layout: layout) }

    func repositories() -> [GitMirrorRequest] { checkouts.requests }

    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        try checkouts.steps(with: repositories)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        guard !pins.isEmpty else { return VerifiedInputs() }
        var inputs = VerifiedInputs(sorting: try checkouts.verify(with: repositories), graph: [:])
        // Which of them needs which others the lockfile does not say.
        inputs.graph[""] = inputs.dependencies.compactMap(\.uri)
        return inputs
    }

    func buildSteps() -> [BuildStep] {
        let build = ["--configuration", Self.configuration, "--static-swift-stdlib"] + Self.sameBytes + traits
        // `swift build` takes one product, and of several the last.
        let products = settings[.targets].isEmpty ? [[]] : settings[.targets].map { ["--product", $0] }
        return [step("swift package describe", "swift-package", ["describe", "--type", "json"], options: traits)]
            + products.map { product in
                step(
                    (["swift build"] + build + product).joined(separator: " "), "swift-build", [],
                    options: build + product)
            }
    }

    /// Debug information names each C module by a signature that is another one in every build, and the compiler hashes all of it
    /// into the program (section `.swift_modhash`). Debuggers find these modules without it.
    private static let sameBytes = ["-Xswiftc", "-Xfrontend", "-Xswiftc", "-no-clang-module-breadcrumbs"]

    /// "Traits" are what SwiftPM calls features.
    private var traits: [String] {
        settings[.features].isEmpty ? [] : ["--traits", settings[.features].joined(separator: ",")]
    }

    private func step(_ name: String, _ program: String, _ command: [String], options: [String]) -> BuildStep {
        let common = [
            "--scratch-path", Self.scratch, "--disable-automatic-resolution", "--disable-prefetching",
            "--disable-dependency-cache", "--manifest-cache", "none",
            // It is in one already, and has none of its own for Linux.
            "--disable-sandbox",
        ]
        let command = SandboxCommand(
            arguments: ["\(swift.programs)/\(program)"] + common + options + command,
            environment: [
                "PATH": "\(swift.programs):\(SandboxCommand.standardSearchPath)", "HOME": SandboxCommand.homeFolder,
                "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8",
                // A day that every format can hold; without it programs that ask for the date differ from build to build.
                "SOURCE_DATE_EPOCH": "315532800", "ZERO_AR_DATE": "1",
            ],
            workingDirectory: layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)",
            mounts: (swift.mountedRoot.map { [.readOnly(swift.root, at: $0)] } ?? [])
                + [.writable(layout.source, at: Self.source), .writable(layout.target, at: Self.scratch)]
                + checkouts.mounts)
        return BuildStep(name: name, command: command)
    }

    // MARK: - Outputs

    func makeOutputReader() -> any BuildOutputReader { PackageDescription(products: settings[.targets]) }

    /// Those of the announced files that the build has made. `swift build` leaves out what no product of the package needs.
    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        let target = UnpackedSource(root: layout.target)
        guard
            let platform = try target.entries(of: "").first(where: { entry in
                entry.isFolder && entry.name.contains("-")
                    && ((try? target.entries(of: "\(entry.name)/\(Self.configuration)")) != nil)
            })
        else { return [] }
        let folder = "\(platform.name)/\(Self.configuration)"
        return try ArtifactPath.sorted(
            announced.map { ArtifactPath(name: $0.name, path: "\(folder)/\($0.name)") }
                .filter { target.hasFile($0.path) })
    }
}
