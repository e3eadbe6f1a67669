import Foundation
import KettleProvenance
import KettleTesting
import KettleToolchains
import SystemPackage
import Testing

/// Real cargo on crates that earlier builds fetched.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(30)))
struct KeptCratesTests {
    private let builds: ToolchainBuilds
    private let cache: FilePath
    private var scratch: ScratchFolder { builds.scratch }

    init() throws {
        builds = try ToolchainBuilds()
        cache = try builds.scratch.write(["x": ""], to: "cache")
    }

    /// Twice with a registry that counts, and once more without any.
    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `what was fetched once is built from again without a registry`() async throws {
        let first = try await CrateRegistry.run { registry in
            let cargo = try await builds.cargo(CargoConfiguration(registryMirror: registry.url, cache: cache))
            let first = try await builds.build(cargo, Corpus.project("mirrored"))
            let downloads = registry.downloads.count
            let second = try await builds.build(cargo, Corpus.project("mirrored"))
            #expect(first.fetchStatus == 0 && first.status == 0, "\(first.shown)")
            #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
            #expect(downloads == first.dependencies.count)
            #expect(registry.downloads.count == downloads)
            #expect(second.dependencies == first.dependencies)
            #expect(first.program != nil && second.program == first.program)
            return first
        }
        let third = try await builds.build(
            try await builds.cargo(CargoConfiguration(cache: cache)), Corpus.project("mirrored"))
        #expect(third.fetchStatus == nil && third.status == 0, "\(third.shown)")
        #expect(third.dependencies == first.dependencies)
        #expect(third.program == first.program)
    }

    @Test(.enabled("needs the corpus") { await Corpus.isAvailable })
    func `a build can change neither its crates nor those that are kept`() async throws {
        let project = scratch.path.appending("attacker")
        try FileManager.default.copyItem(atPath: Corpus.project("mirrored").string, toPath: project.string)
        try Data(attack.utf8).write(to: URL(filePath: project.appending("build.rs").string))
        let (first, second) = try await CrateRegistry.run { registry in
            let cargo = try await builds.cargo(CargoConfiguration(registryMirror: registry.url, cache: cache))
            return (try await builds.build(cargo, project), try await builds.build(cargo, Corpus.project("mirrored")))
        }
        #expect(first.status == 0, "\(first.shown)")
        let told = first.shown.filter { $0.contains("attack") }
        #expect(
            told.contains { $0.contains("attack on /build/vendor/libc-0.2.190/src/lib.rs failed") }, "\(first.shown)")
        #expect(told.contains { $0.contains("attack on /build/vendor/evil failed") })
        #expect(told.contains { $0.contains("attack on \(cache)/crates/evil failed") })
        #expect(!told.contains { $0.contains("succeeded") })
        // Nothing was lost either: the next build finds all of it.
        #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
    }

    /// A build script that writes, removes and loosens whatever it can reach of crates.
    private var attack: String {
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

    // MARK: - With crates that a test made

    @Test func `crates for other systems are laid out too, since cargo wants them`() async throws {
        let crates = try [keep("a"), keep("w")]
        var files = Projects.hello
        files["Cargo.toml"] =
            Projects.manifest("hello")
            + "[dependencies]\na = \"1\"\n[target.'cfg(windows)'.dependencies]\nw = \"1\"\n"
        files["Cargo.lock"] = Self.lockfile(crates)
        let built = try await builds.build(
            try await builds.cargo(CargoConfiguration(cache: cache)), try scratch.write(files, to: "portable"))
        #expect(built.fetchStatus == nil && built.status == 0, "\(built.shown)")
        #expect(built.dependencies.compactMap(\.uri) == ["pkg:cargo/a@1.0.0", "pkg:cargo/w@1.0.0"])
        #expect(built.shown.contains { $0.contains("Compiling a v1.0.0") })
        #expect(!built.shown.contains { $0.contains("Compiling w v1.0.0") })
    }

    @Test func `a crate that calls itself another does not take its place`() async throws {
        let crates = try [keep("a"), keep("w", callingItself: "a")]
        var files = Projects.hello
        files["Cargo.toml"] = Projects.manifest("hello") + "[dependencies]\na = \"1\"\nw = \"1\"\n"
        files["Cargo.lock"] = Self.lockfile(crates)
        let built = try await builds.build(
            try await builds.cargo(CargoConfiguration(cache: cache)), try scratch.write(files, to: "posing"))
        #expect(built.fetchStatus == nil && built.status == 101, "\(built.shown)")
        #expect(built.artifacts.isEmpty)
    }

    /// Puts a crate, version 1.0.0, where a service keeps those that it fetched.
    private func keep(
        _ name: String, callingItself other: String? = nil
    ) throws -> (name: String, digest: String) {
        let manifest = "[package]\nname = \"\(other ?? name)\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"
        let crate = PackedTar(.init("\(name)-1.0.0/Cargo.toml", manifest), .init("\(name)-1.0.0/src/lib.rs")).bytes
        let digest = ContentDigest(of: crate).hex
        let folder = cache.appending("crates").appending(String(digest.prefix(2)))
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        try Data(crate).write(to: URL(filePath: folder.appending(String(digest.dropFirst(2))).string))
        return (name, digest)
    }

    /// The lockfile of a `hello` that depends on crates of version 1.0.0.
    private static func lockfile(_ crates: [(name: String, digest: String)]) -> String {
        let names = crates.map { " \"\($0.name)\",\n" }.joined()
        let packages = crates.map { crate in
            "\n[[package]]\nname = \"\(crate.name)\"\nversion = \"1.0.0\"\n"
                + "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"\(crate.digest)\"\n"
        }
        return Projects.lockfile("hello") + "dependencies = [\n\(names)]\n" + packages.joined()
    }
}
