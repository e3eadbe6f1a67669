package import KettleProvenance
package import KettleSandbox
package import KettleSource
package import SystemPackage

/// A build system that Kettle can drive: how to recognise its projects, which programs it has, and how it plans a build.
///
/// Nothing here runs a project's command. The pipeline runs what a ``BuildPlan`` names. `docs/adding-a-toolchain.md` walks
/// through a whole one.
package protocol Toolchain: Sendable {
    static var kind: ToolchainKind { get }

    /// What the programs say of themselves, for people.
    var versions: [String] { get }

    /// Reads what a project pins, and decides how it is built.
    ///
    /// Blocks. Runs nothing: no build has touched the project yet, and nothing of it may run outside of the sandbox.
    func plan(_ layout: BuildLayout, _ settings: ProjectSettings) throws(ToolchainError) -> any BuildPlan

    /// The programs and libraries that turn the source into artifacts, by digest.
    ///
    /// Reads files only where they changed since the last call, but the first call hashes hundreds of megabytes.
    func tools() throws(ToolchainError) -> [ResourceDescriptor]
}

extension Toolchain {
    package var name: String { Self.kind.name }
}

/// What is known of a toolchain before anybody looks whether it is installed.
package struct ToolchainKind: Sendable, Hashable {
    /// `cargo`: the API's `build_system`, and the word in the build type `https://kettle.build/<name>/v1`.
    package var name: String

    /// The files any one of which, in a folder, makes it a project of this kind.
    package var projectFileNames: [String]

    /// Which keys of `kettle.toml` it understands besides those that all do.
    package var settings: Set<ProjectSettings.Key>

    /// What the operator does to have it: "install Rust (https://rustup.rs) and have rustc on the service's PATH".
    package var installation: String

    package init(
        name: String, projectFileNames: [String], settings: Set<ProjectSettings.Key> = [], installation: String
    ) {
        self.name = name
        self.projectFileNames = projectFileNames
        self.settings = settings
        self.installation = installation
    }
}

/// How one project is built, from what it pins to what it makes. The members are asked in the order in which they stand here, but
/// for the output reader, which is asked first.
///
/// Nothing here runs a command, and every member may block.
package protocol BuildPlan: Sendable {
    /// The file that pins the project's dependencies; recorded with the build.
    var lockfile: Lockfile { get }

    /// The git repositories that the fetch or the build needs. Kettle fetches them, since it checks what they are.
    func repositories() throws(ToolchainError) -> [GitMirrorRequest]

    /// The commands that fetch what is pinned into `layout.dependencies`, over connections to the registry alone.
    ///
    /// They run nothing that comes from the project. What earlier builds fetched and Kettle kept is read and checked here.
    ///
    /// - Returns: Nothing when nothing must be fetched, and when ``verifyInputs(of:with:)`` is going to refuse the project.
    func fetchSteps(with repositories: [GitMirror]) throws(ToolchainError) -> [BuildStep]

    /// Checks what was fetched against what is pinned, keeps it for later builds, and lays all of it out in `layout.inputs`,
    /// after the fetch and before the build.
    ///
    /// The build reads nothing of the fetch but what went through here.
    ///
    /// - Parameter source: Whose own packages the URLs of packages inside it name.
    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs

    /// The commands that have the project say what else it needs, without network. They run the project's code, so what they
    /// leave in `layout.target` is anybody's.
    ///
    /// - Returns: Nothing for the many projects whose lockfile says it all; then the next two are not asked.
    func evaluationSteps() throws(ToolchainError) -> [BuildStep]

    /// The commands that fetch what the evaluation named, under the rules of ``fetchSteps(with:)``. Asked again after they ran,
    /// until there are none.
    ///
    /// - Parameter round: How often it was asked before.
    func evaluatedFetchSteps(round: Int) throws(ToolchainError) -> [BuildStep]

    /// Does with these what ``verifyInputs(of:with:)`` does with the others.
    func verifyEvaluatedInputs() throws(ToolchainError) -> VerifiedInputs

    /// The commands that build, without network, one after the other.
    func buildSteps() throws(ToolchainError) -> [BuildStep]

    /// A reader for the output of the build's commands.
    func makeOutputReader() -> any BuildOutputReader

    /// What the build made, sorted by name. It is the word of code that the project chose: see ``ArtifactPath``.
    ///
    /// - Parameter announced: What the output reader understood.
    func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath]
}

extension BuildPlan {
    package func repositories() throws(ToolchainError) -> [GitMirrorRequest] { [] }
    package func evaluationSteps() throws(ToolchainError) -> [BuildStep] { [] }
    package func evaluatedFetchSteps(round: Int) throws(ToolchainError) -> [BuildStep] { [] }
    package func verifyEvaluatedInputs() throws(ToolchainError) -> VerifiedInputs { VerifiedInputs() }
    package func makeOutputReader() -> any BuildOutputReader { PlainOutput() }
    package func artifacts(announced: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] { announced }
}

