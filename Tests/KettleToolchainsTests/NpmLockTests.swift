import Foundation
import Testing

@testable import KettleToolchains

@Suite struct NpmLockTests {
    private static let sha512 = "sha512-" + Data(repeating: 0xAB, count: 64).base64EncodedString()
    private static let other = "sha512-" + Data(repeating: 0xCD, count: 64).base64EncodedString()
    private static let sha1 = "sha1-" + Data(repeating: 0xAB, count: 20).base64EncodedString()

    private func lock(_ packages: String, version: String = "3", project: String = "") throws -> NpmLock {
        let text = """
            {"name": "app", "lockfileVersion": \(version), "requires": true, "packages": {
            "": {"name": "app", "version": "1.0.0", "dependencies": {"ms": "^2.0.0"}}\(packages.isEmpty ? "" : ", ")\(packages)}}
            """
        return try NpmLock(parsing: Array(text.utf8), named: "package-lock.json", project: project)
    }

    private func package(
        _ place: String = "node_modules/ms", version: String = "2.1.3",
        resolved: String = "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz", integrity: String = NpmLockTests.sha512,
        also more: String = ""
    ) -> String {
        #""\#(place)": {"version": "\#(version)", "resolved": "\#(resolved)", "integrity": "\#(integrity)"\#(more)}"#
    }

