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

/// Builds projects with real cargo in the real sandbox, in a folder that goes away.
struct CargoBuilds {
    let scratch: ScratchFolder
    private let sandbox: Sandbox

    init() throws {
        scratch = try ScratchFolder()
        sandbox = try Sandbox(confiner: KettleExecutable.confiner)
    }

    struct Built {
        var fetchStatus: Int32?
        var status: Int32
        var dependencies: [ResourceDescriptor]
        var artifacts: [ArtifactPath]
        var shown: [String]
        var target: FilePath
        /// The digest of the first artifact.
        var program: ContentDigest?
    }

    /// Does what the pipeline does, without the pipeline.
    func build(
        _ cargo: CargoToolchain, _ source: FilePath, project: String = "",
        betweenFetchAndCheck interfere: (BuildLayout) throws -> Void = { _ in }
    ) async throws -> Built {
        let workspace = try sandbox.makeWorkspace(at: scratch.path.appending("workspace-\(UUID().uuidString)"))
        let copy = workspace.path.appending("source")
        try FileManager.default.copyItem(atPath: source.string, toPath: copy.string)
        let layout = BuildLayout(
            source: copy, project: project, target: try workspace.makeFolder("target"),
            dependencies: workspace.path.appending("dependencies"), inputs: workspace.path.appending("inputs"))
        for folder in [layout.dependencies, layout.inputs] { #expect(mkdir(folder.string, 0o700) == 0) }
        var inputs = try cargo.lockedInputs(of: project.isEmpty ? copy : copy.appending(FilePath(project).components))
        var built = Built(status: 0, dependencies: [], artifacts: [], shown: [], target: layout.target)
        let output = Output(cargo.makeOutputReader())
        let repositories = try cargo.repositories(of: inputs, layout: layout)
        if !repositories.isEmpty {
            let git = GitSource(
                sandbox: sandbox, policy: try URLPolicy(allowedPrefixes: ["http://127.0.0.1"]), threads: .singleton)
            inputs.repositories = try await git.mirror(
                repositories, into: layout.inputs.appending("repositories"), workspace: workspace
            ) { _ in }
        }
        if let fetch = cargo.fetchCommand(for: inputs, layout: layout) {
            try workspace.handOver(layout.dependencies)
            built.fetchStatus = try await sandbox.run(fetch, in: workspace) { output.take($0, $1) }.status
            guard built.fetchStatus == 0 else {
                built.shown = output.shown
                return built
            }
        }
        try interfere(layout)
        built.dependencies = try cargo.verifyInputs(inputs, of: .archive(ContentDigest(of: [])), layout: layout)
            .dependencies
        try workspace.handOver(copy)
        built.status = try await sandbox.run(cargo.buildCommand(layout: layout), in: workspace) { output.take($0, $1) }
            .status
        built.shown = output.shown
        built.artifacts = try output.artifacts()
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
