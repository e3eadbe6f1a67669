import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTesting
import KettleToolchains
import NIOPosix
import Synchronization
import SystemPackage
import Testing

/// Builds projects with real toolchains in the real sandbox, in a folder that goes away.
struct ToolchainBuilds {
    let scratch: ScratchFolder
    private let sandbox: Sandbox

    init() throws {
        scratch = try ScratchFolder()
        sandbox = try Sandbox(confiner: KettleExecutable.confiner)
    }

    struct Built {
        var fetchStatus: Int32?
        var status: Int32
        var scriptStatus: Int32?
        var dependencies: [ResourceDescriptor]
        var artifacts: [ArtifactPath]
        var shown: [String]
        var target: FilePath
        /// The digest of the first artifact.
        var program: ContentDigest?
    }

    /// Does what the pipeline does, without the pipeline.
    ///
    /// - Parameter script: Runs after the evaluation, with all that it can reach: what the project's code could do there.
    func build(
        _ toolchain: some Toolchain, _ source: FilePath, project: String = "",
        settings: ProjectSettings = ProjectSettings(),
        betweenFetchAndCheck interfere: (BuildLayout) throws -> Void = { _ in },
        evaluatingToo script: String? = nil,
        beforeEvaluatedCheck: (BuildLayout) throws -> Void = { _ in }
    ) async throws -> Built {
        let workspace = try sandbox.makeWorkspace(at: scratch.path.appending("workspace-\(UUID().uuidString)"))
        let copy = workspace.path.appending("source")
        try FileManager.default.copyItem(atPath: source.string, toPath: copy.string)
        let layout = BuildLayout(
            source: copy, project: project, target: try workspace.makeFolder("target"),
            dependencies: workspace.path.appending("dependencies"), inputs: workspace.path.appending("inputs"))
        for folder in [layout.dependencies, layout.inputs] { #expect(mkdir(folder.string, 0o700) == 0) }
        let plan = try toolchain.plan(layout, settings)
        var built = Built(status: 0, dependencies: [], artifacts: [], shown: [], target: layout.target)
        let output = Output(plan.makeOutputReader())
        let repositories = try plan.repositories()
        var mirrors: [GitMirror] = []
        if !repositories.isEmpty {
            let git = GitSource(
                sandbox: sandbox, policy: try URLPolicy(allowedPrefixes: ["http://127.0.0.1"]), threads: .singleton)
            mirrors = try await git.mirror(
                repositories, into: layout.inputs.appending("repositories"), workspace: workspace
            ) { _ in }
        }
        for fetch in try plan.fetchSteps(with: mirrors).map(\.command) {
            try workspace.handOver(layout.dependencies)
            built.fetchStatus = try await sandbox.run(fetch, in: workspace) { output.take($0, $1) }.status
            guard built.fetchStatus == 0 else {
                built.shown = output.shown
                return built
            }
        }
        try interfere(layout)
        var inputs = try plan.verifyInputs(of: .archive(ContentDigest(of: [])), with: mirrors)
        try workspace.handOver(copy)
        try workspace.handOver(layout.target)
        built.dependencies = inputs.dependencies
        let evaluation = try plan.evaluationSteps()
        for step in evaluation where built.status == 0 {
            built.status = try await sandbox.run(step.command, in: workspace) { output.take($0, $1) }.status
        }
        if let script, var attack = evaluation.last?.command {
            attack.arguments = ["/bin/sh", "-euc", script]
            attack.environment["PATH"] = SandboxCommand.standardSearchPath
            built.scriptStatus = try await sandbox.run(attack, in: workspace) { output.take($0, $1) }.status
        }
        var rounds = 0
        while built.status == 0, !evaluation.isEmpty {
            let steps = try plan.evaluatedFetchSteps(round: rounds)
            guard !steps.isEmpty else { break }
            try workspace.handOver(layout.dependencies)
            for step in steps where built.status == 0 {
                built.status = try await sandbox.run(step.command, in: workspace) { output.take($0, $1) }.status
            }
            rounds += 1
        }
        guard built.status == 0 else {
            built.shown = output.shown
            return built
        }
        if !evaluation.isEmpty {
            try beforeEvaluatedCheck(layout)
            inputs.add(try plan.verifyEvaluatedInputs())
            built.dependencies = inputs.dependencies
        }
        for step in try plan.buildSteps() where built.status == 0 {
            built.status = try await sandbox.run(step.command, in: workspace) { output.take($0, $1) }.status
        }
        built.shown = output.shown
        built.artifacts = try plan.artifacts(announced: try output.artifacts())
        if let path = built.artifacts.first?.path, let file = try? openBeneath(root: built.target, relative: path) {
            built.program = try ContentDigest.ofFile(descriptor: file.descriptor)
        }
        return built
    }

    private final class Output: Sendable {
        private struct State {
            var splitters: [KettleSandbox.OutputStream: LineSplitter] = [:]
            var reader: any BuildOutputReader
            var shown: [String] = []
        }

        private let state: Mutex<State>

        init(_ reader: any BuildOutputReader) { state = Mutex(State(reader: reader)) }

        func take(_ stream: KettleSandbox.OutputStream, _ chunk: UnsafeRawBufferPointer) {
            state.withLock { state in
                var splitter = state.splitters[stream] ?? LineSplitter(maximumLineBytes: 1 << 20)
                splitter.split(chunk) { line in
                    if let text = state.reader.read(line: line, from: stream) { state.shown.append(text) }
                }
                state.splitters[stream] = splitter
            }
        }

        var shown: [String] { state.withLock { $0.shown } }
        func artifacts() throws -> [ArtifactPath] { try state.withLock { try $0.reader.artifacts() } }
    }

    func cargo(_ configuration: CargoConfiguration = CargoConfiguration()) async throws -> CargoToolchain {
        try await CargoToolchain.locate(configuration: configuration)
    }
}

extension Toolchain {
    /// The plan for a project without settings of its own.
    func plan(_ layout: BuildLayout) throws -> any BuildPlan { try plan(layout, ProjectSettings()) }
}

extension BuildPlan {
    /// The only command that fetches, nil for none.
    var fetchCommand: SandboxCommand? {
        get throws {
            let steps = try fetchSteps(with: [])
            #expect(steps.count <= 1)
            return steps.first?.command
        }
    }

    /// The only command that builds.
    var buildCommand: SandboxCommand {
        get throws {
            let steps = try buildSteps()
            #expect(steps.count == 1)
            return try #require(steps.first).command
        }
    }
}
