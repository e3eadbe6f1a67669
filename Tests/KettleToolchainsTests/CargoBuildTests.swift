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
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(30)))
struct CargoBuildTests {
    private let builds: ToolchainBuilds
    private var scratch: ScratchFolder { builds.scratch }

    init() throws { builds = try ToolchainBuilds() }

    // MARK: - Without crates

    @Test func `a program is built and named`() async throws {
        let built = try await builds.build(try await builds.cargo(), try scratch.write(Projects.hello, to: "hello"))
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
        let built = try await builds.build(try await builds.cargo(), try scratch.write(files, to: "broken"))
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
        let built = try await builds.build(try await builds.cargo(), source)
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
        let built = try await builds.build(try await builds.cargo(), try scratch.write(files, to: "forger"))
        #expect(built.status == 0, "\(built.shown)")
        // A file that is not there is the collector's matter; what counts is that no other place can be named.
        #expect(Set(built.artifacts.map(\.path)).isSubset(of: ["release/hello", "release/forged"]))
        #expect(built.artifacts.contains { $0.path == "release/hello" })
        #expect(built.shown.contains("printed by a macro"))
    }

    @Test func `a lockfile that does not fit the manifest fails the build`() async throws {
        var files = Projects.hello
        files["Cargo.toml"] = Projects.manifest("hello") + "[dependencies]\nhelper = { path = \"helper\" }\n"
        files["helper/Cargo.toml"] = Projects.manifest("helper")
        files["helper/src/lib.rs"] = ""
        let built = try await builds.build(try await builds.cargo(), try scratch.write(files, to: "stale"))
        #expect(built.status == 101)
        #expect(built.shown.contains { $0.contains("--locked") })
    }

    // MARK: - With crates

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `crates come from a registry and are checked`() async throws {
        let scratch = scratch
        let built = try await CrateRegistry.run { registry in
            try await builds.build(
                try await builds.cargo(CargoConfiguration(registryMirror: registry.url)), Corpus.project("mirrored"))
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
        let built = try await CrateRegistry.run { registry in
            registry.alter(crate)
            return try await builds.build(
                try await builds.cargo(CargoConfiguration(registryMirror: registry.url, cache: cache)),
                Corpus.project("mirrored"))
        }
        #expect(built.fetchStatus == 101)
        #expect(built.shown.contains { $0.contains("checksum") })
        #expect(crates(in: cache) == [])
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
        let built = try await builds.build(try await builds.cargo(), Corpus.orjson)
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
        let built = try await builds.build(
            try await builds.cargo(CargoConfiguration(registryMirror: "sparse+http://127.0.0.1:9/")),
            try scratch.write(files, to: "git"))
        #expect(built.fetchStatus == 101, "\(built.shown)")
        #expect(listener.connections == 0, "\(built.shown)")
    }

    // MARK: - The toolchain

    @Test func `the tools are the real programs and the whole tree`() async throws {
        let cache = try scratch.write(["x": ""], to: "cache")
        let cargo = try await builds.cargo(CargoConfiguration(cache: cache))
        var tools: [ResourceDescriptor] = []
        let reading = try threadTime { tools = try cargo.tools() }
        // Of a slow machine a second is little, and half of what reading all of it took is much.
        let quick = max(Duration.seconds(1), reading / 2)
        #expect(Array(tools.compactMap(\.name).prefix(5)) == ["rustc", "cargo", "rust-toolchain", "cc", "ld"])
        #expect(tools.allSatisfy { $0.sha256 != nil && $0.uri == nil })
        #expect(tools[0].annotations?["version"]?.stringValue?.hasPrefix("rustc 1.") == true)
        #expect(tools[1].annotations?["version"]?.stringValue?.hasPrefix("cargo 1.") == true)
        // rustup's proxy is one file under many names; the real programs differ.
        #expect(tools[0].digest != tools[1].digest)
        #expect(try cargo.tools() == tools)
        #expect(try threadTime { _ = try cargo.tools() } < quick)
        let again = try await builds.cargo(CargoConfiguration(cache: cache))
        #expect(try threadTime { _ = try again.tools() } < quick)
        #expect(try again.tools() == tools)
    }

    /// How long this thread computes, whatever else the machine does meanwhile.
    private func threadTime(_ body: () throws -> Void) rethrows -> Duration {
        func now() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        let start = now()
        try body()
        return now() - start
    }
}
