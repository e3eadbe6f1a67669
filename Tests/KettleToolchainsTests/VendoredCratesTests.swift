import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// What stands in a folder of vendored crates, against the lockfile and against itself.
@Suite struct VendoredCratesTests {
    private static let checksum = ContentDigest(of: Array("a crate".utf8))
    private static let package = LockedPackage(name: "b", version: "1.0.0", origin: .publicRegistry(checksum))
    private static let crate = VendoredCrate("b", checksum: checksum.hex)

    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// The code of the refusal of crate `b`, nil when it is taken.
    private func refusal(
        _ files: [String: String], _ owner: VendoredCrates.Owner = .source, package: LockedPackage = Self.package
    ) throws -> String? {
        let root = try scratch.write(files, to: "source-\(UInt64.random(in: 0 ... .max))")
        do {
            _ = try VendoredCrates(owner, root: root, folders: ["vendor"]).check(package)
            return nil
        } catch let error {
            return error.code
        }
    }

    @Test func `a crate that is as its list says is known by its tree`() throws {
        let root = try scratch.write(Self.crate.files(in: "vendor/whatever"), to: "source")
        let checked = try VendoredCrates(.source, root: root, folders: ["vendor"]).check(Self.package)
        #expect(checked.isListed)
        #expect(checked.tree == (try GitTree.identify(root.appending("vendor").appending("whatever")).sha1))
    }

    @Test func `every file that is changed, missing or not listed is refused by name`() throws {
        var files = Self.crate.files
        files["vendor/b/src/lib.rs"] = "pub fn g() {}\n"
        #expect(try refusal(files) == "toolchain.vendored_file_changed")
        files = Self.crate.files
        files["vendor/b/src/lib.rs"] = nil
        #expect(try refusal(files) == "toolchain.vendored_file_missing")
        files = Self.crate.files
        files["vendor/b/build.rs"] = "fn main() {}\n"
        #expect(try refusal(files) == "toolchain.vendored_file_unlisted")
        files = Self.crate.files
        files["vendor/b/src/.hidden/x"] = ""
        #expect(try refusal(files) == "toolchain.vendored_file_unlisted")
    }

    @Test func `a list that is not the lockfile's crate is refused`() throws {
        var crate = Self.crate
        crate.checksum = String(repeating: "0", count: 64)
        #expect(try refusal(crate.files) == "toolchain.vendored_checksum_mismatch")
        crate.checksum = nil
        #expect(try refusal(crate.files) == "toolchain.vendored_checksum_mismatch")
        let git = LockedPackage(
            name: "b", version: "1.0.0", origin: .git(url: "https://x.example/b", commit: "1"))
        #expect(try refusal(crate.files, package: git) == nil)
        #expect(try refusal(Self.crate.files, package: git) == "toolchain.vendored_checksum_mismatch")
    }

    @Test(arguments: [
        "", "[]", "{}", "{\"files\":[]}", "{\"files\":{},\"files\":{}}", "{\"files\":{\"Cargo.toml\":\"0\"}}",
        "{\"files\":{\"Cargo.toml\":1}}", "{\"files\":{},\"package\":1}", "{\"files\":{}} x",
    ])
    func `a list that is none is refused`(list: String) throws {
        var files = Self.crate.files
        files["vendor/b/.cargo-checksum.json"] = list
        #expect(try refusal(files) == "toolchain.malformed_file")
        files["vendor/b/.cargo-checksum.json"] = nil
        #expect(try refusal(files) == "toolchain.malformed_file")
    }

    @Test func `a listed path that leaves the crate is a file that is missing`() throws {
        var crate = Self.crate
        crate.listed["../../Cargo.toml"] = crate.listed["Cargo.toml"]
        #expect(try refusal(crate.files) == "toolchain.vendored_file_missing")
    }

