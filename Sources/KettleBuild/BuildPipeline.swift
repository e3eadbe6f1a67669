import Glibc
import KettleAttestation
import KettleLauncher
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleStore
import KettleToolchains
import NIOPosix
import SystemPackage

/// One build, from its request to its evidence. Reads like a table of contents; each step stands below in order.
struct BuildPipeline: Sendable {
    let id: BuildID
    let request: BuildRequest
    let configuration: BuildConfiguration
    let workspace: Workspace
    /// The folder that outlives the build.
    let folder: FilePath
    let events: EventLog
    let slots: BuildSlots
    /// For work that blocks: the disk, hashing, unpacking.
    let threads: NIOThreadPool
    let startedAt: BuildTime

    func run() async throws -> SealedBuild {
        let source = try await takeIn()
        let project = try await detect(in: source)
        let inputs = try await lockedInputs(of: project)
        let identity = try await identify(source)
        let origin = try origin(of: source)
        let output = try BuildOutput(
            events: events, logFile: folder.appending("build.log"), reader: project.toolchain.makeOutputReader())
        let layout = try makeLayout(for: source, project)
        // Before any of the project's code runs.
        let tools = try await threads.runIfActive { try project.toolchain.tools() }
        let (commands, verified, artifacts) = try await slots.withSlot(onWait: announceWait) {
            // Asked in the slot: a build that ran while this one waited may have fetched the same.
            var inputs = inputs
            inputs.repositories = try await fetchRepositories(of: inputs, layout, project.toolchain)
            let fetching = try await fetch(inputs, layout, project.toolchain, output)
            let verified = try await verify(inputs, of: origin, layout, project.toolchain)
            let building = try await build(layout, project.toolchain, output)
            return (fetching + [building], verified, try await collect(output, layout, project.toolchain))
        }
        let finishedAt = BuildTime.now
        let records = try await keep(inputs, of: project)
        try tell("Generating provenance", .provenance)
        var statement = Statement(
            subject: artifacts.map { Statement.Subject(name: $0.name, digest: $0.digest) },
            buildType: Statement.buildType(toolchain: project.toolchain.name),
            externalParameters: externalParameters, internalParameters: internalParameters(commands),
            resolvedDependencies: [
                identity, ResourceDescriptor(name: records.lockfile.name, sha256: records.lockfile.digest),
            ]
                + verified.dependencies + tools,
            builderID: configuration.attester?.platform.builderID ?? Statement.unattestedBuilderID,
            invocationID: id.hex,
            startedOn: startedAt.timestamp, finishedOn: finishedAt.timestamp, buildLog: records.log.digest)
        let bill = SoftwareBillOfMaterials(
            of: statement, kettleVersion: configuration.version, graph: verified.graph
        ).encoded()
        statement.byproducts.append(SoftwareBillOfMaterials.byproduct(bill))
        let bytes = statement.encoded()
        let evidence = try await attest(bytes)
        return try await seal(project.toolchain, artifacts, records, bill, bytes, evidence)
    }

    // MARK: - Source

    /// A source as it lies in the workspace.
    struct TakenIn: Sendable {
        var root: FilePath
        /// What git named, nil for an archive.
        var checkout: GitCheckout?
        /// What an archive has of a repository.
        var repository: ArchivedRepository?
    }

    private func takeIn() async throws -> TakenIn {
        let root = workspace.path.appending("source")
        switch request.source {
        case .archive(let archive, let name, _, let size):
            try tell("Unpacking \(PrintableText.make(from: name)) (\(size) bytes)", .source)
            let repository = try await threads.runIfActive { try unpack(archive, into: root) }
            return TakenIn(root: root, repository: repository)
        case .git(let url, let ref):
            try tell("Fetching \(url.text)", .source)
            try await threads.runIfActive { try workspace.make() }
            let checkout = try await configuration.git.fetch(url, ref: ref, into: root, workspace: workspace) {
                try? tell(PrintableText.make(from: $0), .source)
            }
            try tell("Fetched commit \(checkout.commit)", .source)
            return TakenIn(root: root, checkout: checkout)
        }
    }

