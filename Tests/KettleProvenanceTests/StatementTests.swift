import KettleProvenance
import Testing

@Suite struct StatementTests {
    static let statement = Statement(
        subject: [Statement.Subject(name: "tally", digest: ContentDigest(of: "program".utf8))],
        buildType: Statement.buildType(toolchain: "cargo"),
        externalParameters: ["source": "git+https://forge.example/tally@main", "ref": "main"],
        internalParameters: ["kettle": ["version": "0.1.0"], "commands": []],
        resolvedDependencies: [
            ResourceDescriptor(
                uri: "git+https://forge.example/tally@main",
                digest: ["gitCommit": String(repeating: "a", count: 40), "gitTree": String(repeating: "b", count: 40)]),
            ResourceDescriptor(name: "Cargo.lock", sha256: ContentDigest(of: "lock".utf8)),
            ResourceDescriptor(
                name: "rustc", digest: ["sha256": ContentDigest(of: "rustc".utf8).hex],
                annotations: ["version": "1.90.0"]),
        ],
        builderID: Statement.builderID(platform: "software"), invocationID: "0123456789abcdef01234567",
        startedOn: Statement.Timestamp(secondsSince1970: 1_795_000_000),
        finishedOn: Statement.Timestamp(secondsSince1970: 1_795_000_009), buildLog: ContentDigest(of: "log".utf8))

    /// The golden form: any change to it is a change of format and belongs into the CHANGELOG.
    static let text =
        #"{"_type":"https://in-toto.io/Statement/v1","predicate":{"buildDefinition":{"#
        + #""buildType":"https://kettle.build/cargo/v1","#
        + #""externalParameters":{"ref":"main","source":"git+https://forge.example/tally@main"},"#
        + #""internalParameters":{"commands":[],"kettle":{"version":"0.1.0"}},"resolvedDependencies":["#
        + #"{"digest":{"gitCommit":"\#(String(repeating: "a", count: 40))","#
        + #""gitTree":"\#(String(repeating: "b", count: 40))"},"uri":"git+https://forge.example/tally@main"},"#
        + #"{"digest":{"sha256":"\#(ContentDigest(of: "lock".utf8))"},"name":"Cargo.lock"},"#
        + #"{"annotations":{"version":"1.90.0"},"digest":{"sha256":"\#(ContentDigest(of: "rustc".utf8))"},"#
        + #""name":"rustc"}]},"runDetails":{"builder":{"id":"https://kettle.build/builder/software/v1"},"#
        + #""byproducts":[{"digest":{"sha256":"\#(statement.byproducts[0].sha256?.hex ?? "")"},"#
        + #""name":"input_merkle_root"},{"digest":{"sha256":"\#(ContentDigest(of: "log".utf8))"},"name":"build.log"}],"#
        + #""metadata":{"finishedOn":"2026-11-18T11:06:49Z","invocationId":"0123456789abcdef01234567","#
        + #""startedOn":"2026-11-18T11:06:40Z"}}},"predicateType":"https://slsa.dev/provenance/v1","#
        + #""subject":[{"digest":{"sha256":"\#(ContentDigest(of: "program".utf8))"},"name":"tally"}]}"#

    @Test func `a statement is written in its golden form`() {
        #expect(String(decoding: Self.statement.encoded(), as: UTF8.self) == Self.text)
    }

    @Test func `what was written is read back`() throws {
        #expect(try Statement(parsing: Self.statement.encoded()) == Self.statement)
    }

    @Test func `the Merkle root covers the entries as they stand`() {
        let entries = Self.statement.resolvedDependencies.map { $0.json.canonicalBytes() }
        #expect(Self.statement.byproducts[0].sha256 == MerkleTree.root(of: entries))
        #expect(Self.statement.byproducts.map(\.name) == ["input_merkle_root", "build.log"])
    }

    @Test func `unknown members are passed over`() throws {
        let extended = Self.text.dropLast() + #","later":{"x":1}}"#
        #expect(try Statement(parsing: Array(extended.utf8)) == Self.statement)
    }

    /// Members that a descriptor may or may not have.
    private static let optional: Set<String> = ["digest", "name", "uri", "annotations"]

    /// Each member left out, and each given another type.
    @Test func `a statement that lacks a member or has another type is refused`() throws {
        let json = Self.statement.json
        let paths = memberPaths(of: json).filter { path in
            let isDescriptor = path.contains("resolvedDependencies") || path.contains("byproducts")
            let isFree = path.contains("internalParameters") || path.contains("externalParameters")
            let isOptional = isDescriptor && (Self.optional.contains(path.last ?? "") || path.contains("annotations"))
            let isOneDigest = isDescriptor && path.contains("digest")
            return !isOptional && !isOneDigest && !(isFree && path.count > 3)
        }
        #expect(paths.count >= 20)
        for path in paths {
            let without = json.replacing(path[...], with: nil)
            #expect(throws: StatementError.self, "\(path)") { try Statement(json: without) }
            let otherwise = json.replacing(path[...], with: 7)
            #expect(throws: StatementError.self, "\(path)") { try Statement(json: otherwise) }
        }
    }

    @Test(
        arguments: [
            (["_type"], "https://in-toto.io/Statement/v0.1"), (["predicateType"], "https://slsa.dev/provenance/v0.2"),
            (["predicate", "runDetails", "metadata", "startedOn"], "2026-11-18T11:06:40+00:00"),
            (["subject", "0", "digest", "sha256"], "ABCD"),
            (["predicate", "buildDefinition", "resolvedDependencies", "0", "digest", "gitCommit"], "abc"),
            (["predicate", "buildDefinition", "resolvedDependencies", "0", "digest", "gitCommit"], "main"),
        ] as [([String], String)])
    func `a value that no statement has is refused`(path: [String], value: String) {
        let changed = Self.statement.json.replacing(path[...], with: .string(value))
        #expect(throws: StatementError.self) { try Statement(json: changed) }
    }

    @Test func `an external parameter that is no string is refused`() {
        let path = ["predicate", "buildDefinition", "externalParameters", "ref"]
        for value in [nil, true, 1, ["a"], ["a": "b"]] as [JSONValue] {
            let changed = Self.statement.json.replacing(path[...], with: value)
            #expect(
                throws: StatementError.wrongType(
                    member: "statement.\(path.joined(separator: "."))", expected: "a string")
            ) {
                try Statement(json: changed)
            }
        }
    }

    private func memberPaths(of value: JSONValue, below path: [String] = []) -> [[String]] {
        switch value {
        case .object(let members):
            members.sorted { $0.key < $1.key }.flatMap {
                [path + [$0.key]] + memberPaths(of: $0.value, below: path + [$0.key])
            }
        case .array(let elements): elements.enumerated().flatMap { memberPaths(of: $1, below: path + [String($0)]) }
        default: []
        }
    }
}

extension JSONValue {
    /// The value with the member at a path replaced, or left out.
    fileprivate func replacing(_ path: ArraySlice<String>, with value: JSONValue?) -> JSONValue {
        guard let step = path.first else { return value ?? self }
        let rest = path.dropFirst()
        switch self {
        case .object(var members):
            members[step] = rest.isEmpty ? value : members[step]?.replacing(rest, with: value)
            return .object(members)
        case .array(var elements):
            if let index = Int(step), elements.indices.contains(index) {
                elements[index] = elements[index].replacing(rest, with: value)
            }
            return .array(elements)
        default: return self
        }
    }
}
