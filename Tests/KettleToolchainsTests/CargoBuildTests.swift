import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleTesting
import KettleToolchains
import Synchronization
import SystemPackage
import Testing

/// Real cargo in the real sandbox.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(5)))
struct CargoBuildTests {
    let scratch: ScratchFolder
    let sandbox: Sandbox

    init() throws {
        scratch = try ScratchFolder()
        sandbox = try Sandbox(launcher: KettleExecutable.path)
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
    private func build(
        _ cargo: CargoToolchain, _ source: FilePath, project: String = "", keeping: Workspace? = nil
    ) async throws -> Built {
        let workspace = try sandbox.makeWorkspace(at: scratch.path.appending("workspace-\(UUID().uuidString)"))
        let copy = workspace.path.appending("source")
        try FileManager.default.copyItem(atPath: source.string, toPath: copy.string)
        let layout = BuildLayout(
            source: copy, project: project, target: try workspace.makeFolder("target"),
            dependencies: workspace.path.appending("dependencies"), inputs: workspace.path.appending("inputs"))
        for folder in [layout.dependencies, layout.inputs] { #expect(mkdir(folder.string, 0o700) == 0) }
        let inputs = try cargo.lockedInputs(of: project.isEmpty ? copy : copy.appending(FilePath(project).components))
        var built = Built(status: 0, dependencies: [], artifacts: [], shown: [], target: layout.target)
        let output = Output(cargo.makeOutputReader())
        if let fetch = cargo.fetchCommand(for: inputs, layout: layout) {
            try workspace.handOver(layout.dependencies)
            built.fetchStatus = try await sandbox.run(fetch, in: workspace) { output.take($0, $1) }.status
            guard built.fetchStatus == 0 else {
                built.shown = output.shown
                return built
            }
        }
        built.dependencies = try cargo.verifyInputs(inputs, layout: layout)
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

    private func cargo(_ configuration: CargoConfiguration = CargoConfiguration()) async throws -> CargoToolchain {
        try await CargoToolchain.locate(configuration: configuration)
    }

    // MARK: - Without crates

    @Test func `a program is built and named`() async throws {
        let built = try await build(try await cargo(), try scratch.write(Projects.hello, to: "hello"))
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.fetchStatus == nil)
        #expect(built.artifacts == [ArtifactPath(name: "hello", path: "release/hello")])
        let file = try openBeneath(root: built.target, relative: "release/hello")
        #expect(file.size > 1000)
        #expect(built.shown.contains { $0.contains("Compiling hello") })
    }

    @Test func `a compile error is shown and fails the build`() async throws {
        var files = Projects.hello
        files["src/main.rs"] = "fn main() { missing(); }\n"
        let built = try await build(try await cargo(), try scratch.write(files, to: "broken"))
        #expect(built.status == 101)
        #expect(built.shown.contains { $0.contains("cannot find function `missing`") })
        #expect(built.artifacts.isEmpty)
    }

    @Test func `what a project puts in the compiler's place does not run`() async throws {
        var files = Projects.hello
        files["evil"] = "#!/bin/sh\necho EVIL >&2\nexit 1\n"
        files[".cargo/config.toml"] =
            "[build]\nrustc = \"evil\"\nrustc-wrapper = \"evil\"\nrustc-workspace-wrapper = \"evil\"\nrustdoc = \"evil\"\n"
            + "target-dir = \"elsewhere\"\n"
        files["rust-toolchain.toml"] = "[toolchain]\npath = \"/build/source\"\n"
        let source = try scratch.write(files, to: "wrapped")
        #expect(chmod(source.appending("evil").string, 0o755) == 0)
        let built = try await build(try await cargo(), source)
        #expect(built.status == 0, "\(built.shown)")
        #expect(!built.shown.contains { $0.contains("EVIL") })
        #expect(built.artifacts.map(\.path) == ["release/hello"])
    }

    @Test func `a build script can name no file outside the target folder`() async throws {
        var files = Projects.hello
        files["macro/Cargo.toml"] = Projects.manifest("forge") + "[lib]\nproc-macro = true\n"
        files["macro/src/lib.rs"] = """
            use proc_macro::TokenStream;
            #[proc_macro] pub fn forge(_: TokenStream) -> TokenStream {
                for path in ["/etc/passwd", "/build/source/Cargo.toml", "/build/target/release/../../source/Cargo.toml",
                             "/build/target/release/deps/hello", "/build/target/release/forged"] {
                    println!("{{\\"reason\\":\\"compiler-artifact\\",\\"package_id\\":\\"path+file:///build/source#hello@0.1.0\\",\\
                        \\"target\\":{{\\"kind\\":[\\"bin\\"]}},\\"profile\\":{{\\"test\\":false}},\\"filenames\\":[\\"{path}\\"]}}");
                }
                println!("printed by a macro");
                TokenStream::new()
            }
            """
        files["Cargo.toml"] = Projects.manifest("hello") + "[dependencies]\nforge = { path = \"macro\" }\n"
        files["Cargo.lock"] =
            "version = 4\n\n[[package]]\nname = \"forge\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"hello\"\n"
            + "version = \"0.1.0\"\ndependencies = [\n \"forge\",\n]\n"
        files["src/main.rs"] = "forge::forge!();\nfn main() {}\n"
        let built = try await build(try await cargo(), try scratch.write(files, to: "forger"))
        #expect(built.status == 0, "\(built.shown)")
        // A file that is not there is the collector's matter; what counts is that no other place can be named.
        #expect(Set(built.artifacts.map(\.path)).isSubset(of: ["release/hello", "release/forged"]))
        #expect(built.artifacts.contains { $0.path == "release/hello" })
        #expect(built.shown.contains("printed by a macro"))
    }

    @Test func `a lockfile that does not fit the manifest fails the build`() async throws {
        var files = Projects.hello
        files["Cargo.lock"] = Projects.lockfile("other")
        let built = try await build(try await cargo(), try scratch.write(files, to: "stale"))
        #expect(built.status == 101)
        #expect(built.shown.contains { $0.contains("--locked") })
    }

    // MARK: - With crates

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `crates come from a registry and are checked`() async throws {
        let scratch = scratch
        let built = try await CrateRegistry.run { registry in
            try await build(
                try await cargo(CargoConfiguration(registryMirror: registry.url)), Corpus.project("mirrored"))
        }
        #expect(built.fetchStatus == 0, "\(built.shown)")
        #expect(built.status == 0, "\(built.shown)")
        #expect(!built.artifacts.isEmpty)
        let uris = built.dependencies.compactMap(\.uri)
        #expect(uris == uris.sorted())
        #expect(uris.contains { $0.hasPrefix("pkg:cargo/libc@") })
        #expect(built.dependencies.allSatisfy { $0.sha256 != nil && $0.annotations == nil })
        // Every package of the lockfile was fetched, so none is left out.
        let lock = try String(
            contentsOfFile: Corpus.project("mirrored").appending("Cargo.lock").string, encoding: .utf8)
        #expect(uris.count == lock.components(separatedBy: "\nchecksum = ").count - 1)
        withExtendedLifetime(scratch) {}
    }

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `a crate with one byte more fails the fetch and is not kept`() async throws {
        let cache = try scratch.write(["x": ""], to: "cache")
        let crate = try #require(try firstCrate())
        let built = try await CrateRegistry.run(altered: crate) { registry in
            try await build(
                try await cargo(CargoConfiguration(registryMirror: registry.url, cache: cache)),
                Corpus.project("mirrored"))
        }
        #expect(built.fetchStatus == 101)
        #expect(built.shown.contains { $0.contains("checksum") })
        #expect(crates(in: cache) == [])
    }

    /// Twice with a registry that counts, and once more without any.
    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `what was fetched once is built from again without a registry`() async throws {
        let cache = try scratch.write(["x": ""], to: "cache")
        let first = try await CrateRegistry.run { registry in
            let cargo = try await cargo(CargoConfiguration(registryMirror: registry.url, cache: cache))
            let first = try await build(cargo, Corpus.project("mirrored"))
            let downloads = registry.downloads.count
            let second = try await build(cargo, Corpus.project("mirrored"))
            #expect(first.fetchStatus == 0 && first.status == 0, "\(first.shown)")
            #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
            #expect(downloads == first.dependencies.count)
            #expect(registry.downloads.count == downloads)
            #expect(second.dependencies == first.dependencies)
            #expect(first.program != nil && second.program == first.program)
            return first
        }
        let third = try await build(try await cargo(CargoConfiguration(cache: cache)), Corpus.project("mirrored"))
        #expect(third.fetchStatus == nil && third.status == 0, "\(third.shown)")
        #expect(third.dependencies == first.dependencies)
        #expect(third.program == first.program)
    }

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `a build can change neither its crates nor those that are kept`() async throws {
        let cache = try scratch.write(["x": ""], to: "cache")
        let project = scratch.path.appending("attacker")
        try FileManager.default.copyItem(atPath: Corpus.project("mirrored").string, toPath: project.string)
        try Data(Self.attack(on: cache).utf8).write(to: URL(filePath: project.appending("build.rs").string))
        let (first, second) = try await CrateRegistry.run { registry in
            let cargo = try await cargo(CargoConfiguration(registryMirror: registry.url, cache: cache))
            return (try await build(cargo, project), try await build(cargo, Corpus.project("mirrored")))
        }
        #expect(first.status == 0, "\(first.shown)")
        let told = first.shown.filter { $0.contains("attack") }
        #expect(told.contains { $0.contains("attack on /build/vendor/libc-0.2.190/src/lib.rs failed") }, "\(first.shown)")
        #expect(told.contains { $0.contains("attack on /build/vendor/evil failed") })
        #expect(told.contains { $0.contains("attack on \(cache)/crates/evil failed") })
        #expect(!told.contains { $0.contains("succeeded") })
        // Nothing was lost either: the next build finds all of it.
        #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
    }

    /// A build script that writes, removes and loosens whatever it can reach of crates.
    private static func attack(on cache: FilePath) -> String {
        """
        use std::{fs, os::unix::fs::PermissionsExt, path::Path};
        fn main() {
            for path in ["/build/vendor/libc-0.2.190/src/lib.rs", "/build/vendor/evil", "\(cache)/crates/evil"] {
                let folder = Path::new(path).parent().unwrap();
                let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o777));
                let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o777));
                let word = if fs::write(path, "evil").is_ok() || fs::remove_file(path).is_ok() { "succeeded" } else { "failed" };
                println!("cargo::warning=attack on {path} {word}");
            }
        }
        """
    }

    private func crates(in cache: FilePath) -> [String] {
        (FileManager.default.subpaths(atPath: cache.appending("crates").string) ?? []).filter { $0.contains("/") }
    }

    private func firstCrate() throws -> String? {
        let crates = try FileManager.default.contentsOfDirectory(atPath: Corpus.registry.appending("crates").string)
        return crates.first { $0.hasPrefix("libc-") }
    }

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `a real project with vendored crates is built, twice to the same bytes`() async throws {
        let built = try await build(try await cargo(), Corpus.orjson)
        #expect(built.status == 0, "\(built.shown.suffix(20))")
        #expect(built.artifacts.map(\.name) == ["liborjson.so"])
        #expect(built.dependencies.count == 22)
        #expect(built.dependencies.allSatisfy { $0.annotations == ["vendored": "source"] })
    }

    @Test func `a git dependency that the lockfile does not name is not cloned`() async throws {
        let listener = try LoopbackListener()
        defer { listener.close() }
        var files = Projects.hello
        files["Cargo.toml"] =
            Projects.manifest("hello") + "[dependencies]\nevil = { git = \"http://127.0.0.1:\(listener.port)/evil\" }\n"
        files["Cargo.lock"] =
            Projects.lockfile("hello")
            + "\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n"
            + "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
            + "checksum = \"\(String(repeating: "0", count: 64))\"\n"
        let built = try await build(
            try await cargo(CargoConfiguration(registryMirror: "sparse+http://127.0.0.1:9/")),
            try scratch.write(files, to: "git"))
        #expect(built.fetchStatus == 101, "\(built.shown)")
        #expect(listener.connections == 0, "\(built.shown)")
    }

    // MARK: - The toolchain

    @Test func `the tools are the real programs and the whole tree`() async throws {
        let cache = try scratch.write(["x": ""], to: "cache")
        let cargo = try await cargo(CargoConfiguration(cache: cache))
        let tools = try cargo.tools()
        #expect(Array(tools.compactMap(\.name).prefix(5)) == ["rustc", "cargo", "rust-toolchain", "cc", "ld"])
        #expect(tools.allSatisfy { $0.sha256 != nil && $0.uri == nil })
        #expect(tools[0].annotations?["version"]?.stringValue?.hasPrefix("rustc 1.") == true)
        #expect(tools[1].annotations?["version"]?.stringValue?.hasPrefix("cargo 1.") == true)
        // rustup's proxy is one file under many names; the real programs differ.
        #expect(tools[0].digest != tools[1].digest)
        let clock = ContinuousClock()
        #expect(try cargo.tools() == tools)
        #expect(try clock.measure { _ = try cargo.tools() } < .seconds(1))
        let again = try await self.cargo(CargoConfiguration(cache: cache))
        #expect(try clock.measure { _ = try again.tools() } < .seconds(1))
        #expect(try again.tools() == tools)
    }
}