    private func unpack(_ archive: UploadedArchive, into root: FilePath) throws -> ArchivedRepository? {
        let limits = configuration.sourceLimits
        // A source without a project is refused before anything of it is written: files that come and go by the thousand
        // wear a file system down.
        if let listed = try ArchiveSource.list(archive, within: limits) {
            do {
                _ = try Detection.detect(
                    in: ListedSource(listed), path: request.path, toolchains: configuration.toolchains)
            } catch {
                try announceDetection()
                throw error
            }
        }
        try workspace.make()
        let repository = try ArchiveSource.unpack(
            archive, into: root, repository: workspace.path.appending("repository"), within: limits)
        if case .file(let path) = archive { unlink(path.string) }
        return repository
    }

    /// The first of the statement's resolved dependencies. Computed from the files before a build can touch them.
    private func identify(_ source: TakenIn) async throws -> ResourceDescriptor {
        switch request.source {
        case .archive(_, _, let digest, _):
            let tree = try await threads.runIfActive { try GitTree.identify(source.root) }
            return ResourceDescriptor(
                archive: request.sourceURI, digest, tree, commit: try await commit(of: source, with: tree))
        case .git:
            guard let checkout = source.checkout else { throw BuildError.unexpected }
            return ResourceDescriptor(checkout: checkout, as: request.sourceURI)
        }
    }

    private func origin(of source: TakenIn) throws -> SourceOrigin {
        switch request.source {
        case .archive(_, _, let digest, _): return .archive(digest)
        case .git(let url, _):
            guard let checkout = source.checkout else { throw BuildError.unexpected }
            return .repository(url: url.text, commit: checkout.commit)
        }
    }

    /// The commit that an archive was made of: the one that its `.git` has checked out, if the files are that commit's.
    private func commit(of source: TakenIn, with tree: GitTreeID) async throws -> String? {
        guard let repository = source.repository else { return nil }
        guard let commit = try await configuration.git.headCommit(of: repository, in: workspace) else {
            try tell("The archive's .git names no commit that can be read", .source)
            return nil
        }
        let folder = repository.folder == nil ? nil : tree.onlyFolder
        let trees =
            repository.folder == nil
            ? [tree.sha1, tree.sha256]
            : repository.folder == folder?.name ? [folder?.sha1, folder?.sha256] : []
        guard trees.contains(commit.tree) else {
            try tell("The files are not those of commit \(commit.id), which the archive's .git names", .source)
            return nil
        }
        try tell("The files are those of commit \(commit.id)", .source)
        return commit.id
    }

    /// A source with a project that a toolchain knows.
    struct Project: Sendable {
        var toolchain: any Toolchain
        var folder: FilePath
        /// The folder relative to the source's root, empty for the root itself.
        var path: String
    }

    private func detect(in source: TakenIn) async throws -> Project {
        try announceDetection()
        let detected = try await threads.runIfActive {
            try Detection.detect(in: source.root, path: request.path, toolchains: configuration.toolchains)
        }
        return Project(
            toolchain: detected.toolchain, folder: source.root.appending(FilePath(detected.project).components),
            path: detected.project)
    }

    private func announceDetection() throws { try tell("Detecting project type", .detect) }

    // MARK: - Inputs and build

    private func makeLayout(for source: TakenIn, _ project: Project) throws -> BuildLayout {
        let layout = BuildLayout(
            source: source.root, project: project.path, target: workspace.path.appending("target"),
            dependencies: workspace.path.appending("dependencies"), inputs: workspace.path.appending("inputs"))
        for path in [layout.target, layout.dependencies, layout.inputs] where mkdir(path.string, 0o700) != 0 {
            throw StoreError.writeFailed(what: "the workspace", reason: String(cString: strerror(errno)))
        }
        return layout
    }

    private func announceWait(_ position: Int) {
        try? events.append([
            BuildEvent("Waiting for a free build slot", phase: .queued, position: position).encoded()
        ])
    }

    private func lockedInputs(of project: Project) async throws -> LockedInputs {
        try await threads.runIfActive { try project.toolchain.lockedInputs(of: project.folder) }
    }

    private func fetchRepositories(
        of inputs: LockedInputs, _ layout: BuildLayout, _ toolchain: any Toolchain
    ) async throws -> [GitMirror] {
        let requests = try await threads.runIfActive { try toolchain.repositories(of: inputs, layout: layout) }
        guard !requests.isEmpty else { return [] }
        do {
            return try await configuration.git.mirror(
                requests, into: layout.inputs.appending("repositories"), workspace: workspace
            ) { try tell("Fetching \(PrintableText.make(from: $0))", .fetch) }
        } catch let error as SourceError where !error.isKettlesFault {
            var failure = BuildFailure(error)
            failure.kind = .dependency
            throw failure
        }
    }

