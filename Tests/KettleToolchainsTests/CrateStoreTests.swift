import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// What becomes of crates that were fetched, without running cargo.
@Suite struct CrateStoreTests {
    let scratch: ScratchFolder
    let installation: RustInstallation

    init() async throws {
        scratch = try ScratchFolder()
        installation = try await RustInstallation.locate()
    }

    private static let crate = PackedTar(
        .init("b-1.0.0/Cargo.toml", "[package]\nname = \"b\"\nversion = \"1.0.0\"\n"),
        .init("b-1.0.0/src/lib.rs", "// b\n"),
        .init("b-1.0.0/.cargo-checksum.json", #"{"files":{},"package":"another"}"#)
    ).bytes

    private var cache: FilePath { scratch.path.appending("cache") }

    private func cargo(cache: FilePath? = nil) -> CargoToolchain {
        CargoToolchain(
            configuration: CargoConfiguration(cache: cache ?? self.cache), installation: installation)
    }

    /// A build of its own whose lockfile wants `b` 1.0.0.
    private func layout(_ name: String = "build", wanting crate: [UInt8] = crate) throws -> BuildLayout {
        let source = try scratch.write(
            [
                "Cargo.toml": "[package]\nname = \"app\"\nversion = \"0.1.0\"\n",
                "Cargo.lock": """
                version = 4
                [[package]]
                name = "b"
                version = "1.0.0"
                source = "registry+https://github.com/rust-lang/crates.io-index"
                checksum = "\(ContentDigest(of: crate).hex)"
                """,
            ], to: "\(name)/source")
        let folder = scratch.path.appending(name)
        try FileManager.default.createDirectory(atPath: cache.string, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: folder.appending("inputs").string, withIntermediateDirectories: true)
        return BuildLayout(
            source: source, project: "", target: folder.appending("target"),
            dependencies: folder.appending("dependencies"), inputs: folder.appending("inputs"))
    }

    /// Does what a fetch does.
    @discardableResult
    private func fetch(
        for layout: BuildLayout, _ crate: [UInt8] = crate, as name: String = "b-1.0.0.crate"
    ) throws -> FilePath {
        let folder = layout.dependencies.appending(FilePath("registry/cache/index-1").components)
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        try Data(crate).write(to: URL(filePath: folder.appending(name).string))
        return folder.appending(name)
    }

    private func verify(_ layout: BuildLayout, _ cargo: CargoToolchain? = nil) throws -> [ResourceDescriptor] {
        let cargo = cargo ?? self.cargo()
        return try cargo.plan(layout).verifyInputs(of: .archive(ContentDigest(of: [])), with: []).dependencies
    }

    private func mustFetch(_ layout: BuildLayout, _ cargo: CargoToolchain? = nil) throws -> Bool {
        let cargo = cargo ?? self.cargo()
        return try cargo.plan(layout).fetchCommand != nil
    }

    private func kept(in cache: FilePath? = nil) -> [String] {
        let paths = FileManager.default.subpaths(atPath: (cache ?? self.cache).appending("crates").string) ?? []
        return paths.filter { $0.contains("/") }
    }

    private func place(of crate: [UInt8] = crate) -> FilePath {
        let digest = ContentDigest(of: crate).hex
        return cache.appending(FilePath("crates/\(digest.prefix(2))/\(digest.dropFirst(2))").components)
    }

    // MARK: - Keeping

    @Test func `a crate that is what the lockfile says is kept and laid out for cargo`() throws {
        let layout = try layout()
        #expect(try mustFetch(layout))
        try fetch(for: layout)
        let digest = ContentDigest(of: Self.crate).hex
        #expect(try verify(layout) == [ResourceDescriptor(uri: "pkg:cargo/b@1.0.0", digest: ["sha256": digest])])

        #expect(FileManager.default.contents(atPath: place().string) == Data(Self.crate))
        #expect(try attributes(place())[.posixPermissions] as? Int == 0o444)
        let vendored = layout.inputs.appending("vendor").appending("b-1.0.0")
        #expect(
            Set(try FileManager.default.subpathsOfDirectory(atPath: vendored.string))
                == ["Cargo.toml", "src", "src/lib.rs", ".cargo-checksum.json"])
        // Kettle's word, not the crate's.
        #expect(try text(vendored.appending(".cargo-checksum.json")) == #"{"files":{},"package":"\#(digest)"}"#)
        let mounts = try cargo().plan(layout).buildCommand.mounts
        #expect(mounts.contains(.readOnly(layout.inputs.appending("vendor"), at: "/build/vendor")))
    }

    @Test func `a later build of the same crates fetches nothing and depends on the same`() throws {
        let first = try layout("first")
        try fetch(for: first)
        let dependencies = try verify(first)
        let second = try layout("second")
        #expect(try !mustFetch(second))
        #expect(try verify(second) == dependencies)
    }

    @Test(arguments: [0, 100, -1])
    func `a damaged file counts as missing until a fetch replaces it`(position: Int) throws {
        let first = try layout("first")
        try fetch(for: first)
        let dependencies = try verify(first)
        var poisoned = Self.crate
        poisoned[position < 0 ? poisoned.count - 1 : position] ^= 1
        #expect(unlink(place().string) == 0)
        try Data(poisoned).write(to: URL(filePath: place().string))

        let second = try layout("second")
        #expect(try mustFetch(second))
        #expect(throws: ToolchainError.missingPackage("b 1.0.0")) { try verify(second) }
        let third = try layout("third")
        try fetch(for: third)
        #expect(try verify(third) == dependencies)
        #expect(FileManager.default.contents(atPath: place().string) == Data(Self.crate))
        #expect(try !mustFetch(try layout("fourth")))
    }