/// A file that pins dependencies, byte for byte.
package struct Lockfile: Sendable, Hashable {
    /// Its file name: `Cargo.lock`.
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// One command of a build.
package struct BuildStep: Sendable, Hashable {
    /// The command as a person would type it: `cargo build --release`.
    package var name: String
    package var command: SandboxCommand

    package init(name: String, command: SandboxCommand) {
        self.name = name
        self.command = command
    }

    /// The event that tells that the step begins.
    package var announcement: String { "Running \(name)" }
}

/// What a build depends on, as it was seen.
package struct VerifiedInputs: Sendable, Hashable {
    /// Sorted by URI. Every digest is of bytes that were read, or compared with such.
    package var dependencies: [ResourceDescriptor]
    /// Which packages a package needs, all by URI; an empty text is the project that is built.
    package var graph: [String: [String]]

    package init(dependencies: [ResourceDescriptor] = [], graph: [String: [String]] = [:]) {
        self.dependencies = dependencies
        self.graph = graph
    }

    /// - Parameters:
    ///   - descriptors: With URIs, in any order. The same twice, as of a package in two places, is one.
    ///   - graph: Which packages a package needs.
    init(sorting descriptors: [ResourceDescriptor], graph: [String: [String]]) {
        dependencies = descriptors.sorted { ($0.uri ?? "").utf8.lexicographicallyPrecedes(($1.uri ?? "").utf8) }
            .reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        self.graph = graph
    }

    package mutating func add(_ others: VerifiedInputs) {
        self = VerifiedInputs(
            sorting: dependencies + others.dependencies, graph: graph.merging(others.graph) { $0 + $1 })
    }
}

/// What a source is, as package URLs can say it.
package enum SourceOrigin: Sendable, Hashable {
    /// A commit of a git repository.
    case repository(url: String, commit: String)
    /// An archive, by the digest of its bytes.
    case archive(ContentDigest)

    /// What a package URL needs to name a package of the source instead of a registry's (purl specification, "Known qualifiers").
    var packageURLQualifiers: [String: String] {
        switch self {
        case .repository(let url, let commit): ["vcs_url": "git+\(url)@\(commit)"]
        case .archive(let digest): ["checksum": "sha256:\(digest)"]
        }
    }
}

/// Follows what a build prints and learns from it what was made.
package protocol BuildOutputReader: Sendable {
    /// - Parameter line: One line without its line break, valid during the call.
    /// - Returns: The text to show; nil for a message between programs.
    mutating func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String?

    /// What was announced as made, sorted by name. It is the word of code that the project chose: see ``ArtifactPath``.
    ///
    /// - Throws: ``ToolchainError/duplicateArtifact(name:)``, ``ToolchainError/unreadableMessage``.
    func artifacts() throws(ToolchainError) -> [ArtifactPath]
}

/// The output of commands that say nothing of what they made: every line is shown.
struct PlainOutput: BuildOutputReader {
    func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String? {
        String(decoding: line, as: UTF8.self)
    }
    func artifacts() -> [ArtifactPath] { [] }
}

/// A file that a build says it made.
package struct ArtifactPath: Sendable, Hashable {
    /// The folders that a build writes to.
    package enum Root: Sendable, Hashable {
        case target
        case source
    }

    /// What it will be called.
    package var name: String

    /// Relative to the root: components without `.` and `..`. What is there may be a link or a device.
    package var path: String

    package var root: Root

    package init(name: String, path: String, in root: Root = .target) {
        self.name = name
        self.path = path
        self.root = root
    }
}

/// Where a build's folders are on the host.
package struct BuildLayout: Sendable, Hashable {
    /// The source's root; `/build/source` inside.
    package var source: FilePath

    /// The project's folder relative to the source's root, empty for the root itself.
    package var project: String

    /// An empty folder for outputs; `/build/target` inside.
    package var target: FilePath

    /// An empty folder for what is fetched: written in the fetch step, read by Kettle, and no part of the build step.
    package var dependencies: FilePath

    /// An empty folder for what was checked: written by Kettle, read-only in the build step.
    package var inputs: FilePath

    package init(source: FilePath, project: String, target: FilePath, dependencies: FilePath, inputs: FilePath) {
        self.source = source
        self.project = project
        self.target = target
        self.dependencies = dependencies
        self.inputs = inputs
    }

    /// The project's folder on the host.
    package var projectFolder: FilePath { source.appending(FilePath(project).components) }

    package func folder(_ root: ArtifactPath.Root) -> FilePath {
        switch root {
        case .target: target
        case .source: source
        }
    }
}
