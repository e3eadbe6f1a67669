import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How Nix builds one flake: the inputs become the build's own store, and `nix build` evaluates and builds without network.
struct NixPlan: BuildPlan {
    static let manifest = "flake.nix"
    private static let source = "/build/source"
    /// The build's own `/nix`, in the target folder.
    private static let store = "nix"
    /// What the evaluation has in the target folder, until it was read: a `/nix` of its own, and a folder for what it says.
    private static let evaluation = "evaluation"
    private static let answers = "answers"
    private static let answersInside = "/build/evaluation"
    private static let archives = "archives"
    private static let archiveLimitInBytes: Int64 = 16 << 30

    let nix: NixToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    /// nil for a flake without inputs.
    let lock: FlakeLock?
    private let evaluated = EvaluatedFlake()

    init(
        nix: NixToolchain, layout: BuildLayout, settings: ProjectSettings, lockfile: Lockfile, lock: FlakeLock?
    ) {
        self.nix = nix
        self.layout = layout
        self.settings = settings
        self.lockfile = lockfile
        self.lock = lock
    }

    private var inputs: FlakeInputs {
        FlakeInputs(inputs: lock?.inputs ?? [], layout: layout, configuration: nix.configuration)
    }

    func repositories() -> [GitMirrorRequest] { inputs.requests }

    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        try inputs.steps(with: repositories)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        let evaluation = layout.target.appending(Self.evaluation)
        for folder in [
            layout.target.appending(Self.store), evaluation, evaluation.appending(Self.store),
            evaluation.appending(Self.answers),
        ] where mkdir(folder.string, 0o700) != 0 {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
        guard let lock else { return VerifiedInputs() }
        let seen = try inputs.verify(with: repositories)
        var uris: [String: String] = ["": ""]
        for (index, descriptor) in seen { uris[lock.inputs[index].name] = descriptor.uri }
        var verified = VerifiedInputs(dependencies: seen.map(\.descriptor))
        verified.dependencies.sort { ($0.uri ?? "").utf8.lexicographicallyPrecedes(($1.uri ?? "").utf8) }
        // The same commit may stand under two names.
        verified.dependencies = verified.dependencies.reduce(into: []) { if $0.last?.uri != $1.uri { $0.append($1) } }
        for (name, needed) in lock.dependencies {
            guard let uri = uris[name] else { continue }
            verified.graph[uri, default: []] += needed.compactMap { uris[$0] }
        }
        return verified
    }

    // MARK: - Evaluating

    private var targets: [String] { settings[.targets].isEmpty ? ["default"] : settings[.targets] }

    /// What Nix calls the flake, which stands in a folder of the source.
    private var reference: String {
        let folder = layout.project.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? ""
        return "path:\(Self.source)\(folder.isEmpty ? "" : "?dir=\(folder)")"
    }

    private static let lockOptions = ["--no-update-lock-file", "--no-write-lock-file"]

    /// Evaluating runs the project's code, and nothing of it survives but its answer: the source is read-only, and all that it
    /// writes to is gone before anything is built. A wrong answer has the build fail, or names inputs that it does not need.
    func evaluationSteps() -> [BuildStep] {
        let mounts = evaluationMounts + inputs.mounts.map(\.mount)
        var steps = additionOfInputs(mounts)
        for (number, target) in targets.enumerated() {
            // "attribute^outputs": which of a derivation's outputs are meant.
            let attribute = target.prefix { $0 != "^" }
            let file = "\(Self.answersInside)/\(number)"
            steps.append(
                BuildStep(
                    name: "nix eval .#\(attribute).drvPath",
                    command: command(
                        "nix",
                        // Of a set Nix would write each attribute to a file that has its name.
                        ["eval", "--write-to", file, "--apply", "path: assert builtins.isString path; path"]
                            + Self.lockOptions + ["\(reference)#\(attribute).drvPath"], mounts)))
        }
        return steps
    }

    private var evaluationMounts: [SandboxMount] {
        let folder = layout.target.appending(Self.evaluation)
        return [
            .readOnly(layout.source, at: Self.source), .writable(folder.appending(Self.store), at: "/nix"),
            .writable(folder.appending(Self.answers), at: Self.answersInside),
        ]
    }

    private func additionOfInputs(_ mounts: [SandboxMount]) -> [BuildStep] {
        let paths = inputs.mounts.map(\.path)
        // The name of the program says what it does.
        return paths.isEmpty
            ? [] : [BuildStep(name: "nix-store --add", command: command("nix-store", ["--add"] + paths, mounts))]
    }

