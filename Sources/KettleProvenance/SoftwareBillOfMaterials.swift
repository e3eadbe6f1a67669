/// What a build was made of, as a CycloneDX 1.6 document (ECMA-424), from the same inputs as its statement.
///
/// The main component is the source that was built, with the artifacts in it. Packages are libraries with their package
/// URLs; tools are applications of the scope `excluded`, since no artifact needs them to run. Hashes are the statement's
/// SHA-256 digests; what the statement knows by a git id has that as a property. The same build gives the same bytes.
public struct SoftwareBillOfMaterials: Sendable {
    /// Its name in a bundle, and among the statement's byproducts.
    public static let fileName = "sbom.cdx.json"
    public static let mediaType = "application/vnd.cyclonedx+json; version=1.6"
    /// The reference of the main component.
    private static let sourceReference = "source"

    private let statement: Statement
    private let kettleVersion: String
    private let graph: [String: [String]]

    /// - Parameters:
    ///   - statement: Its inputs, artifacts, id and end; its byproducts need not be there yet.
    ///   - kettleVersion: Of the program that writes it.
    ///   - graph: Which packages a package needs, all by their URIs in the statement; an empty text is the project itself.
    public init(of statement: Statement, kettleVersion: String, graph: [String: [String]]) {
        self.statement = statement
        self.kettleVersion = kettleVersion
        self.graph = graph
    }

    /// The document's bytes: RFC 8785 canonical JSON.
    public func encoded() -> [UInt8] { json.canonicalBytes() }

    /// How a statement names the document.
    public static func byproduct(_ document: [UInt8]) -> ResourceDescriptor {
        ResourceDescriptor(
            name: fileName, digest: ["sha256": ContentDigest(of: document).hex], mediaType: mediaType)
    }

    /// The document as a JSON object.
    public var json: JSONValue {
        let inputs = Array(statement.resolvedDependencies.dropFirst())
        let packages = inputs.filter(\.isPackage)
        let others = inputs.filter { !$0.isPackage }
        return [
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX",
            "specVersion": "1.6", "version": 1, "serialNumber": .string(serialNumber),
            "metadata": [
                "timestamp": .string(statement.finishedOn.text),
                "tools": [
                    "components": [
                        ["type": "application", "name": "Kettle", "version": .string(kettleVersion)]
                    ]
                ],
                "component": main,
            ],
            "components": .array(unique(packages.map(package) + others.map(other))),
            "dependencies": .array(dependencies(among: packages)),
        ]
    }

    /// RFC 9562, section 5.8: a UUID of version 8, of digits of the SHA-256 of the build's id and the document's name.
    private var serialNumber: String {
        var bytes = Array(
            ContentDigest(of: Array("\(statement.invocationID) \(Self.fileName)".utf8)).bytes.prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = bytes.hexadecimal
        var groups: [Substring] = []
        var rest = hex[...]
        for count in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return "urn:uuid:" + groups.joined(separator: "-")
    }

    // MARK: - Components

    private var main: JSONValue {
        let source = statement.resolvedDependencies.first
        var members = members(of: source ?? ResourceDescriptor())
        members["type"] = "application"
        members["bom-ref"] = .string(Self.sourceReference)
        members["name"] = .string(source?.uri ?? statement.externalParameters["source"] ?? "source")
        members["components"] = .array(
            statement.subject.map { subject in
                [
                    "type": "file", "bom-ref": .string("artifact:\(subject.name)"), "name": .string(subject.name),
                    "hashes": [["alg": "SHA-256", "content": .string(subject.digest.hex)]],
                ]
            })
        return .object(members)
    }

    private func package(_ input: ResourceDescriptor) -> JSONValue {
        let uri = input.uri ?? ""
        var members = members(of: input)
        members["type"] = "library"
        members["bom-ref"] = .string(uri)
        members["purl"] = .string(uri)
        let url = PackageURL(parsing: uri)
        members["name"] = .string(url?.name ?? uri)
        if let namespace = url?.namespace, !namespace.isEmpty { members["group"] = .string(namespace) }
        members["version"] = url?.version.map(JSONValue.string)
        return .object(members)
    }

    /// The lockfile, and the tools.
    private func other(_ input: ResourceDescriptor) -> JSONValue {
        var members = members(of: input)
        let name = input.name ?? input.uri ?? "input"
        let isLockfile = input == statement.resolvedDependencies.dropFirst().first
        members["type"] = isLockfile ? "file" : "application"
        members["bom-ref"] = .string("input:\(name)")
        members["name"] = .string(name)
        members["version"] = input.annotations?["version"]?.stringValue.map(JSONValue.string)
        members["scope"] = "excluded"
        return .object(members)
    }

    private func members(of input: ResourceDescriptor) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        if let sha256 = input.digest["sha256"] {
            members["hashes"] = [["alg": "SHA-256", "content": .string(sha256)]]
        }
        var properties = input.digest.filter { $0.key != "sha256" }.map { ("kettle:\($0.key)", $0.value) }
        for (name, value) in input.annotations ?? [:] where name != "version" {
            if let text = value.stringValue { properties.append(("kettle:\(name)", text)) }
        }
        if !properties.isEmpty {
            members["properties"] = .array(
                properties.sorted { $0.0 < $1.0 }.map { ["name": .string($0.0), "value": .string($0.1)] })
        }
        return members
    }

    /// References must be unique in a document; a tool may stand among the inputs twice.
    private func unique(_ components: [JSONValue]) -> [JSONValue] {
        var seen: Set<String> = []
        return components.filter { seen.insert($0["bom-ref"]?.stringValue ?? "").inserted }
    }

    // MARK: - Graph

    /// The project first, then each package by its reference.
    private func dependencies(among packages: [ResourceDescriptor]) -> [JSONValue] {
        let known = Set(packages.compactMap(\.uri))
        var edges: [(String, [String])] = [(Self.sourceReference, graph[""] ?? known.sorted())]
        for uri in known.sorted() { edges.append((uri, graph[uri] ?? [])) }
        return edges.map { reference, needs in
            let needed = Set(needs).intersection(known).sorted()
            return ["ref": .string(reference), "dependsOn": .array(needed.map(JSONValue.string))]
        }
    }
}