    @Test func `a crate that is not there, in another version or twice is refused`() throws {
        #expect(try refusal(["vendor/x/a": ""]) == "toolchain.not_vendored")
        #expect(
            try refusal(VendoredCrate("b", version: "1.0.1", checksum: Self.checksum.hex).files)
                == "toolchain.not_vendored")
        let twice = Self.crate.files.merging(Self.crate.files(in: "vendor/again")) { $1 }
        #expect(try refusal(twice) == "toolchain.vendored_twice")
    }

    @Test(arguments: ["file", "folder", "list", "crate"])
    func `nothing is read through a link`(kind: String) throws {
        let root = try scratch.write(
            Self.crate.files.merging(["outside": "pub fn f() {}\n", "elsewhere/lib.rs": "pub fn f() {}\n"]) { $1 },
            to: "linked")
        let vendor = root.appending("vendor")
        let (place, target) =
            switch kind {
            case "file": ("b/src/lib.rs", "../../../outside")
            case "folder": ("b/src", "../../elsewhere")
            case "list": ("b/.cargo-checksum.json", "../../outside")
            default: ("b", "../elsewhere")
            }
        let link = vendor.appending(FilePath(place).components).string
        try FileManager.default.removeItem(atPath: link)
        #expect(symlink(target, link) == 0)
        #expect(throws: ToolchainError.self) {
            try VendoredCrates(.source, root: root, folders: ["vendor"]).check(Self.package)
        }
    }

    /// cargo follows links, takes blanks off versions, and of two packages of a name and version the one that it reads last.
    @Test(arguments: ["link", "blank", "workspace", "number"])
    func `a package that cargo would find and Kettle not is refused`(kind: String) throws {
        var evil = VendoredCrate("b", checksum: Self.checksum.hex)
        evil.contents["src/lib.rs"] = "pub fn evil() {}\n"
        evil.listed = [:]
        let versions = ["blank": "\" 1.0.0\"", "workspace": "{ workspace = true }", "number": "1"]
        if let version = versions[kind] {
            evil.contents["Cargo.toml"] =
                "[package]\nname = \"b\"\nversion = \(version)\n[workspace.package]\nversion = \"1.0.0\"\n"
        }
        let place = kind == "link" ? "evil" : "vendor/evil"
        let root = try scratch.write(
            Self.crate.files.merging(evil.files(in: place)) { $1 }, to: "hidden-\(kind)")
        if kind == "link" {
            #expect(symlink("../evil", root.appending("vendor").appending("zz").string) == 0)
        }
        #expect(throws: ToolchainError.self) {
            try VendoredCrates(.source, root: root, folders: ["vendor"]).check(Self.package)
        }
    }

    @Test func `the operator's crates may go without a list, and are then known by their tree alone`() throws {
        var crate = Self.crate
        crate.listed = [:]
        let root = try scratch.write(crate.files, to: "operator")
        let checked = try VendoredCrates(.builder, root: root.appending("vendor"), folders: [""]).check(Self.package)
        #expect(!checked.isListed)
        #expect(try refusal(crate.files) == "toolchain.vendored_file_unlisted")
        var files = Self.crate.files
        files["vendor/b/src/lib.rs"] = "pub fn g() {}\n"
        #expect(try refusal(files, .builder) == "toolchain.vendored_file_changed")
    }

    @Test func `what a statement says of a vendored crate is what was seen`() async throws {
        let cargo = try await CargoToolchain.locate(configuration: CargoConfiguration())
        var files = Self.crate.files
        files[".cargo/config.toml"] =
            "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"vendor\"\n"
        files["Cargo.toml"] = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"
        files["Cargo.lock"] = """
            version = 4
            [[package]]
            name = "app"
            version = "0.1.0"
            [[package]]
            name = "b"
            version = "1.0.0"
            source = "registry+https://github.com/rust-lang/crates.io-index"
            checksum = "\(Self.checksum)"
            """
        let source = try scratch.write(files, to: "project")
        let layout = BuildLayout(
            source: source, project: "", target: scratch.path.appending("target"),
            dependencies: scratch.path.appending("dependencies"), inputs: scratch.path.appending("inputs"))
        let origin = SourceOrigin.archive(Self.checksum)
        let plan = try cargo.plan(layout)
        let tree = try GitTree.identify(source.appending("vendor").appending("b")).sha1
        #expect(try plan.fetchCommand == nil)
        #expect(
            try plan.verifyInputs(of: origin, with: []).dependencies == [
                ResourceDescriptor(
                    uri: "pkg:cargo/b@1.0.0", digest: ["sha256": Self.checksum.hex, "gitTree": tree],
                    annotations: ["vendored": "source"])
            ])

        var unlisted = Self.crate
        unlisted.listed = [:]
        unlink(source.appending(".cargo/config.toml").string)
        let folder = try scratch.write(unlisted.files, to: "operator").appending("vendor")
        let supplied = try await CargoToolchain.locate(configuration: CargoConfiguration(vendorDirectory: folder)).plan(
            layout)
        #expect(try supplied.fetchCommand == nil)
        #expect(
            try supplied.verifyInputs(of: origin, with: []).dependencies == [
                ResourceDescriptor(
                    uri: "pkg:cargo/b@1.0.0",
                    digest: ["gitTree": try GitTree.identify(folder.appending("b")).sha1],
                    annotations: ["vendored": "builder", "lockedSha256": .string(Self.checksum.hex)])
            ])
        #expect(try supplied.buildCommand.mounts.contains(.readOnly(folder, at: "/build/vendor")))
    }
}