    /// - Returns: The command that ran, if one had to.
    private func fetch(
        _ inputs: LockedInputs, _ layout: BuildLayout, _ toolchain: any Toolchain, _ output: BuildOutput
    ) async throws -> [SandboxCommand] {
        guard var command = try await threads.runIfActive({ toolchain.fetchCommand(for: inputs, layout: layout) })
        else {
            return []
        }
        command.limits = configuration.fetchLimits
        try tell("Fetching locked dependencies", .fetch)
        output.begin(.fetch)
        try await threads.runIfActive { try workspace.handOver(layout.dependencies) }
        try await run(command, output, announcedAs: "fetching the locked dependencies", failure: .dependency)
        return [command]
    }

    private func verify(
        _ inputs: LockedInputs, of source: SourceOrigin, _ layout: BuildLayout, _ toolchain: any Toolchain
    ) async throws -> VerifiedInputs {
        let verified = try await threads.runIfActive {
            try toolchain.verifyInputs(inputs, of: source, layout: layout)
        }
        try tell("Checked \(verified.dependencies.count) locked dependencies", .inputs)
        return verified
    }

    /// - Returns: The command that ran.
    private func build(
        _ layout: BuildLayout, _ toolchain: any Toolchain, _ output: BuildOutput
    ) async throws -> SandboxCommand {
        let command = try await threads.runIfActive {
            var command = toolchain.buildCommand(layout: layout)
            command.limits = configuration.limits
            try workspace.handOver(layout.source)
            try workspace.handOver(layout.target)
            return command
        }
        try tell(toolchain.buildAnnouncement, .build)
        output.begin(.build)
        try await run(command, output, announcedAs: toolchain.commandName, failure: .buildFailed)
        return command
    }

    /// Runs one of the toolchain's commands; an exit code other than 0 is the source's failure.
    private func run(
        _ command: SandboxCommand, _ output: BuildOutput, announcedAs name: String, failure kind: BuildFailure.Kind
    ) async throws {
        let end = try await configuration.sandbox.run(command, in: workspace) { try output.take($0, $1) }
        try output.endCommand()
        for endpoint in end.refusedEndpoints {
            try tell(PrintableText.make(from: "Refused a connection to \(endpoint)"), .fetch)
        }
        guard !end.succeeded else { return }
        var failure = BuildFailure(
            BuildError.commandFailed(
                command: name, exitCode: Int(end.exitCode ?? 128 + (end.signal ?? 0)), lastLines: output.lastLines))
        failure.kind = kind
        throw failure
    }

    private func collect(_ output: BuildOutput, _ layout: BuildLayout, _ toolchain: any Toolchain) async throws
        -> [RecordedFile]
    {
        let announced = try output.announcedArtifacts
        guard !announced.isEmpty else {
            throw BuildError.noArtifacts(command: toolchain.commandName)
        }
        let collection = ArtifactCollection(limitInBytes: configuration.artifactLimitInBytes)
        return try await threads.runIfActive {
            let files = try collection.collect(announced, from: layout.target, to: folder)
            // Last of all: what was lost on the way, source and intermediate files included, has been read as zeros.
            try workspace.checkWritten()
            return files
        }
    }

    // MARK: - Provenance and evidence

    /// What is recorded of a build beside its artifacts.
    struct Records: Sendable {
        var lockfile: RecordedFile
        var log: RecordedFile
    }

    private func keep(_ inputs: LockedInputs, of project: Project) async throws -> Records {
        try await threads.runIfActive {
            Records(
                lockfile: try write(
                    inputs.lockfile, as: "lockfile", .buildConfig, named: project.toolchain.lockfileName),
                log: try recordLog())
        }
    }

    private var externalParameters: [String: String] {
        var parameters = ["source": request.sourceURI]
        parameters["ref"] = request.ref
        parameters["path"] = request.path
        parameters["nonce"] = request.nonce?.hex
        return parameters
    }

