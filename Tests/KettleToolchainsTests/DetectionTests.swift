import Foundation
import KettleTesting
import KettleToolchains
import SystemPackage
import Testing

@Suite struct DetectionTests {
    let scratch: ScratchFolder
    let cargo: CargoToolchain

    init() async throws {
        scratch = try ScratchFolder()
        cargo = try await CargoToolchain.locate(configuration: CargoConfiguration())
    }

    private func detect(_ files: [String: String], path: String? = nil) throws -> String {
        let root = try scratch.write(files, to: "source")
        return try Detection.detect(in: root, path: path, among: [ToolchainOffer(cargo)]).project
    }

    private func found(_ error: any Error) -> [String]? {
        guard case .unsupported(let supported, let found) = error as? ToolchainError else { return nil }
        #expect(supported == ["cargo"])
        return found
    }

    @Test func `a project at the root is found there`() throws {
        #expect(try detect(["Cargo.toml": "[package]", "sub/Cargo.toml": "[package]"]) == "")
    }

    @Test func `a project in the only folder is found there`() throws {
        #expect(try detect(["repo-main/Cargo.toml": "[package]", "repo-main/src/main.rs": "x"]) == "repo-main")
        #expect(try detect(["pax_global_header": "x", "repo-main/Cargo.toml": "[package]"]) == "repo-main")
    }

    @Test func `with two folders nobody guesses`() throws {
        #expect {
            try detect(["a/Cargo.toml": "[package]", "b/Cargo.toml": "[package]"])
        } throws: { found($0) == ["a/", "b/"] }
    }

    @Test func `the folder that the request names is taken, however people write it`() throws {
        let files = ["Cargo.toml": "[package]", "a/b/Cargo.toml": "[package]", "c/file": "x"]
        for path in ["a/b", "a/b/", "./a/b", "a//b"] { #expect(try detect(files, path: path) == "a/b") }
        for path in ["", "."] { #expect(try detect(files, path: path) == "") }
        #expect { try detect(files, path: "c") } throws: { found($0) == ["file"] }
    }

    @Test(arguments: ["none", "/a", "../source", "a/../a", "a\0", "/"])
    func `a folder that is not in the source is refused`(path: String) {
        #expect {
            try detect(["a/Cargo.toml": "[package]"], path: path)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.no_such_folder" }
    }

    @Test func `no link is followed to a project`() throws {
        let outside = try scratch.write(["Cargo.toml": "[package]"], to: "outside")
        let root = try scratch.write(["README": "x"], to: "source")
        try FileManager.default.createSymbolicLink(
            atPath: root.appending("link").string, withDestinationPath: outside.string)
        try FileManager.default.createSymbolicLink(
            atPath: root.appending("Cargo.toml").string, withDestinationPath: outside.appending("Cargo.toml").string)
        #expect {
            try Detection.detect(in: root, path: nil, among: [ToolchainOffer(cargo)])
        } throws: { found($0) == ["Cargo.toml", "README", "link"] }
        #expect(throws: ToolchainError.noSuchFolder("link")) {
            try Detection.detect(in: root, path: "link", among: [ToolchainOffer(cargo)])
        }
    }

    // MARK: - Several toolchains

    /// The toolchains of a service that has only cargo.
    private var offers: [ToolchainOffer] {
        let make = ToolchainKind(
            name: "make", projectFileNames: ["make.lock"], installation: "install GNU make")
        return [
            ToolchainOffer(make, missing: .toolchainMissing(tool: "make", reason: "it is not there")),
            ToolchainOffer(cargo),
        ]
    }

    private func detected(
        _ files: [String: String], path: String? = nil, toolchain: String? = nil
    ) throws -> DetectedProject {
        let root = try scratch.write(files, to: "source-\(UUID().uuidString)")
        return try Detection.detect(in: root, path: path, toolchain: toolchain, among: offers)
    }

    @Test func `the first toolchain that finds its project is taken, or the one that is named`() throws {
        let both = ["make.lock": "x", "Cargo.toml": "[package]"]
        let missing = ToolchainError.notInstalled(
            name: "make", reason: "make cannot be used: it is not there", installation: "install GNU make",
            supported: ["cargo"])
        #expect(try detected(both).toolchain.name == "cargo")
        #expect(throws: missing) { try detected(["make.lock": "x"]) }
        #expect(throws: missing) { try detected(both, toolchain: "make") }
        #expect(try detected(both, toolchain: "cargo").toolchain.name == "cargo")
        #expect(try detected(both.merging(["kettle.toml": "toolchain = \"cargo\""]) { $1 }).toolchain.name == "cargo")
        #expect(throws: missing) {
            try detected(both.merging(["kettle.toml": "toolchain = \"cargo\""]) { $1 }, toolchain: "make")
        }
        #expect(throws: ToolchainError.unknownToolchain(name: "bazel", supported: ["cargo"])) {
            try detected(both, toolchain: "bazel")
        }
        #expect {
            try detected(["make.lock": "x"], toolchain: "cargo")
        } throws: { found($0) == ["make.lock"] }
        #expect {
            try detected(["README": "x"])
        } throws: { found($0) == ["README"] }
    }

    @Test func `the project's settings name its folder, and the request has the last word`() throws {
        let files = ["a/Cargo.toml": "[package]", "b/Cargo.toml": "[package]", "kettle.toml": "path = \"b\"\n"]
        #expect(try detected(files).project == "b")
        #expect(try detected(files, path: "a").project == "a")
        #expect(throws: ToolchainError.noSuchFolder("../x")) {
            try detected(files.merging(["kettle.toml": "path = \"../x\""]) { $1 })
        }
        let archived = ["r-1/a/Cargo.toml": "[package]", "r-1/kettle.toml": "path = \"a\"\n"]
        #expect(try detected(archived).project == "r-1/a")
    }

    @Test func `at most 50 names are listed`() throws {
        let files = Dictionary(uniqueKeysWithValues: (0..<80).map { ("file\($0)", "x") })
        #expect { try detect(files) } throws: { found($0)?.count == 50 }
    }

    @Test func `an empty source is unsupported`() throws {
        let root = try scratch.write([:], to: "empty")
        try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: true)
        #expect { try Detection.detect(in: root, path: nil, among: [ToolchainOffer(cargo)]) } throws: {
            found($0) == []
        }
    }
}
