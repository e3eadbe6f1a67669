import KettleAttestation
import KettleProvenance
import KettleVerify
import Testing

/// Every member of the statement and of the evidence changed in every way, and every file of the bundle.
///
/// A changed statement is judged twice: as it is, where its evidence gives it away; and signed again by the trusted key, where
/// the Merkle root fits again too. Then only the statement's own checks are left. What passes them says something else that
/// could be true, and is listed here, path by path.
@Suite struct SystematicForgeryTests {
    private static let original = SampleBundle.statement.json
    private static let inputs = ["predicate", "buildDefinition", "resolvedDependencies"]
    private static let byproducts = ["predicate", "runDetails", "byproducts"]

    // MARK: - The statement

    @Test func `a statement that lacks anything is rejected, unless it tells of another build`() async throws {
        let accepted = try await acceptedChanges { path in [Self.original.without(path)] }
        // A build with a package less, and by a builder that says less of itself.
        #expect(
            accepted == [
                "internalParameters.kettle", "internalParameters.kettle.version", "resolvedDependencies.2",
                "resolvedDependencies.3",
            ])
    }

    @Test func `a value of another type is rejected, but in what is free in form`() async throws {
        let accepted = try await acceptedChanges { path in
            let value = Self.original[path]
            let others: [JSONValue] = [nil, true, 1, 1.5, "x", [], ["x"], [:], ["x": "x"]]
            return others.filter { value.map(Self.kind) != Self.kind($0) }.map { other in
                Self.original.changing(path[...]) { _ in [other] }
            }
        }
        #expect(accepted == ["internalParameters.kettle", "internalParameters.kettle.version"])
    }

    @Test func `a changed last character is rejected, unless it tells of another build`() async throws {
        let accepted = try await acceptedChanges { path in
            guard case .string(let text)? = Self.original[path], let last = text.last else { return [] }
            return [Self.original.changing(path[...]) { _ in [.string(text.dropLast() + (last == "0" ? "1" : "0"))] }]
        }
        #expect(
            accepted == [
                "internalParameters.kettle.version", "resolvedDependencies.0.digest.gitCommit",
                "resolvedDependencies.0.digest.gitTree", "resolvedDependencies.2.digest.sha256",
                "resolvedDependencies.2.uri", "resolvedDependencies.3.digest.sha256", "resolvedDependencies.3.uri",
                "resolvedDependencies.4.digest.sha256", "resolvedDependencies.4.name", "metadata.invocationId",
            ])
    }

    @Test func `a changed first character is rejected, unless it tells of another build`() async throws {
        let accepted = try await acceptedChanges { path in
            guard case .string(let text)? = Self.original[path], let first = text.utf8.first else { return [] }
            let changed = String(decoding: [first ^ 0x20] + text.utf8.dropFirst(), as: UTF8.self)
            return [Self.original.changing(path[...]) { _ in [.string(changed)] }]
        }
        // A letter becomes its capital, and a digit a control character, which only what is free in form may hold.
        #expect(accepted == ["internalParameters.kettle.version", "resolvedDependencies.4.name"])
    }

    @Test func `an empty text is rejected wherever a text has to say something`() async throws {
        let accepted = try await acceptedChanges { path in
            guard case .string? = Self.original[path] else { return [] }
            return [Self.original.changing(path[...]) { _ in [""] }]
        }
        #expect(accepted == ["internalParameters.kettle.version"])
    }

    @Test func `an element that stands twice is rejected`() async throws {
        let accepted = try await acceptedChanges { path in
            guard case .array? = Self.original[path.dropLast()] else { return [] }
            return [Self.original.changing(path[...]) { [$0, $0] }]
        }
        #expect(accepted == [])
    }

    @Test func `a member that stands twice is no JSON, whoever signed it`() async throws {
        for path in Self.original.paths() {
            guard case .object? = Self.original[path.dropLast()] else { continue }
            var sample = SampleBundle()
            sample.statementBytes = Array(Self.original.text(repeating: path[...]).utf8)
            #expect(try await sample.verdict().failures == ["provenance.format"], "\(path)")
        }
    }

    /// Who changes these can sign, so they are caught by asking.
    @Test(
        arguments: [
            (["0", "digest", "gitCommit"], "version = 1\ncommits = [\"\(SampleBundle.commit)\"]", "policy.commit"),
            (["3"], "version = 1\n[dependencies]\nrequired = [\"pkg:cargo/serde\"]", "policy.required"),
            (["3", "uri"], "version = 1\n[dependencies]\nrequired = [\"pkg:cargo/serde@1.0.0\"]", "policy.required"),
        ])
    func `another true statement is caught when somebody asks`(
        place: JSONPath, policy: String, code: String
    ) async throws {
        let path = Self.inputs + place
        var sample = SampleBundle()
        sample.statementBytes = Self.withRoot(
            Self.original.changing(path[...]) { value in
                guard case .string(let text) = value else { return [] }
                return [.string(text.dropLast() + "1")]
            }
        ).canonicalBytes()
        var verifier = sample.verifier
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.policy = try Policy(parsing: Array(policy.utf8))
        #expect(verifier.verify(bundle).failures == [code])
    }

    /// The paths, shortened, at which one of the changed statements is accepted when it is signed again. As it is, none is.
    private func acceptedChanges(_ changes: (JSONPath) -> [JSONValue]) async throws -> [String] {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        var accepted: [String] = []
        for path in Self.original.paths() {
            for changed in changes(path) where changed != Self.original {
                var stolen = contents
                stolen["provenance.json"] = changed.canonicalBytes()
                let asItIs = sample.verifier.verify(try UnverifiedBundle(contents: stolen))
                #expect(asItIs.failures.contains("binding.mismatch"), "\(path)")

                var resigned = sample
                resigned.statementBytes = Self.withRoot(changed).canonicalBytes()
                let verdict = try await resigned.verdict()
                #expect((verdict.outcome == .accepted) == (verdict.verified != nil))
                let name = path.dropFirst(path.starts(with: ["predicate"]) ? 2 : 0).joined(separator: ".")
                if verdict.outcome == .accepted, accepted.last != name { accepted.append(name) }
            }
        }
        return accepted
    }

    /// The statement with the Merkle root of its inputs, where it has both.
    private static func withRoot(_ statement: JSONValue) -> JSONValue {
        guard let entries = statement[inputs]?.arrayValue else { return statement }
        let isRoot = statement[byproducts + ["0", "name"]]?.stringValue == Statement.inputMerkleRootName
        // A root that was itself changed stays as it is.
        guard isRoot, entries != original[inputs]?.arrayValue else { return statement }
        return statement.changing((byproducts + ["0", "digest", "sha256"])[...]) { _ in
            [.string(Statement.inputMerkleRoot(of: entries).hex)]
        }
    }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    // MARK: - The evidence

    @Test func `evidence that lacks a member, repeats one or has another type or text is rejected`() async throws {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let evidence = try JSONValue(parsing: try #require(contents["evidence.json"]))
        var changes: [(JSONPath, [UInt8])] = []
        for path in evidence.paths() {
            changes.append((path, evidence.without(path).canonicalBytes()))
            changes.append((path, Array(evidence.text(repeating: path[...]).utf8)))
            for other in [nil, true, 1, "", "AAAA", [], [:]] as [JSONValue] {
                changes.append((path, evidence.changing(path[...]) { _ in [other] }.canonicalBytes()))
            }
            guard case .string(let text)? = evidence[path] else { continue }
            for index in 0..<text.utf8.count {
                var bytes = Array(text.utf8)
                bytes[index] = bytes[index] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
                let changed = String(decoding: bytes, as: UTF8.self)
                changes.append((path, evidence.changing(path[...]) { _ in [.string(changed)] }.canonicalBytes()))
            }
        }
        #expect(changes.count > 300)
        for (path, bytes) in changes {
            var changed = contents
            changed["evidence.json"] = bytes
            let verdict = sample.verifier.verify(try UnverifiedBundle(contents: changed))
            #expect(verdict.outcome == .rejected, "\(path): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    // MARK: - The files

    /// What tells that a file is gone; nil where the bundle is accepted without it, and says so.
    private static let missing: [String: String?] = [
        "provenance.json": "provenance.missing", "evidence.json": "evidence.missing",
        "artifacts/tally": "artifact.missing", "build-config/Cargo.lock": nil, "build.log": nil, "sbom.cdx.json": nil,
    ]

    @Test(arguments: missing.keys.sorted())
    func `a file that is gone is missed, or said not to be checked`(path: String) async throws {
        let verdict = try await SampleBundle().verdict { $0[path] = nil }
        guard let code = Self.missing[path] ?? nil else {
            #expect(verdict.outcome == .accepted)
            #expect(verdict.findings.contains { $0.status == .notChecked && $0.code.hasSuffix(".absent") })
            return
        }
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures.contains(code))
    }

    @Test func `these are all files of a bundle`() async throws {
        #expect(Set(try await SampleBundle().contents().keys) == Set(Self.missing.keys))
    }

    @Test(arguments: missing.keys.sorted())
    func `a file with another name, and one more of it, are rejected`(path: String) async throws {
        let names = ["\(path)2", path.uppercased(), "artifacts/\(path)", "x/\(path)", "\(path)/x"]
        for name in names where name != path {
            let renamed = try await SampleBundle().verdict { $0[name] = $0.removeValue(forKey: path) }
            #expect(renamed.outcome == .rejected, "\(path) as \(name)")
            let doubled = try await SampleBundle().verdict { $0[name] = $0[path] }
            #expect(doubled.outcome == .rejected, "\(path) and \(name)")
        }
    }

    @Test(arguments: missing.keys.sorted(), [0x01, 0x20, 0x80] as [UInt8])
    func `a file with one changed byte is rejected, wherever that is`(path: String, mask: UInt8) async throws {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let count = try #require(contents[path]?.count)
        for index in stride(from: 0, to: count, by: max(1, count / 200)) {
            var changed = contents
            changed[path]?[index] ^= mask
            #expect(sample.verifier.verify(try UnverifiedBundle(contents: changed)).outcome == .rejected)
        }
    }
}
