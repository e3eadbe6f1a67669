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
    let running: RunningBuild
    let request: BuildRequest
    let configuration: BuildConfiguration
    let workspace: Workspace
    /// The folder that outlives the build.
    let folder: FilePath
    /// For the toolchain's commands.
    let slots: BuildSlots
    /// For taking sources in: who waits for a forge that does not answer holds up no compiler.
    let sourceSlots: BuildSlots
    /// How many of these there are.
    let sourceSlotCount: Int
    let store: BuildStore
    let usage: UsageStore
    /// For work that blocks: the disk, hashing, unpacking.
    let threads: NIOThreadPool
    let startedAt: BuildTime
    let metrics: BuildMetrics
    let trace: BuildTrace

    var id: BuildID { running.id }
    var events: EventLog { running.events }

    func run() async throws -> SealedBuild {
        try await refuseWithoutProject()
        // Held until there is a slot for the toolchain: what waits for one takes room on the disk, so not all who wait may.
        let sourceSlot = try await sourceSlots.hold(of: request.owner) { announcePlace($0 + sourceSlotCount) }
        do {
            let made = try await make(sourceSlot)
            await sourceSlot.giveBack()
            return try await prove(made)
        } catch {
            await sourceSlot.giveBack()
            throw error
        }
    }

    /// What a toolchain made of a source, and what of.
    private struct Made: Sendable {
        var project: DetectedProject
        var lockfile: Lockfile
        var identity: ResourceDescriptor
        var tools: [ResourceDescriptor]
        var commands: [SandboxCommand]
        var verified: VerifiedInputs
        var artifacts: [RecordedFile]
    }

    private func make(_ sourceSlot: BuildSlots.Hold) async throws -> Made {
        try await countAttempt()
        running.note(place: nil)
        metrics.tookPlace(id)
        guard configuration.hasRoom(store.folder.root) else { throw BuildError.diskLow }
        let source = try await trace.step(.source) { try await takeIn() }
        let project = try await trace.step(.detect) { try await detect(in: source) }
        metrics.detected(id, toolchain: project.toolchain.name)
        let layout = try makeLayout(for: source, project)
        let plan = try await threads.runIfActive { try project.toolchain.plan(layout, project.settings) }
        let identity = try await identify(source)
        let origin = try origin(of: source)
        let output = try BuildOutput(
            events: events, logFile: folder.appending("build.log"), reader: plan.makeOutputReader())
        // Before any of the project's code runs.
        let tools = try await threads.runIfActive { try project.toolchain.tools() }
        let (commands, verified, artifacts) = try await inSlot {
            await sourceSlot.giveBack()
            running.note(place: nil)
            metrics.tookSlot(id)
            defer { metrics.leftSlot(id) }
            // Asked in the slot: a build that ran while this one waited may have fetched the same.
            let repositories = try await fetchRepositories(of: plan, layout)
            let fetching = try await trace.step(.fetch) { try await fetch(plan, repositories, layout, output) }
            var verified = try await trace.step(.inputs) { try await verify(plan, repositories, of: origin) }
            try await handOver(project, layout)
            let (evaluating, named) = try await evaluate(plan, layout, output)
            verified.add(named)
            let building = try await trace.step(.build) { try await build(plan, output) }
            return (
                (fetching + evaluating + building).map(\.command), verified,
                try await collect(plan, project, layout, output, from: building)
            )
        }
        return Made(
            project: project, lockfile: plan.lockfile, identity: identity, tools: tools, commands: commands,
            verified: verified,
            artifacts: artifacts)
    }

    /// From here on a process that dies may have died of this build.
    private func countAttempt() async throws {
        if running.count() { try await store.countAttempt(of: id) }
    }

    private func prove(_ made: Made) async throws -> SealedBuild {
        let (project, verified, artifacts) = (made.project, made.verified, made.artifacts)
        let finishedAt = BuildTime.now
        let records = try await trace.step(.provenance) { try await keep(made.lockfile) }
        try tell("Generating provenance", .provenance)
        var statement = Statement(
            subject: artifacts.map { Statement.Subject(name: $0.name, digest: $0.digest) },
            buildType: Statement.buildType(toolchain: project.toolchain.name),
            externalParameters: externalParameters,
            internalParameters: internalParameters(made.commands, project.settings),
            resolvedDependencies: [
                made.identity, ResourceDescriptor(name: records.lockfile.name, sha256: records.lockfile.digest),
            ]
                + verified.dependencies + made.tools,
            builderID: configuration.attester?.platform.builderID ?? Statement.unattestedBuilderID,
            invocationID: id.hex,
            startedOn: startedAt.timestamp, finishedOn: finishedAt.timestamp, buildLog: records.log.digest)
        let bill = SoftwareBillOfMaterials(
            of: statement, kettleVersion: configuration.version, graph: verified.graph
        ).encoded()
        statement.byproducts.append(SoftwareBillOfMaterials.byproduct(bill))
        let bytes = statement.encoded()
        let evidence = try await trace.step(.attest) { try await attest(bytes) }
        return try await trace.step(.seal) {
            try await seal(project.toolchain, artifacts, records, bill, bytes, evidence)
        }
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

    /// An archive without a project is refused before anything of it is written: files that come and go by the thousand wear a
    /// file system down. Nor does it wait for anything.
    private func refuseWithoutProject() async throws {
        guard case .archive(let archive, let name, _, let size) = request.source else { return }
        try tell("Unpacking \(PrintableText.make(from: name)) (\(size) bytes)", .source)
        try await threads.runIfActive {
            guard let listed = try ArchiveSource.list(archive, within: configuration.sourceLimits) else { return }
            do {
                let source = ListedSource(listed)
                // What the project's settings say is not known before they are read, but something must be a project.
                if source.hasFile(named: ProjectSettings.fileName),
                    configuration.toolchains.contains(where: {
                        $0.kind.projectFileNames.contains(where: source.hasFile(named:))
                    })
                {
                    return
                }
                _ = try Detection.detect(
                    in: source, path: request.path, toolchain: request.toolchain, among: configuration.toolchains)
            } catch {
                try announceDetection()
                throw error
            }
        }
    }

    private func takeIn() async throws -> TakenIn {
        let root = workspace.path.appending("source")
        switch request.source {
        case .archive(let archive, _, _, _):
            let repository = try await threads.runIfActive {
                try workspace.make()
                return try ArchiveSource.unpack(
                    archive, into: root, repository: workspace.path.appending("repository"),
                    within: configuration.sourceLimits)
            }
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

    private func detect(in source: TakenIn) async throws -> DetectedProject {
        try announceDetection()
        return try await threads.runIfActive {
            try Detection.detect(
                in: source.root, path: request.path, toolchain: request.toolchain, among: configuration.toolchains)
        }
    }

    private func announceDetection() throws { try tell("Detecting project type", .detect) }

    // MARK: - Inputs and build

    private func makeLayout(for source: TakenIn, _ project: DetectedProject) throws -> BuildLayout {
        let layout = BuildLayout(
            source: source.root, project: project.project, target: workspace.path.appending("target"),
            dependencies: workspace.path.appending("dependencies"), inputs: workspace.path.appending("inputs"))
        for path in [layout.target, layout.dependencies, layout.inputs] where mkdir(path.string, 0o700) != 0 {
            throw StoreError.writeFailed(what: "the workspace", reason: String(cString: strerror(errno)))
        }
        return layout
    }

    func announcePlace(_ position: Int) {
        running.note(place: position)
        metrics.queued(id)
        try? events.append([
            BuildEvent("Waiting for a free build slot", phase: .queued, position: position, time: .now).encoded()
        ])
    }

    private func fetchRepositories(of plan: any BuildPlan, _ layout: BuildLayout) async throws -> [GitMirror] {
        let requests = try await threads.runIfActive { try plan.repositories() }
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

    /// - Returns: What ran, if anything had to.
    private func fetch(
        _ plan: any BuildPlan, _ repositories: [GitMirror], _ layout: BuildLayout, _ output: BuildOutput
    ) async throws -> [BuildStep] {
        let steps = try await threads.runIfActive { try plan.fetchSteps(with: repositories) }
        return try await fetch(steps, layout, output)
    }

    /// - Returns: What ran.
    func fetch(
        _ steps: [BuildStep], _ layout: BuildLayout, _ output: BuildOutput
    ) async throws -> [BuildStep] {
        guard !steps.isEmpty else { return [] }
        try tell("Fetching locked dependencies", .fetch)
        output.begin(.fetch)
        try await threads.runIfActive { try workspace.handOver(layout.dependencies) }
        var steps = steps
        for index in steps.indices {
            steps[index].command.limits = configuration.fetchLimits
            try await run(
                steps[index].command, output, announcedAs: "fetching the locked dependencies", failure: .dependency)
        }
        return steps
    }

    private func verify(
        _ plan: any BuildPlan, _ repositories: [GitMirror], of source: SourceOrigin
    ) async throws -> VerifiedInputs {
        let verified = try await threads.runIfActive { try plan.verifyInputs(of: source, with: repositories) }
        try tell("Checked \(verified.dependencies.count) locked dependencies", .inputs)
        return verified
    }

    /// - Returns: What ran.
    private func build(_ plan: any BuildPlan, _ output: BuildOutput) async throws -> [BuildStep] {
        let steps = try await threads.runIfActive { try plan.buildSteps() }
        return try await run(steps, output, .build)
    }

    /// Gives the source and the target folder to the project's code. Before it ran for the first time: nobody walks through what
    /// it made.
    private func handOver(_ project: DetectedProject, _ layout: BuildLayout) async throws {
        try await threads.runIfActive {
            try project.checkSource(of: layout)
            try workspace.handOver(layout.source)
            try workspace.handOver(layout.target)
        }
    }

    /// Runs commands that may run the project's code.
    ///
    /// - Returns: What ran.
    func run(_ steps: [BuildStep], _ output: BuildOutput, _ phase: BuildEvent.Phase) async throws -> [BuildStep] {
        output.begin(phase)
        var steps = steps
        for index in steps.indices {
            steps[index].command.limits = configuration.limits
            try tell(PrintableText.make(from: steps[index].announcement), phase)
            try await run(steps[index].command, output, announcedAs: steps[index].name, failure: .buildFailed)
        }
        return steps
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

    private func collect(
        _ plan: any BuildPlan, _ project: DetectedProject, _ layout: BuildLayout, _ output: BuildOutput,
        from steps: [BuildStep]
    ) async throws -> [RecordedFile] {
        let announced = try output.announcedArtifacts
        let collection = ArtifactCollection(limitInBytes: configuration.artifactLimitInBytes)
        return try await threads.runIfActive {
            let made = try project.artifacts(of: plan, announced: announced, in: layout)
            guard !made.isEmpty else { throw BuildError.noArtifacts(command: steps.last?.name ?? "the build") }
            let files = try collection.collect(made, from: layout, to: folder)
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

    private func keep(_ lockfile: Lockfile) async throws -> Records {
        try await threads.runIfActive {
            Records(
                lockfile: try write(lockfile.bytes, as: "lockfile", .buildConfig, named: lockfile.name),
                log: try recordLog())
        }
    }

    private var externalParameters: [String: String] {
        var parameters = ["source": request.sourceURI]
        parameters["ref"] = request.ref
        parameters["path"] = request.path
        parameters["toolchain"] = request.toolchain
        parameters["nonce"] = request.nonce?.hex
        return parameters
    }

    private func internalParameters(
        _ commands: [SandboxCommand], _ settings: ProjectSettings
    ) -> [String: JSONValue] {
        var parameters: [String: JSONValue] = [
            "kettle": .object(["version": .string(configuration.version)]),
            "commands": .array(commands.map(Self.describe)),
        ]
        if !settings.json.isEmpty { parameters["projectSettings"] = .object(settings.json) }
        return parameters
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

    func tell(_ message: String, _ phase: BuildEvent.Phase) throws {
        // Work on a thread is not cancelled; between two pieces of it the build ends.
        try Task.checkCancellation()
        try events.append([BuildEvent(message, phase: phase, time: .now).encoded()])
    }
}
