import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

@Suite struct UvLockTests {
    private static let hash = "sha256:" + String(repeating: "ab", count: 32)
    private static let head = "version = 1\nrevision = 3\n"

    private func read(_ text: String) throws -> UvLock { try UvLock(parsing: Array(text.utf8)) }

    @Test func `packages, files and what they need are read`() throws {
        let lock = try read(
            """
            \(Self.head)
            [[package]]
            name = "app"
            source = { editable = "." }
            dependencies = [{ name = "idna", extra = ["all"], marker = "sys_platform == 'win32'" }]

            [[package]]
            name = "idna"
            version = "3.11"
            source = { registry = "https://pypi.org/simple" }
            sdist = { url = "https://files.pythonhosted.org/packages/aa/idna-3.11.tar.gz", hash = "\(Self.hash)", size = 1 }
            wheels = [
                { url = "https://files.pythonhosted.org/packages/bb/idna-3.11-py3-none-any.whl", hash = "\(Self.hash)" },
            ]

            [package.optional-dependencies]
            all = [{ name = "extra" }]

            [[package]]
            name = "extra"
            version = "1"
            source = { registry = "https://pypi.org/simple" }

            [[package]]
            name = "unused"
            version = "1"
            source = { git = "https://example.com/x" }
            """)
        #expect(lock.packages.map(\.spec) == ["app", "idna 3.11", "extra 1", "unused 1"])
        #expect(lock.packages[0].source == .folder(".", isPackage: true))
        #expect(lock.packages[1].wheels.map(\.name) == ["idna-3.11-py3-none-any.whl"])
        #expect(lock.packages[1].sdist?.digest?.hex == String(repeating: "ab", count: 32))
        #expect(lock.closure(of: [UvDependency(name: "app")]) == [0, 1, 2])
        #expect(lock.closure(of: [UvDependency(name: "idna")]) == [1])
    }

    @Test(arguments: ["version = 2\n", "version = \"1\"\n", ""])
    func `another version is refused`(text: String) {
        #expect(throws: ToolchainError.self) { try read(text) }
    }

    @Test(arguments: [
        #"name = "../x""#, #"name = "-x""#, #"version = "1""#, #"name = "x""#,
        #"name = "x"\#nsource = { registry = 1 }"#,
        #"name = "x"\#nsource = { registry = "r" }\#nwheels = [{ url = "https://h/a b.whl" }]"#,
        #"name = "x"\#nsource = { registry = "r" }\#nwheels = [{ url = "https://h/a.whl", hash = "sha256:ab" }]"#,
        #"name = "x"\#nsource = { registry = "r" }\#nwheels = [{ url = "https://h/a.whl", hash = "sha256" }]"#,
        #"name = "x"\#nsource = { registry = "r" }\#ndependencies = [{}]"#,
        #"name = "x"\#nsource = { registry = "r" }\#n[[package]]\#nname = "x"\#nsource = { registry = "r" }"#,
    ])
    func `a package that is not whole is refused`(fields: String) {
        #expect(throws: ToolchainError.self) { try read("\(Self.head)[[package]]\n\(fields)\n") }
    }

    @Test func `a digest that pins nothing counts as missing`() throws {
        let lock = try read(
            Self.head
                + "[[package]]\nname = \"x\"\nsource = { registry = \"r\" }\nsdist = { url = \"https://h/a.zip\", hash = \"md5:ab\" }\n"
        )
        #expect(lock.packages[0].sdist?.digest == nil)
    }

    @Test(.enabled("needs the Python corpus") { await PythonCorpus.isAvailable })
    func `the lockfiles of real projects are read whole`() throws {
        let sdists = try FileManager.default.contentsOfDirectory(atPath: PythonCorpus.sdists.string)
        #expect(sdists.count >= 20)
        for sdist in sdists {
            let bytes = Array(
                try #require(FileManager.default.contents(atPath: "\(PythonCorpus.sdists)/\(sdist)/uv.lock")))
            let lock = try UvLock(parsing: bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(lock.packages.count == text.matches(of: #/\n\[\[package\]\]\n/#).count, "\(sdist)")
            let files = lock.packages.flatMap { $0.wheels + ($0.sdist.map { [$0] } ?? []) }
            #expect(files.count == text.matches(of: #/hash = "sha256:/#).count, "\(sdist)")
            #expect(files.allSatisfy { $0.digest != nil && !$0.name.isEmpty }, "\(sdist)")
            let locals = lock.packages.filter { if case .folder = $0.source { true } else { false } }
            #expect(!locals.isEmpty, "\(sdist)")
        }
    }
}

@Suite struct PythonPlatformTests {
    private let platform = PythonPlatform(minor: 11, machine: "x86_64", glibcMinor: 36)

    @Test func `the most fitting wheel is preferred`() throws {
        let names = [
            "x-1-py3-none-any.whl", "x-1-py2.py3-none-any.whl",
            "x-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "x-1-cp39-abi3-manylinux_2_28_x86_64.whl", "x-1-1build-cp311-cp311-linux_x86_64.whl",
        ]
        #expect(names.allSatisfy { platform.rank(ofWheel: $0) != nil })
        #expect(names.max { platform.rank(ofWheel: $0) ?? 0 < platform.rank(ofWheel: $1) ?? 0 } == names[2])
    }

    @Test(arguments: [
        "x-1-cp312-cp312-manylinux_2_17_x86_64.whl", "x-1-cp311-cp311-manylinux_2_39_x86_64.whl",
        "x-1-cp311-cp311-manylinux_2_17_aarch64.whl", "x-1-cp311-cp311-win_amd64.whl",
        "x-1-cp311-cp311-musllinux_1_2_x86_64.whl",
        "x-1-py2-none-any.whl", "x-1-cp311-cp311t-manylinux_2_17_x86_64.whl",
        "x-1-cp312-abi3-manylinux_2_17_x86_64.whl",
        "x-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl", "x-1.tar.gz", "x.whl", "x-1-cp3-none-any.zip",
    ])
    func `a wheel for something else does not fit`(name: String) {
        #expect(platform.rank(ofWheel: name) == nil)
    }
}