    private func tarball(_ name: String, _ version: String) throws -> NodeTarball {
        NodeTarball(
            package: try #require(NodePackageID(name: name, version: version)),
            digest: try #require(PinnedDigest(.sha512, bytes: [UInt8](repeating: 0xAB, count: 64))), place: .registry)
    }

    // MARK: - What is read

    @Test(arguments: ["2", "3"])
    func `packages are read with what pins them`(version: String) throws {
        let lock = try lock(package(), version: version)
        #expect(lock.tarballs == [try tarball("ms", "2.1.3")])
        #expect(lock.entries[""]?.content == .folder)
        #expect(lock.target(of: "ms", from: "") == "node_modules/ms")
    }

    @Test func `a scoped package and one under another name are known by what they are`() throws {
        let scoped = package(
            "node_modules/@types/ms", resolved: "https://registry.npmjs.org/@types/ms/-/ms-2.1.3.tgz")
        let alias = package("node_modules/short", also: #", "name": "ms""#)
        #expect(try lock(scoped).tarballs == [try tarball("@types/ms", "2.1.3")])
        #expect(try lock(alias).tarballs == [try tarball("ms", "2.1.3")])
        #expect(
            try tarball("@types/ms", "2.1.3").package.packageURL() == "pkg:npm/%40types/ms@2.1.3")
    }

    @Test(arguments: [
        "https://registry.npmjs.org/@types/ms/-/ms-2.1.3.tgz", "https://registry.npmjs.org/@types%2fms/-/ms-2.1.3.tgz",
        "http://registry.npmjs.org/@types/ms/-/ms-2.1.3.tgz",
        "https://registry.yarnpkg.com/@types/ms/-/ms-2.1.3.tgz#0123456789",
    ])
    func `the public registry has several addresses`(url: String) throws {
        #expect(try lock(package("node_modules/@types/ms", resolved: url)).tarballs.map(\.place) == [.registry])
    }

    @Test func `members of a workspace are folders with links to them`() throws {
        let lock = try lock(
            #"""
            "node_modules/core": {"resolved": "packages/core", "link": true},
            "packages/core": {"version": "1.0.0", "dependencies": {"ms": "*"}},
            "packages/core/node_modules/inner": {"version": "1.0.0", "inBundle": true, "resolved":
            "https://registry.npmjs.org/inner/-/inner-1.0.0.tgz", "integrity": "\#(Self.sha512)"}, \#(package())
            """#)
        #expect(lock.entries["packages/core"]?.content == .folder)
        #expect(lock.target(of: "core", from: "") == "packages/core")
        #expect(lock.target(of: "ms", from: "packages/core") == "node_modules/ms")
        #expect(lock.target(of: "inner", from: "packages/core") == "packages/core/node_modules/inner")
        #expect(lock.target(of: "inner", from: "") == nil)
        #expect(lock.tarballs.count == 2)
    }

    @Test func `what a tarball brings along needs no digest of its own`() throws {
        let inner = #""node_modules/ms/node_modules/inner": {"version": "1.0.0", "inBundle": true}"#
        let innermost =
            #""node_modules/ms/node_modules/inner/node_modules/x": {"version": "1.0.0", "inBundle": true}"#
        let lock = try lock("\(package()), \(inner), \(innermost)")
        #expect(lock.entries["node_modules/ms/node_modules/inner"]?.content == .bundled)
        #expect(lock.tarballs.count == 1)
    }

    @Test func `a tarball of the source is a path in it`() throws {
        let entry = package(resolved: "file:vendor/ms.tgz")
        #expect(try lock(entry).tarballs.map(\.place) == [.source("vendor/ms.tgz")])
        let above = package(resolved: "file:../vendor/ms.tgz")
        #expect(try lock(above, project: "apps/web").tarballs.map(\.place) == [.source("apps/vendor/ms.tgz")])
    }

    @Test(arguments: [
        (#", "optional": true, "os": ["darwin"]"#, 0), (#", "optional": true, "os": ["!linux"]"#, 0),
        (#", "optional": true, "cpu": ["mips"]"#, 0), (#", "optional": true, "os": ["linux"]"#, 1),
        (#", "optional": true, "os": ["!win32"]"#, 1), (#", "os": ["darwin"]"#, 1), (#", "optional": true"#, 1),
    ])
    func `optional packages for other systems are left out`(more: String, count: Int) throws {
        #expect(try lock(package(also: more)).tarballs.count == count)
    }

    @Test func `the strongest digest counts`() throws {
        let sha256 = "sha256-" + Data(repeating: 1, count: 32).base64EncodedString()
        let lock = try lock(package(integrity: "\(Self.sha1) \(sha256) \(Self.sha512)"))
        #expect(lock.tarballs.map(\.digest.algorithm) == [.sha512])
    }

    // MARK: - What is refused

    @Test func `a lockfile of npm 6 is refused by its version`() {
        #expect(throws: ToolchainError.unknownLockfileVersion(name: "package-lock.json", version: "1")) {
            try lock("", version: "1")
        }
        #expect(throws: ToolchainError.unknownLockfileVersion(name: "package-lock.json", version: "4")) {
            try lock("", version: "4")
        }
    }

    @Test func `a package that SHA-1 pins is refused, and one that nothing pins`() {
        #expect(throws: ToolchainError.weakChecksum(package: "ms@2.1.3", algorithm: "sha1")) {
            try lock(package(integrity: Self.sha1))
        }
        #expect(throws: ToolchainError.missingChecksum(package: "ms@2.1.3")) {
            try lock(
                #""node_modules/ms": {"version": "2.1.3", "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz"}"#
            )
        }
        #expect(throws: ToolchainError.missingChecksum(package: "ms@2.1.3")) { try lock(package(integrity: "")) }
    }

    @Test(arguments: [
        "https://registry.npmjs.org/evil/-/evil-2.1.3.tgz", "https://registry.npmjs.org/ms/-/ms-2.1.2.tgz",
        "https://registry.npmjs.org/ms/-/../../evil/-/evil-1.0.0.tgz", "https://registry.npmjs.org/ms",
    ])
    func `a URL of another package than the one it is given for is refused`(url: String) {
        #expect {
            try lock(package(resolved: url))
        } throws: { error in
            guard case .malformedFile(_, _, let reason)? = error as? ToolchainError else { return false }
            return reason.contains("another package")
        }
    }

    @Test(arguments: [
        "git+ssh://git@github.com/vercel/ms.git#0123456789012345678901234567890123456789",
        "https://codeload.github.com/vercel/ms/tar.gz/2.1.3", "https://npm.pkg.github.com/ms/-/ms-2.1.3.tgz",
        "https://registry.npmjs.org.evil.example/ms/-/ms-2.1.3.tgz", "http://127.0.0.1:4873/ms/-/ms-2.1.3.tgz",
    ])
    func `other places are refused by name`(url: String) {
        #expect(throws: ToolchainError.unsupportedSource(package: "ms@2.1.3", source: url)) {
            try lock(package(resolved: url))
        }
    }

    @Test func `paths that leave the source are refused`() {
        let escaping = ToolchainError.outsideSource(manifest: "package-lock.json", path: "../lib")
        #expect(throws: escaping) { try lock(#""../lib": {"version": "1.0.0"}"#) }
        #expect(throws: escaping) { try lock(package(resolved: "file:../lib")) }
        #expect(throws: escaping) { try lock(#""node_modules/lib": {"resolved": "../lib", "link": true}"#) }
    }

    @Test(arguments: [
        // Not what npm writes.
        "[]", "{", #"{"lockfileVersion": 3}"#, #"{"lockfileVersion": 3, "packages": {}}"#,
        #"{"lockfileVersion": 3, "packages": {"": []}}"#, #"{"lockfileVersion": "3", "packages": {"": {}}}"#,
        // Places that are none.
        #"{"lockfileVersion": 3, "packages": {"": {}, "/etc": {}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "a//b": {}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/": {"version": "1.0.0"}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/.bin": {"version": "1.0.0"}}}"#,
        // Packages from nowhere.
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0", "inBundle": true}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"resolved": "b", "link": true}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "b": {"resolved": "https://registry.npmjs.org/b/-/b-1.0.0.tgz"}}}"#,
        // Names and versions that could mean a path.
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"name": "../b", "version": "1.0.0", "inBundle": true}}}"#,
        #"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1/../2", "inBundle": true}}}"#,
    ])
    func `what is no lockfile of npm's is refused`(text: String) {
        #expect {
            try NpmLock(parsing: Array(text.utf8), named: "package-lock.json")
        } throws: { error in
            switch error as? ToolchainError {
            case .malformedFile(let name, _, let reason)?: name == "package-lock.json" && !reason.isEmpty
            default: false
            }
        }
    }

    @Test(arguments: [
        "sha512-AAAA", "sha512", "sha512-\(String(repeating: "!", count: 88))", "sha3-AAAA", "\(NpmLockTests.sha512)?x",
        "\(NpmLockTests.sha512) \(NpmLockTests.other)", "\(NpmLockTests.sha512)=",
        // The last letter of a digest has bits that stand for nothing.
        NpmLockTests.sha512.replacing("w==", with: "x=="),
    ])
    func `an integrity that can be read in two ways is refused`(integrity: String) {
        #expect {
            try lock(package(integrity: integrity))
        } throws: { error in
            if case .malformedFile? = error as? ToolchainError { true } else { false }
        }
    }
}
