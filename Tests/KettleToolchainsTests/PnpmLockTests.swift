import Foundation
import Testing

@testable import KettleToolchains

@Suite struct PnpmLockTests {
    private static let integrity = "sha512-" + Data(repeating: 0xAB, count: 64).base64EncodedString()

    private func lock(_ version: String, _ body: String, project: String = "") throws -> PnpmLock {
        try PnpmLock(parsing: Array("lockfileVersion: \(version)\n\n\(body)\n".utf8), project: project)
    }

    private func resolution(_ more: String = "") -> String { "resolution: {integrity: \(Self.integrity)\(more)}" }

    private func names(_ lock: PnpmLock) -> [String] { lock.tarballs.map(\.package.text) }

    // MARK: - The versions

    @Test func `version 9 keeps packages and their uses apart`() throws {
        let lock = try lock(
            "'9.0'",
            """
            importers:
              .:
                dependencies:
                  '@scope/a':
                    specifier: ^1.0.0
                    version: 1.0.0(b@2.0.0)
                  other:
                    specifier: npm:b@^2
                    version: b@2.0.0
            packages:
              '@scope/a@1.0.0':
                \(resolution())
                peerDependencies:
                  b: '*'
              b@2.0.0:
                \(resolution())
            snapshots:
              '@scope/a@1.0.0(b@2.0.0)':
                dependencies:
                  b: 2.0.0
              b@2.0.0: {}
            """)
        #expect(names(lock) == ["@scope/a@1.0.0", "b@2.0.0"])
        #expect(lock.importers["."] == ["@scope/a": "1.0.0(b@2.0.0)", "other": "b@2.0.0"])
        #expect(lock.key(of: "@scope/a", "1.0.0(b@2.0.0)") == "@scope/a@1.0.0")
        #expect(lock.key(of: "other", "b@2.0.0") == "b@2.0.0")
        #expect(lock.packages["@scope/a@1.0.0"]?.dependencies == ["b": "2.0.0"])
    }

    @Test(arguments: ["'6.0'", "'6.1'"])
    func `version 6 has peers in the keys of packages`(version: String) throws {
        let lock = try lock(
            version,
            """
            dependencies:
              '@scope/a':
                specifier: ^1.0.0
                version: 1.0.0(b@2.0.0)
            packages:
              /@scope/a@1.0.0(b@2.0.0):
                \(resolution())
                dependencies:
                  b: 2.0.0
              /@scope/a@1.0.0(b@3.0.0):
                \(resolution())
              /b@2.0.0:
                \(resolution())
                dev: false
            """)
        #expect(names(lock) == ["@scope/a@1.0.0", "b@2.0.0"])
        #expect(lock.key(of: "@scope/a", "1.0.0(b@2.0.0)") == "/@scope/a@1.0.0")
        #expect(lock.key(of: "c", "/b@2.0.0") == "/b@2.0.0")
        #expect(lock.packages["/@scope/a@1.0.0"]?.dependencies == ["b": "2.0.0"])
    }

    @Test func `version 5 has them behind underscores`() throws {
        let lock = try lock(
            "5.4",
            """
            importers:
              packages/x:
                specifiers:
                  a_b: ^1.0.0
                dependencies:
                  a_b: 1.0.0_b@2.0.0
            packages:
              /a_b/1.0.0_b@2.0.0:
                \(resolution())
              /@scope/c/3.0.0_@types+node@18.0.0:
                \(resolution())
            """)
        #expect(names(lock) == ["@scope/c@3.0.0", "a_b@1.0.0"])
        #expect(lock.importers["packages/x"] == ["a_b": "1.0.0_b@2.0.0"])
        #expect(lock.key(of: "a_b", "1.0.0_b@2.0.0") == "/a_b/1.0.0")
    }