    /// Reads what the evaluation said, and removes all that it wrote.
    private func fetches() throws(ToolchainError) -> FlakeFetches {
        try evaluated.fetches { () throws(ToolchainError) in
            var roots: Set<StorePath> = []
            let evaluation = layout.target.appending(Self.evaluation)
            for number in targets.indices {
                let name = "\(Self.answers)/\(number)"
                guard let bytes = try ProjectFile.read(name, in: evaluation, limitInBytes: 1024),
                    let root = StorePath(String(decoding: bytes, as: UTF8.self))
                else { throw .malformedFile(name: name, line: nil, reason: "it names no derivation") }
                roots.insert(root)
            }
            let graph = try DerivationGraph(from: roots, in: evaluation)
            guard TreeRemoval.remove(evaluation) else {
                throw .storageFailed(reason: "what the evaluation wrote cannot be removed")
            }
            return try FlakeFetches(graph, layout, nix.configuration)
        }
    }

    func evaluatedFetchSteps(round: Int) throws(ToolchainError) -> [BuildStep] { try fetches().steps(round: round) }

    func verifyEvaluatedInputs() throws(ToolchainError) -> VerifiedInputs { try fetches().verify() }

    // MARK: - Building

    func buildSteps() throws(ToolchainError) -> [BuildStep] {
        let fetches = try fetches()
        let mounts =
            [
                .writable(layout.source, at: Self.source),
                .writable(layout.target.appending(Self.store), at: "/nix"),
            ] + inputs.mounts.map(\.mount) + (try fetches.mounts())
        let shown = targets.map { ".#\($0)" }.joined(separator: " ")
        let additions = try fetches.additions().map {
            BuildStep(name: "nix-store --add-fixed", command: command("nix-store", $0, mounts))
        }
        return additionOfInputs(mounts) + additions + [
            BuildStep(
                name: "nix build \(shown)",
                command: command(
                    "nix",
                    ["build", "--no-link", "--json", "--print-build-logs"] + Self.lockOptions
                        + targets.map { "\(reference)#\($0)" }, mounts,
                    configuration: try fetches.nixConfiguration()))
        ]
    }

    /// - Parameters:
    ///   - program: What Nix looks at to see which of its commands is meant.
    ///   - configuration: More of it.
    private func command(
        _ program: String, _ arguments: [String], _ mounts: [SandboxMount],
        configuration: String = Self.withoutSubstituters
    ) -> SandboxCommand {
        SandboxCommand(
            arguments: ["/usr/bin/\(program)"] + arguments,
            environment: Self.environment(configuration),
            workingDirectory: Self.source, mounts: mounts)
    }

    static let withoutSubstituters = "substituters =\n"

    /// Nix runs git and others where an evaluation asks for a repository, and they run what that repository says: none is found.
    static let searchPath = "/var/empty"

    /// nix.conf(5). Nix's own sandbox needs rights that nobody has in Kettle's, nothing can be had from elsewhere, and nothing is
    /// built to be evaluated.
    static func environment(_ configuration: String = withoutSubstituters) -> [String: String] {
        [
            "PATH": searchPath, "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp",
            "TZ": "UTC", "LANG": "C.UTF-8",
            "NIX_CONFIG": """
            experimental-features = nix-command flakes
            sandbox = false
            filter-syscalls = false
            build-users-group =
            flake-registry =
            accept-flake-config = false
            allow-import-from-derivation = false

            """ + configuration,
        ]
    }

    // MARK: - Outputs

    func makeOutputReader() -> any BuildOutputReader { NixOutputs() }

    /// Each output as a Nix archive, which Kettle writes, and the programs in its `bin`.
    ///
    /// What stands in the store is the work of code that the project chose. No process of it is left, and the folder of the
    /// archives is one that none of them could see.
    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        let archives = layout.target.appending(Self.archives)
        guard mkdir(archives.string, 0o700) == 0 else {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
        let target = UnpackedSource(root: layout.target)
        let notBuilt = Set(try evaluated.fetches?.needs().fetched.map { "nix/store/\($0.base)" } ?? [])
        let built = Set(try target.entries(of: "\(Self.store)/store").map { "nix/store/\($0.name)" })
        var artifacts: [ArtifactPath] = []
        for output in announced {
            let archive = "\(Self.archives)/\(output.name).nar"
            guard artifacts.allSatisfy({ $0.path != archive }) else { throw .duplicateArtifact(name: output.name) }
            guard !notBuilt.contains(output.path) else {
                throw .cannotBeFetched(
                    package: output.name, reason: "it is to be built, and this one was fetched as it is")
            }
            guard built.contains(output.path) else { throw .noSuchArtifact(pattern: output.path) }
            try NixArchive.write(
                layout.target.appending(FilePath(output.path).components),
                to: layout.target.appending(FilePath(archive).components), limitInBytes: Self.archiveLimitInBytes)
            artifacts.append(ArtifactPath(name: "\(output.name).nar", path: archive))
            let programs = (try? target.entries(of: "\(output.path)/bin")) ?? []
            for program in programs where target.hasFile("\(output.path)/bin/\(program.name)") {
                artifacts.append(ArtifactPath(name: program.name, path: "\(output.path)/bin/\(program.name)"))
            }
        }
        return try ArtifactPath.sorted(artifacts)
    }
}
