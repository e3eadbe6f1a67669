extension Statement {
    /// The statement's bytes: RFC 8785 canonical JSON, the same for the same statement everywhere.
    public func encoded() -> [UInt8] { json.canonicalBytes() }

    /// The statement as a JSON object.
    public var json: JSONValue {
        [
            "_type": .string(Self.type),
            "subject": .array(
                subject.map { ["name": .string($0.name), "digest": ["sha256": .string($0.digest.hex)]] }),
            "predicateType": .string(Self.predicateType),
            "predicate": [
                "buildDefinition": [
                    "buildType": .string(buildType),
                    "externalParameters": .object(externalParameters.mapValues(JSONValue.string)),
                    "internalParameters": .object(internalParameters),
                    "resolvedDependencies": .array(resolvedDependencies.map(\.json)),
                ],
                "runDetails": [
                    "builder": ["id": .string(builderID)],
                    "metadata": [
                        "invocationId": .string(invocationID),
                        "startedOn": .string(startedOn.text),
                        "finishedOn": .string(finishedOn.text),
                    ],
                    "byproducts": .array(byproducts.map(\.json)),
                ],
            ],
        ]
    }

    /// Reads a statement that Kettle could have written, from bytes that may come from anyone.
    ///
    /// Every member that ``encoded()`` writes must be there with its type. Members that it does not write are passed over,
    /// as in-toto asks, except among the external parameters, which keep all that they hold. Whether the bytes are
    /// canonical is the verifier's question.
    ///
    /// - Throws: ``StatementError``.
    public init(parsing bytes: [UInt8]) throws(StatementError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw .notJSON(error)
        }
        try self.init(json: json)
    }

    /// The same for a document that has been read already.
    public init(json: JSONValue) throws(StatementError) {
        let top = StatementReader(json, at: "statement")
        try top.require("_type", is: Self.type)
        try top.require("predicateType", is: Self.predicateType)
        let predicate = try top.object("predicate")
        let definition = try predicate.object("buildDefinition")
        let details = try predicate.object("runDetails")
        let metadata = try details.object("metadata")
        var parameters: [String: String] = [:]
        let external = try definition.object("externalParameters")
        for name in external.names { parameters[name] = try external.string(name) }
        self.init(
            subject: try top.list("subject").map { subject throws(StatementError) in try subject.subject() },
            buildType: try definition.string("buildType"),
            externalParameters: parameters,
            internalParameters: try definition.object("internalParameters").members(),
            resolvedDependencies: try definition.list("resolvedDependencies").map {
                entry throws(StatementError) in try entry.descriptor()
            },
            builderID: try details.object("builder").string("id"),
            invocationID: try metadata.string("invocationId"),
            startedOn: try metadata.timestamp("startedOn"),
            finishedOn: try metadata.timestamp("finishedOn"),
            byproducts: try details.list("byproducts").map { entry throws(StatementError) in try entry.descriptor() })
    }
}

/// A part of the document and where it stands, so that an error can name the place.
private struct StatementReader {
    private let value: JSONValue
    private let place: String

    init(_ value: JSONValue, at place: String) {
        self.value = value
        self.place = place
    }

    var names: [String] { value.objectValue.map { $0.keys.sorted() } ?? [] }

    func members() throws(StatementError) -> [String: JSONValue] {
        guard let members = value.objectValue else { throw .wrongType(member: place, expected: "an object") }
        return members
    }

    private func member(_ name: String) throws(StatementError) -> StatementReader {
        guard let member = try members()[name] else { throw .missing(member: "\(place).\(name)") }
        return StatementReader(member, at: "\(place).\(name)")
    }

    func object(_ name: String) throws(StatementError) -> StatementReader {
        let member = try member(name)
        _ = try member.members()
        return member
    }

    func list(_ name: String) throws(StatementError) -> [StatementReader] {
        let member = try member(name)
        guard let elements = member.value.arrayValue else {
            throw .wrongType(member: member.place, expected: "an array")
        }
        return elements.enumerated().map { StatementReader($1, at: "\(member.place)[\($0)]") }
    }

    func string(_ name: String) throws(StatementError) -> String {
        let member = try member(name)
        guard let text = member.value.stringValue else { throw .wrongType(member: member.place, expected: "a string") }
        return text
    }

    func require(_ name: String, is expected: String) throws(StatementError) {
        let actual = try string(name)
        guard actual == expected else {
            throw .wrongValue(member: "\(place).\(name)", expected: expected, actual: actual)
        }
    }

    func timestamp(_ name: String) throws(StatementError) -> Statement.Timestamp {
        let text = try string(name)
        guard let time = Statement.Timestamp(text: text) else {
            throw .wrongValue(member: "\(place).\(name)", expected: "a time such as 2026-11-24T00:12:10Z", actual: text)
        }
        return time
    }

    func subject() throws(StatementError) -> Statement.Subject {
        let digests = try digests("digest")
        guard let digest = digests["sha256"].flatMap(ContentDigest.init(hex:)) else {
            throw .missing(member: "\(place).digest.sha256")
        }
        return Statement.Subject(name: try string("name"), digest: digest)
    }

    func descriptor() throws(StatementError) -> ResourceDescriptor {
        let members = try members()
        func optionalString(_ name: String) throws(StatementError) -> String? {
            members[name] == nil ? nil : try string(name)
        }
        return ResourceDescriptor(
            name: try optionalString("name"), uri: try optionalString("uri"),
            digest: members["digest"] == nil ? [:] : try digests("digest"),
            downloadLocation: try optionalString("downloadLocation"), mediaType: try optionalString("mediaType"),
            annotations: members["annotations"] == nil ? nil : try object("annotations").members())
    }

    /// Digests by algorithm. Those with a known length must have it, so that none is cut short.
    private func digests(_ name: String) throws(StatementError) -> [String: String] {
        let object = try object(name)
        var digests: [String: String] = [:]
        for algorithm in object.names {
            let text = try object.string(algorithm)
            guard let bytes = [UInt8](hexadecimal: text), Self.lengths(algorithm).contains(bytes.count) else {
                throw .wrongValue(
                    member: "\(place).\(name).\(algorithm)", expected: "a lower-case hexadecimal digest", actual: text)
            }
            digests[algorithm] = text
        }
        return digests
    }

    private static func lengths(_ algorithm: String) -> [Int] {
        switch algorithm {
        case "sha256": [32]
        case "sha384": [48]
        case "sha512": [64]
        case "sha1": [20]
        case "gitCommit", "gitTree", "gitBlob": [20, 32]
        default: Array(1...128)
        }
    }
}
