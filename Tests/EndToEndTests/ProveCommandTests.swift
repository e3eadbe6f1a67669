import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

/// `kettle prove` and `kettle verify-proof` on a bundle on the disk.
@Suite struct ProveCommandTests {
    private let scratch: ScratchFolder
    private let bundle: FilePath
    private let root: ContentDigest

    init() throws {
        scratch = try ScratchFolder()
        var dependencies = [
            ResourceDescriptor(
                uri: "archive:a.zip",
                digest: ["sha256": String(repeating: "1", count: 64), "gitTree": String(repeating: "2", count: 40)]),
            ResourceDescriptor(name: "Cargo.lock", sha256: ContentDigest(of: [1])),
        ]
        for (name, version) in [("libc", "0.2.1"), ("memchr", "1.0.0"), ("memchr", "2.0.0"), ("serde", "1.0.0")] {
            dependencies.append(
                ResourceDescriptor(
                    uri: PackageURL.cargo(name: name, version: version),
                    sha256: ContentDigest(of: Array("\(name) \(version)".utf8))))
        }
        dependencies.append(ResourceDescriptor(name: "rustc", sha256: ContentDigest(of: [2])))
        let statement = Statement(
            subject: [.init(name: "a", digest: ContentDigest(of: [3]))],
            buildType: Statement.buildType(toolchain: "cargo"), externalParameters: ["source": "archive:a.zip"],
            internalParameters: [:], resolvedDependencies: dependencies,
            builderID: Statement.builderID(platform: "software"), invocationID: "1",
            startedOn: .init(secondsSince1970: 1), finishedOn: .init(secondsSince1970: 2),
            buildLog: ContentDigest(of: []))
        root = Statement.inputMerkleRoot(of: dependencies.map(\.json))
        bundle = try scratch.write(
            ["provenance.json": String(decoding: statement.encoded(), as: UTF8.self)], to: "bundle")
    }

    private func kettle(_ arguments: String...) async throws -> Command.Ended {
        try await Command.run(KettleExecutable.path.string, arguments)
    }

    @Test(arguments: [
        ("pkg:cargo/serde@1.0.0", "pkg:cargo/serde@1.0.0"), ("serde", "pkg:cargo/serde@1.0.0"),
        ("memchr@2.0.0", "pkg:cargo/memchr@2.0.0"), ("rustc", "rustc"), ("Cargo.lock", "Cargo.lock"),
        ("archive:a.zip", "archive:a.zip"),
    ])
    func `a proof of an input holds for its bundle and for its root`(wanted: String, found: String) async throws {
        let proof = scratch.path.appending("proof.json").string
        let made = try await kettle("prove", bundle.string, wanted, "-o", proof)
        #expect(made.status == 0, "\(made.everything)")
        for arguments in [[bundle.string], ["--root", root.hex], [bundle.string, "--root", root.hex, "--json"]] {
            let ended = try await Command.run(KettleExecutable.path.string, ["verify-proof", proof] + arguments)
            #expect(ended.status == 0, "\(ended.everything)")
            #expect(ended.output.contains(found))
        }
    }

    @Test func `what is no input, or several, is told with what there is`() async throws {
        let several = try await kettle("prove", bundle.string, "memchr")
        #expect(several.status == 2)
        #expect(several.errors.contains("pkg:cargo/memchr@1.0.0, pkg:cargo/memchr@2.0.0"))
        let none = try await kettle("prove", bundle.string, "SERD")
        #expect(none.status == 2)
        #expect(none.errors.contains("pkg:cargo/serde@1.0.0"))
    }

    @Test func `a proof for another root, of another size or with another entry does not hold`() async throws {
        let text = try await kettle("prove", bundle.string, "serde").output
        let proof = scratch.path.appending("changed.json")
        for (from, to) in [
            ("serde@1.0.0", "serde@1.0.1"), ("\"leaf_index\":5", "\"leaf_index\":4"),
            ("\"tree_size\":7", "\"tree_size\":8"), ("\"path\":[\"", "\"path\":[\"00"), ("", ""),
            ("proof/v1", "proof/v2"),
        ] where !from.isEmpty {
            #expect(text.contains(from))
            try Data(text.replacing(from, with: to).utf8).write(to: URL(filePath: proof.string))
            let ended = try await kettle("verify-proof", proof.string, bundle.string)
            #expect(ended.status == 1, "\(from): \(ended.everything)")
            let json = try await kettle("verify-proof", proof.string, "--root", root.hex, "--json")
            #expect(json.output.contains("\"valid\":false") || from.contains("tree_size"), "\(json.everything)")
        }
        try Data(text.utf8).write(to: URL(filePath: proof.string))
        #expect(try await kettle("verify-proof", proof.string, "--root", String(repeating: "0", count: 64)).status == 1)
    }

    @Test(arguments: ["prove", "inspect"])
    func `what a bundle says cannot steer the terminal by way of an error`(command: String) async throws {
        let hostile = try scratch.write(
            ["provenance.json": "{\"_type\":\"\\u001b]0;owned\\u0007\\u202e\"}"], to: "hostile"
        ).string
        let arguments = command == "prove" ? ["prove", hostile, "serde"] : ["inspect", hostile]
        let ended = try await Command.run(KettleExecutable.path.string, arguments)
        #expect(ended.status == 2)
        #expect(ended.errors.contains("owned"))
        #expect(!ended.errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" })
    }

    @Test func `without a root, or a proof, nothing is found out`() async throws {
        let proof = try scratch.write(["proof": try await kettle("prove", bundle.string, "serde").output], to: "p")
            .appending("proof").string
        let nothing = try await kettle("verify-proof", proof)
        #expect(nothing.status == 2)
        #expect(nothing.errors.contains("kettle: hint: name --root"))
        #expect(try await kettle("verify-proof", "/nonexistent", "--root", root.hex).status == 2)
        #expect(try await kettle("verify-proof", proof, "--root", "abc").status == 2)
        #expect(try await kettle("verify-proof", proof, "/nonexistent").status == 2)
        #expect(
            try await kettle("verify-proof", proof, bundle.string, "--root", String(repeating: "0", count: 64)).status
                == 2)
    }
}
