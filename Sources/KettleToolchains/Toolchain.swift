package import KettleProvenance
package import KettleSandbox
package import KettleSource
package import SystemPackage

/// A build system that Kettle can drive: how to recognise its projects, what they depend on, which commands build them.
///
/// Nothing here runs a command. The pipeline runs what ``fetchCommand(for:layout:)`` and ``buildCommand(layout:)`` name, and
/// hands what it printed to a ``BuildOutputReader``.
package protocol Toolchain: Sendable {
    /// `cargo`: the API's `build_system`, and the word in the build type `https://kettle.build/<name>/v1`.
    var name: String { get }

    /// The build command as a person would type it.
    var commandName: String { get }

    /// The event that tells that the build begins.
    var buildAnnouncement: String { get }

    /// The file that pins the project's dependencies, in the project's folder.
    var lockfileName: String { get }

    /// The file by which a project of this kind is known, in the project's folder.
    var projectFileName: String { get }

    /// Reads what a project pins.
    ///
    /// - Parameter project: The project's folder on the host, which no build has touched yet.
    func lockedInputs(of project: FilePath) throws(ToolchainError) -> LockedInputs

    /// The git repositories that ``fetchCommand(for:layout:)`` needs. Kettle fetches them, since it checks what they are.
    func repositories(of inputs: LockedInputs, layout: BuildLayout) throws(ToolchainError) -> [GitMirrorRequest]

    /// The command that fetches what is pinned into `layout.dependencies`, over connections to the registry alone.
    ///
    /// It runs nothing that comes from the project. Blocks: what earlier builds fetched and Kettle kept is read and checked.
    ///
    /// - Returns: nil when nothing must be fetched, and when ``verifyInputs(_:of:layout:)`` is going to refuse the project.
    func fetchCommand(for inputs: LockedInputs, layout: BuildLayout) -> SandboxCommand?

    /// Checks what was fetched against what is pinned, keeps it for later builds, and lays all of it out in `layout.inputs`,
    /// after the fetch and before the build.
    ///
    /// Blocks. The build reads nothing of the fetch but what went through here.
    ///
    /// - Parameter source: Whose own packages the URLs of packages inside it name.
    func verifyInputs(
        _ inputs: LockedInputs, of source: SourceOrigin, layout: BuildLayout
    ) throws(ToolchainError) -> VerifiedInputs

    /// The command that builds, without network.
    func buildCommand(layout: BuildLayout) -> SandboxCommand

    /// A reader for the output of one build.
    func makeOutputReader() -> any BuildOutputReader

    /// The programs and libraries that turn the source into artifacts, by digest.
    ///
    /// Reads files only where they changed since the last call, but the first call hashes hundreds of megabytes.
    func tools() throws(ToolchainError) -> [ResourceDescriptor]
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
}

/// What a source is, as package URLs can say it.
package enum SourceOrigin: Sendable, Hashable {
    /// A commit of a git repository.
    case repository(url: String, commit: String)
    /// An archive, by the digest of its bytes.
    case archive(ContentDigest)
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

/// A file that a build says it made.
package struct ArtifactPath: Sendable, Hashable {
    /// Its file name.
    package var name: String

    /// Relative to the layout's target folder: components without `.` and `..`. What is there may be a link or a device.
    package var path: String

    package init(name: String, path: String) {
        self.name = name
        self.path = path
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
    var projectFolder: FilePath { source.appending(FilePath(project).components) }
}