    private func internalParameters(_ commands: [SandboxCommand]) -> [String: JSONValue] {
        [
            "kettle": .object(["version": .string(configuration.version)]),
            "commands": .array(commands.map(Self.describe)),
        ]
    }

    /// A command with everything that could change what it makes; host paths are not part of that.
    private static func describe(_ command: SandboxCommand) -> JSONValue {
        .object([
            "arguments": .array(command.arguments.map(JSONValue.string)),
            "environment": .object(command.environment.mapValues(JSONValue.string)),
            "workingDirectory": .string(command.workingDirectory),
            "sandbox": .object(["network": describe(command.network), "limits": describe(command.limits)]),
        ])
    }

    private static func describe(_ limits: SandboxLimits) -> JSONValue {
        .object([
            "wallClockSeconds": .integer(limits.wallClock.components.seconds),
            "processorSeconds": .integer(limits.processorTime.components.seconds),
            "memoryBytes": .integer(Int64(limits.memoryBytes)), "processes": .integer(Int64(limits.processes)),
            "diskBytes": .integer(Int64(limits.diskBytes)), "files": .integer(Int64(limits.files)),
            "openFiles": .integer(Int64(limits.openFiles)), "outputBytes": .integer(Int64(limits.outputBytes)),
            "outputLines": .integer(Int64(limits.outputLines)),
        ])
    }

    private static func describe(_ network: SandboxNetwork) -> JSONValue {
        switch network {
        case .none: .string("none")
        case .egress(let policy): .object(["egress": .array(policy.endpoints.map { .string($0.name) })])
        }
    }

    /// - Returns: nil where there is nobody to attest.
    private func attest(_ statement: [UInt8]) async throws -> [UInt8]? {
        guard let attester = configuration.attester else { return nil }
        try tell("Creating attestation", .attest)
        return try await attester.evidence(
            for: ReportData(statement: ContentDigest(of: statement), nonce: request.nonce ?? .zero))
    }

    private func seal(
        _ toolchain: any Toolchain, _ artifacts: [RecordedFile], _ records: Records, _ bill: [UInt8],
        _ statement: [UInt8], _ evidence: [UInt8]?
    ) async throws -> SealedBuild {
        let collateral = try await collateral(of: evidence)
        let files = try await threads.runIfActive {
            [
                try write(
                    bill, as: SoftwareBillOfMaterials.fileName, .record, named: SoftwareBillOfMaterials.fileName),
                try write(statement, as: "provenance.json", .record, named: "provenance.json"),
            ] + (try evidence.map { [try write($0, as: "evidence.json", .record, named: "evidence.json")] } ?? [])
                + (try collateral.sorted { $0.key < $1.key }.map { name, bytes in
                    try write(bytes, as: "collateral-\(name)", .record, named: "\(BundleFile.collateralPrefix)\(name)")
                })
        }
        return SealedBuild(
            buildSystem: toolchain.name, artifacts: artifacts, lockfile: records.lockfile, statement: statement,
            attestation: evidence.flatMap { evidence in
                configuration.attester.map { ($0.platform, evidence) }
            },
            durationInMilliseconds: BuildTime.now.milliseconds - startedAt.milliseconds,
            files: artifacts + [records.lockfile, records.log] + files)
    }

    /// What the chip makers say of the machine, so that the bundle can be judged without them later.
    private func collateral(of evidence: [UInt8]?) async throws -> [String: [UInt8]] {
        guard let evidence, let collateral = configuration.collateral else { return [:] }
        return await collateral(evidence).filter { Collateral.fileNames.contains($0.key) }
    }

    // MARK: - Files and events

    func recordLog() throws -> RecordedFile {
        try NewFile.record(folder.appending("build.log"), called: "build.log")
    }

    private func write(
        _ bytes: [UInt8], as location: String, _ category: RecordedFile.Category, named name: String
    ) throws -> RecordedFile {
        let file = try NewFile(at: folder.appending(location), called: name)
        try bytes.withUnsafeBytes { try file.write($0) }
        return RecordedFile(
            category: category, name: name, location: location, digest: ContentDigest(of: bytes),
            size: Int64(bytes.count))
    }

    private func tell(_ message: String, _ phase: BuildEvent.Phase) throws {
        try events.append([BuildEvent(message, phase: phase).encoded()])
    }
}