    @Test func `a link or pipe in the store counts as missing`() throws {
        let first = try layout("first")
        let fetched = try fetch(for: first)
        _ = try verify(first)
        #expect(unlink(place().string) == 0)
        #expect(symlink(fetched.string, place().string) == 0)
        #expect(try mustFetch(try layout("second")))
        #expect(unlink(place().string) == 0)
        #expect(mkfifo(place().string, 0o600) == 0)
        #expect(try mustFetch(try layout("third")))
    }

    @Test func `what one service keeps is missing for another`() throws {
        let first = try layout("first")
        try fetch(for: first)
        _ = try verify(first)
        let other = cargo(cache: scratch.path)
        #expect(try mustFetch(try layout("second"), other))
        // Without a folder for it nothing is kept at all.
        let forgetful = CargoToolchain(configuration: CargoConfiguration(), installation: installation)
        let third = try layout("third")
        try fetch(for: third)
        _ = try verify(third, forgetful)
        #expect(try mustFetch(try layout("fourth"), forgetful))
    }

    @Test func `builds that keep the same crate at once do not disturb one another`() async throws {
        let layouts = try (0..<8).map { try layout("build\($0)") }
        for layout in layouts { try fetch(for: layout) }
        try await withThrowingTaskGroup { group in
            for layout in layouts { group.addTask { try verify(layout) } }
            for try await dependencies in group { #expect(dependencies.count == 1) }
        }
        #expect(kept().count == 1)
    }

    // MARK: - Refusing

    @Test func `a crate with other bytes is refused and not kept`() throws {
        let layout = try layout()
        try fetch(for: layout, Self.crate + [0])
        #expect(
            throws: ToolchainError.checksumMismatch(
                package: "b 1.0.0", expected: ContentDigest(of: Self.crate).hex,
                actual: ContentDigest(of: Self.crate + [0]).hex)
        ) { try verify(layout) }
        #expect(kept() == [])
    }

    @Test func `a crate that the lockfile does not name is refused and not kept`() throws {
        let layout = try layout()
        try fetch(for: layout, as: "c-1.0.0.crate")
        #expect(throws: ToolchainError.unexpectedPackage(file: "c-1.0.0.crate")) { try verify(layout) }
        #expect(kept() == [])
    }

    @Test func `a crate that was not fetched is refused`() throws {
        #expect(throws: ToolchainError.missingPackage("b 1.0.0")) { try verify(try layout()) }
    }

    @Test func `a fetched link is refused`() throws {
        let layout = try layout()
        let fetched = try fetch(for: layout)
        let elsewhere = scratch.path.appending("elsewhere")
        #expect(rename(fetched.string, elsewhere.string) == 0)
        #expect(symlink(elsewhere.string, fetched.string) == 0)
        #expect { try verify(layout) } throws: { ($0 as? ToolchainError)?.code == "toolchain.unreadable_file" }
        #expect(kept() == [])
    }

    @Test(arguments: [
        PackedTar.Entry("b-1.0.0/../../../evil", "x"), .init("../evil", "x"), .init("/tmp/evil", "x"),
        .init("evil-1.0.0/src/lib.rs", "x"), .init("evil", "x"),
        .init("b-1.0.0/link", type: "2", link: "../../../evil"), .init("b-1.0.0/link", type: "2", link: "/etc/passwd"),
        .init("b-1.0.0/hard", type: "1", link: "../../first/source/Cargo.lock"), .init("b-1.0.0/pipe", type: "6"),
        .init("b-1.0.0/Cargo.toml", "twice"),
    ])
    func `a crate that would write elsewhere is refused, whatever its digest`(entry: PackedTar.Entry) throws {
        let crate = PackedTar(.init("b-1.0.0/Cargo.toml", "[package]\n"), entry).bytes
        let layout = try layout(wanting: crate)
        try fetch(for: layout, crate)
        let before = try FileManager.default.subpathsOfDirectory(atPath: scratch.path.string)
        #expect { try verify(layout) } throws: { ($0 as? ToolchainError)?.code == "toolchain.unusable_package" }
        let after = try FileManager.default.subpathsOfDirectory(atPath: scratch.path.string)
        #expect(Set(after).subtracting(before).allSatisfy { $0.hasPrefix("cache/") || $0 == "build/inputs/vendor" })
        #expect(access("/tmp/evil", F_OK) != 0)
    }

    @Test func `a crate that is no archive is refused`() throws {
        let crate = Array("a crate".utf8)
        let layout = try layout(wanting: crate)
        try fetch(for: layout, crate)
        #expect { try verify(layout) } throws: { ($0 as? ToolchainError)?.code == "toolchain.unusable_package" }
    }

    @Test func `a store that cannot be written is Kettle's failure`() throws {
        let layout = try layout()
        try fetch(for: layout)
        try Data().write(to: URL(filePath: cache.appending("crates").string))
        #expect { try verify(layout) } throws: { ($0 as? ToolchainError)?.code == "toolchain.storage_failed" }
    }

    private func attributes(_ path: FilePath) throws -> [FileAttributeKey: Any] {
        try FileManager.default.attributesOfItem(atPath: path.string)
    }

    private func text(_ path: FilePath) throws -> String {
        try String(contentsOfFile: path.string, encoding: .utf8)
    }
}