    @Test(arguments: ["5.3", "'4.0'", "7", "'10.0'", "''"])
    func `other versions are refused`(version: String) {
        #expect {
            try lock(version, "packages: {}")
        } throws: { error in
            if case .unknownLockfileVersion? = error as? ToolchainError { true } else { false }
        }
    }

    // MARK: - Where packages come from

    @Test func `a tarball of the source and a folder are paths in it`() throws {
        let lock = try lock(
            "'9.0'",
            """
            packages:
              a@file:vendor/a.tgz:
                resolution: {integrity: \(Self.integrity), tarball: file:vendor/a.tgz}
                version: 1.0.0
              b@file:../b:
                resolution: {directory: ../b, type: directory}
            """, project: "apps/web")
        #expect(lock.tarballs.map(\.place) == [.source("apps/web/vendor/a.tgz")])
        #expect(lock.packages["b@file:../b"]?.content == .folder("apps/b"))
    }

    @Test func `the registry's own URL of a package changes nothing`() throws {
        let url = ", tarball: https://registry.npmjs.org/a/-/a-1.0.0.tgz"
        #expect(try lock("'9.0'", "packages:\n  a@1.0.0:\n    \(resolution(url))").tarballs.map(\.place) == [.registry])
        let other = ", tarball: https://registry.npmjs.org/b/-/b-1.0.0.tgz"
        #expect {
            try lock("'9.0'", "packages:\n  a@1.0.0:\n    \(resolution(other))")
        } throws: { error in
            if case .malformedFile? = error as? ToolchainError { true } else { false }
        }
    }

    @Test func `optional packages for other systems are left out`() throws {
        let packages = "packages:\n  a@1.0.0:\n    \(resolution())\n    os: [darwin]\n"
        let optional = try lock("'9.0'", packages + "snapshots:\n  a@1.0.0:\n    optional: true")
        #expect(optional.tarballs.isEmpty)
        #expect(try lock("'9.0'", packages + "snapshots:\n  a@1.0.0: {}").tarballs.count == 1)
    }

    @Test(arguments: [
        "https://codeload.github.com/a/b/tar.gz/0123456789012345678901234567890123456789",
        "https://npm.pkg.github.com/download/a/1.0.0/0123",
    ])
    func `tarballs of other places are refused by name`(url: String) {
        #expect(throws: ToolchainError.unsupportedSource(package: "a@1.0.0", source: url)) {
            try lock("'9.0'", "packages:\n  a@\(url):\n    resolution: {tarball: '\(url)'}\n    version: 1.0.0")
        }
    }

    @Test func `git repositories are refused by name`() {
        let git =
            "resolution: {commit: 0123456789012345678901234567890123456789, repo: https://git.example/a.git, type: git}"
        #expect(
            throws: ToolchainError.unsupportedSource(package: "a@1.0.0", source: "https://git.example/a.git")
        ) {
            try lock("'9.0'", "packages:\n  a@git+https://git.example/a.git:\n    \(git)\n    version: 1.0.0")
        }
    }

    @Test func `what pins nothing is refused`() {
        #expect(throws: ToolchainError.missingChecksum(package: "a@1.0.0")) {
            try lock("'9.0'", "packages:\n  a@1.0.0:\n    resolution: {}")
        }
        #expect {
            try lock("'9.0'", "packages:\n  a@1.0.0:\n    resolution: {integrity: sha1-q6urq6urq6urq6urq6urq6urq6s=}")
        } throws: { error in
            if case .weakChecksum? = error as? ToolchainError { true } else { false }
        }
    }

    @Test func `paths that leave the source are refused`() {
        for packages in [
            "packages:\n  a@file:../a:\n    resolution: {directory: ../a, type: directory}",
            "importers:\n  ../a:\n    dependencies: {}",
        ] {
            #expect(throws: ToolchainError.outsideSource(manifest: "pnpm-lock.yaml", path: "../a")) {
                try lock("'9.0'", packages)
            }
        }
    }

    @Test(arguments: [
        "packages: a", "packages:\n  a@1.0.0: {}", "packages:\n  a@1.0.0:\n    resolution: x",
        "packages:\n  a@1.0.0:\n    resolution: {integrity: sha512-}",
        "importers:\n  .: {dependencies: {a: {specifier: b}}}",
    ])
    func `what is no lockfile of pnpm's is refused`(body: String) {
        #expect {
            try lock("'9.0'", body)
        } throws: { error in
            if case .malformedFile? = error as? ToolchainError { true } else { false }
        }
    }

    @Test(arguments: ["..@1.0.0", "a/../b@1.0.0", "a@../1", "a@runtime:22.0.0", "node_modules@1.0.0"])
    func `names and versions that could mean a path are refused`(key: String) {
        #expect {
            try lock("'9.0'", "packages:\n  '\(key)':\n    \(resolution())")
        } throws: { error in
            if case .unsupportedSource? = error as? ToolchainError { true } else { false }
        }
    }
}
