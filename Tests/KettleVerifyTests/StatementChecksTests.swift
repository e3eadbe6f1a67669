import KettleProvenance
import KettleVerify
import Testing

/// Statements that a trusted key signed, and that are rejected for what they say.
@Suite struct StatementChecksTests {
    private func expect(_ code: String, _ change: (inout Statement) -> Void) async throws {
        #expect(try await SampleBundle.with(change).verdict().failures.contains(code))
    }

    @Test(arguments: ["Source", "command", "", "nonce2"])
    func `an unknown external parameter is refused by name`(name: String) async throws {
        let verdict = try await SampleBundle.with { $0.externalParameters[name] = "x" }.verdict()
        #expect(verdict.failures == ["provenance.external_parameter"])
    }

    @Test(arguments: [
        "https://kettle.build/cobol/v1", "https://kettle.build/cargo/v2", "https://kettle.build/cargo/v1/", "",
        "https://kettle.build.example/cargo/v1",
    ])
    func `an unknown build type is refused`(buildType: String) async throws {
        try await expect("provenance.build_type") { $0.buildType = buildType }
    }

    @Test func `the source must be named, and be the first input`() async throws {
        try await expect("provenance.source") { $0.externalParameters["source"] = nil }
        try await expect("provenance.source") { $0.externalParameters["source"] = "file:///etc" }
        try await expect("provenance.dependencies") {
            $0.externalParameters["source"] = "git+https://forge.example/other"
        }
    }

    @Test func `a build cannot end before it began, and has an id`() async throws {
        try await expect("provenance.time") { $0.finishedOn = Statement.Timestamp(secondsSince1970: 1) }
        try await expect("provenance.invocation") { $0.invocationID = "" }
    }

    @Test func `subjects are one or more plain file names, each once`() async throws {
        try await expect("artifact.none") { $0.subject = [] }
        try await expect("artifact.duplicate") { $0.subject.append($0.subject[0]) }
        for name in ["", ".", "..", "a/b", "/a", "../a", "a\0b"] {
            try await expect("artifact.name") { $0.subject[0].name = name }
        }
    }

    @Test func `byproducts are named once and are what they say`() async throws {
        try await expect("provenance.merkle_root") { $0.byproducts.remove(at: 0) }
        try await expect("provenance.merkle_root") { $0.byproducts.append($0.byproducts[0]) }
        try await expect("provenance.merkle_root") { $0.byproducts[0] = .init(name: "input_merkle_root") }
        try await expect("provenance.merkle_root") { $0.resolvedDependencies.swapAt(2, 3) }
        try await expect("provenance.merkle_root") { $0.resolvedDependencies[3].annotations = ["vendored": true] }
        try await expect("build_log.unnamed") { $0.byproducts.remove(at: 1) }
        try await expect("build_log.unnamed") { $0.byproducts.append($0.byproducts[1]) }
    }

    @Test func `inputs out of order are refused although the Merkle root covers them`() async throws {
        let changes: [(inout [ResourceDescriptor]) -> Void] = [
            { $0 = [] }, { $0.remove(at: 0) }, { $0.remove(at: 1) }, { $0.remove(at: 4) }, { $0.swapAt(0, 1) },
            { $0.swapAt(2, 3) }, { $0.swapAt(1, 2) }, { $0.swapAt(3, 4) }, { $0[3].digest = [:] },
            { $0[4].digest = [:] }, { $0[0].digest["gitTree"] = nil }, { $0[0].digest["gitCommit"] = nil },
            { $0[1].name = nil }, { $0[1].name = "" },
            { $0[1].digest = ["sha512": String(repeating: "a", count: 128)] },
        ]
        for (index, change) in changes.enumerated() {
            let failures = try await SampleBundle.withInputs(change).verdict().failures
            #expect(failures.contains("provenance.dependencies"), "change \(index)")
            #expect(!failures.contains("provenance.merkle_root"), "change \(index)")
        }
    }

    @Test func `nothing stands between the source and the lockfile`() async throws {
        let sample = SampleBundle.withInputs {
            $0.insert(
                ResourceDescriptor(
                    name: "lib", uri: "git+https://forge.example/lib", digest: ["gitCommit": SampleBundle.commit]),
                at: 1)
        }
        #expect(try await sample.verdict().failures.contains("provenance.dependencies"))
    }

    @Test func `members that this version does not know are passed over and covered by the root`() async throws {
        guard case .object(var entry) = SampleBundle.statement.resolvedDependencies[4].json else { return }
        entry["later"] = ["a": 1]
        let entries = SampleBundle.statement.resolvedDependencies.dropLast().map(\.json) + [.object(entry)]
        let root = Statement.inputMerkleRoot(of: entries)
        let original = SampleBundle.statement
        let text = original.encoded()
        let old = String(decoding: original.resolvedDependencies[4].json.canonicalBytes(), as: UTF8.self)
        let changed = String(decoding: text, as: UTF8.self)
            .replacing(old, with: JSONValue.object(entry).canonicalString())
        var stale = SampleBundle()
        stale.statementBytes = try JSONValue(parsing: Array(changed.utf8)).canonicalBytes()
        #expect(try await stale.verdict().failures == ["provenance.merkle_root"])
        var renewed = SampleBundle()
        let fresh = changed.replacing(original.byproducts[0].sha256?.hex ?? "-", with: root.hex)
        renewed.statementBytes = try JSONValue(parsing: Array(fresh.utf8)).canonicalBytes()
        #expect(try await renewed.verdict().outcome == .accepted)
    }
}
