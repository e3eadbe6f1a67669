import KettleProvenance
import Testing

@Suite struct SoftwareBillOfMaterialsTests {
    private static let serde = PackageURL.cargo(name: "serde", version: "1.0.0")
    private static let derive = PackageURL.cargo(name: "serde_derive", version: "1.0.0")

    private func statement(name: String = "tally") -> Statement {
        Statement(
            subject: [.init(name: name, digest: ContentDigest(of: Array("tally".utf8)))],
            buildType: Statement.buildType(toolchain: "cargo"), externalParameters: ["source": "archive:\(name).zip"],
            internalParameters: [:],
            resolvedDependencies: [
                ResourceDescriptor(
                    uri: "archive:\(name).zip",
                    digest: [
                        "sha256": String(repeating: "1", count: 64), "gitTree": String(repeating: "2", count: 40),
                    ], annotations: ["gitTreeSha256": .string(String(repeating: "3", count: 64))]),
                ResourceDescriptor(name: "Cargo.lock", sha256: ContentDigest(of: [1])),
                ResourceDescriptor(uri: Self.serde, sha256: ContentDigest(of: [2])),
                ResourceDescriptor(
                    uri: Self.derive, digest: ["gitTree": String(repeating: "4", count: 40)],
                    annotations: ["vendored": "source"]),
                ResourceDescriptor(
                    name: "rustc", digest: ["sha256": ContentDigest(of: [3]).hex],
                    annotations: ["version": "rustc 1.90.0"]),
            ], builderID: Statement.builderID(platform: "software"), invocationID: "0123456789abcdef01234567",
            startedOn: .init(secondsSince1970: 1_795_000_000), finishedOn: .init(secondsSince1970: 1_795_000_009),
            buildLog: ContentDigest(of: []))
    }

    private func bill(name: String = "tally", graph: [String: [String]]? = nil) -> SoftwareBillOfMaterials {
        SoftwareBillOfMaterials(
            of: statement(name: name), kettleVersion: "0.1.0",
            graph: graph ?? ["": [Self.serde], Self.serde: [Self.derive]])
    }

    @Test func `the document says what the statement says`() throws {
        let json = try JSONValue(parsing: bill().encoded())
        #expect(json == bill().json)
        #expect(json["bomFormat"] == "CycloneDX")
        #expect(json["specVersion"] == "1.6")
        #expect(json["serialNumber"]?.stringValue?.hasPrefix("urn:uuid:") == true)
        #expect(json["metadata"]?["timestamp"] == "2026-11-18T11:06:49Z")
        let main = try #require(json["metadata"]?["component"])
        #expect(main["hashes"]?.arrayValue?.first?["content"]?.stringValue == String(repeating: "1", count: 64))
        #expect(main["components"]?.arrayValue?.first?["name"] == "tally")
        let components = json["components"]?.arrayValue ?? []
        #expect(components.map { $0["name"]?.stringValue } == ["serde", "serde_derive", "Cargo.lock", "rustc"])
        #expect(components[0]["purl"]?.stringValue == Self.serde)
        #expect(components[1]["hashes"] == nil)
        #expect(
            components[1]["properties"] == [
                ["name": "kettle:gitTree", "value": .string(String(repeating: "4", count: 40))],
                ["name": "kettle:vendored", "value": "source"],
            ])
        #expect(components[3]["version"] == "rustc 1.90.0")
        #expect(components[3]["scope"] == "excluded")
        #expect(
            json["dependencies"] == [
                ["ref": "source", "dependsOn": [.string(Self.serde)]],
                ["ref": .string(Self.serde), "dependsOn": [.string(Self.derive)]],
                ["ref": .string(Self.derive), "dependsOn": []],
            ])
    }

    @Test func `the same build gives the same bytes, and another build another number`() {
        #expect(bill().encoded() == bill().encoded())
        var other = statement()
        other.invocationID = "1"
        let number = { (bill: SoftwareBillOfMaterials) in bill.json["serialNumber"]?.stringValue }
        #expect(
            number(SoftwareBillOfMaterials(of: other, kettleVersion: "0.1.0", graph: [:])) != number(bill()))
        // RFC 9562: version 8, variant 10.
        let uuid = Array(number(bill()) ?? "")
        #expect(uuid.count == 45 && uuid[23] == "8" && "89ab".contains(uuid[28]))
    }

    @Test func `a package that nothing in the statement knows is no part of the graph`() {
        let json = bill(graph: ["": ["pkg:cargo/ghost@1.0.0", Self.serde], "pkg:cargo/ghost@1.0.0": [Self.serde]]).json
        #expect(json["dependencies"]?.arrayValue?.count == 3)
        #expect(json["dependencies"]?.arrayValue?.first?["dependsOn"] == [.string(Self.serde)])
    }

    @Test(arguments: ["\"},{\"bom-ref\":\"x", "<script>", "\u{202E}\u{1F600}\n", "e\u{301}"])
    func `a name that means something elsewhere is a text here`(name: String) throws {
        let json = try JSONValue(parsing: bill(name: name).encoded())
        #expect(json["metadata"]?["component"]?["components"]?.arrayValue?.first?["name"]?.stringValue == name)
    }
}
