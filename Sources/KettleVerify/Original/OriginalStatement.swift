import KettleProvenance

/// A statement of the original Kettle (`buildType` `https://lunal.dev/kettle/*@v1`), read strictly: exactly the members that it
/// writes, with their types. What nobody wrote nobody looked at, and it would ride along.
struct OriginalStatement {
    let json: JSONValue
    let buildType: String
    let sourceURI: String
    let gitCommit: String?
    let builderID: String
    let lockfileDigest: String
    let invocationID: String
    let finishedOn: Statement.Timestamp?
    let kettleVersion: String?
    /// Names and SHA-256 digests, as they are written.
    let subjects: [(name: String, digest: String)]
    let packages: [String]

    private static let prefix = "https://lunal.dev/kettle/"
    private static let buildTypes: Set = ["cargo", "nix", "pnpm"].reduce(into: Set<String>()) {
        $0.insert("\(prefix)\($1)@v1")
    }

    /// Whether the document says that the original Kettle wrote it.
    static func isClaimed(by json: JSONValue) -> Bool {
        json["predicate"]?["buildDefinition"]?["buildType"]?.stringValue?.hasPrefix(prefix) == true
    }

    /// Why a document is no statement of the original's.
    struct Fault: Error {
        /// `provenance.unknown`, `provenance.format` or `provenance.type`.
        let code: String
        let message: String
    }

    init(_ json: JSONValue) throws(Fault) {
        self.json = json
        let statement = try Members(json, "the statement", ["_type", "predicate", "predicateType", "subject"])
        guard try statement.text("_type") == Statement.type,
            try statement.text("predicateType") == Statement.predicateType
        else {
            throw Fault(code: "provenance.type", message: "the statement is not in-toto v1 with SLSA provenance v1")
        }
        let predicate = try statement.members("predicate", ["buildDefinition", "runDetails"])
        let definition = try predicate.members(
            "buildDefinition", ["buildType", "externalParameters", "internalParameters", "resolvedDependencies"])
        buildType = try definition.text("buildType")
        guard Self.buildTypes.contains(buildType) else {
            throw Fault(
                code: "provenance.type", message: "the build type \(buildType) is none that the original Kettle had")
        }
        let external = try definition.members("externalParameters", ["buildCommand", "source"])
        _ = try external.text("buildCommand")
        let source = try external.members("source", ["digest", "uri"])
        sourceURI = try source.text("uri")
        let digest = try source.members("digest", ["gitCommit", "gitTree"])
        gitCommit = try digest.text("gitCommit")
        _ = try digest.text("gitTree")

        let inner = try definition.members(
            "internalParameters", ["lockfileHash", "toolchain"], optional: ["evaluation", "flakeInputs"])
        if inner.has("evaluation") {
            let evaluation = try inner.members("evaluation", ["derivationCount", "fetchCount"])
            for name in ["derivationCount", "fetchCount"] { _ = try evaluation.count(name) }
        }
        if inner.has("flakeInputs") {
            for input in try inner.list("flakeInputs", ["name", "narHash"]) {
                for name in ["name", "narHash"] { _ = try input.text(name) }
            }
        }
        lockfileDigest = try Self.digest(inner, "lockfileHash").value
        kettleVersion = try Self.kettleVersion(inner)

        var packages: [String] = []
        for entry in try definition.list("resolvedDependencies", ["digest", "name", "uri"], optional: ["annotations"]) {
            _ = try Self.digest(entry, "digest")
            _ = try entry.text("name")
            packages.append(try entry.text("uri"))
            if entry.has("annotations") {
                let annotations = try entry.members(
                    "annotations", ["drvPath"], optional: ["outputHashMode", "url", "urls"])
                for name in ["drvPath", "outputHashMode", "url", "urls"] where annotations.has(name) {
                    _ = try annotations.text(name)
                }
            }
        }
        self.packages = packages

        let details = try predicate.members("runDetails", ["builder", "byproducts", "metadata"])
        builderID = try details.members("builder", ["id"]).text("id")
        for entry in try details.list("byproducts", ["digest", "name"]) {
            _ = try Self.digest(entry, "digest")
            _ = try entry.text("name")
        }
        let metadata = try details.members("metadata", ["invocationId", "startedOn", "finishedOn"])
        invocationID = try metadata.text("invocationId")
        _ = try Self.time(metadata, "startedOn")
        finishedOn = metadata.isNull("finishedOn") ? nil : try Self.time(metadata, "finishedOn")

        var subjects: [(name: String, digest: String)] = []
        for entry in try statement.list("subject", ["digest", "name"]) {
            let (algorithm, value) = try Self.digest(entry, "digest")
            guard algorithm == "sha256" else {
                throw Fault(code: "artifact.digest", message: "an artifact's digest is not SHA-256")
            }
            subjects.append((try entry.text("name"), value))
        }
        self.subjects = subjects
    }

    /// What `sha256` or `sha512` says; there is exactly one of them.
    private static func digest(_ members: Members, _ name: String) throws(Fault) -> (algorithm: String, value: String) {
        let digest = try members.members(name, [], optional: ["sha256", "sha512"])
        let has = ["sha256", "sha512"].filter(digest.has)
        guard let algorithm = has.first, has.count == 1 else { throw digest.wrong("does not have exactly one digest") }
        return (algorithm, try digest.text(algorithm))
    }

    /// The toolchain has exactly the tools of one of three kinds.
    private static func kettleVersion(_ inner: Members) throws(Fault) -> String? {
        let toolchain = try inner.members(
            "toolchain", [], optional: ["cargo", "rustc", "nix", "pnpm", "node", "kettle"])
        let names = toolchain.names
        guard
            [["cargo", "rustc", "kettle"], ["nix", "kettle"], ["pnpm", "node", "kettle"]].contains(where: {
                Set($0) == names
            })
        else {
            throw Fault(
                code: "provenance.unknown",
                message: "the toolchain is not that of cargo, nix or pnpm: \(names.sorted().joined(separator: ", "))")
        }
        var version: String?
        for name in names.sorted() {
            let tool = try toolchain.members(name, ["digest", "version"])
            _ = try digest(tool, "digest")
            if name == "kettle" { version = try tool.text("version") }
        }
        return version.map { $0.hasPrefix("kettle ") ? String($0.dropFirst("kettle ".count)) : $0 }
    }

    /// `2026-03-05T07:06:13.588328+00:00`: a time in UTC with or without a fraction, to the second.
    private static func time(_ members: Members, _ name: String) throws(Fault) -> Statement.Timestamp {
        let text = Array(try members.text(name).utf8)
        var rest = text.dropFirst(19)
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            guard (1...9).contains(digits.count) else { throw members.wrong("has a \(name) that is not a time") }
            rest = rest.dropFirst(1 + digits.count)
        }
        guard rest.elementsEqual("+00:00".utf8) || rest.elementsEqual("Z".utf8),
            let time = Statement.Timestamp(text: String(decoding: text.prefix(19), as: UTF8.self) + "Z")
        else { throw members.wrong("has a \(name) that is not a time in UTC") }
        return time
    }
}

extension OriginalStatement {
    /// What it says of itself, in our terms. It does not tell which ref was asked for.
    var claims: Claims {
        Claims(
            builderID: builderID, buildType: buildType, source: "git+\(sourceURI)", ref: nil, requestedRef: nil,
            commit: gitCommit,
            finishedOn: finishedOn, kettleVersion: kettleVersion,
            inputs: packages, isOriginal: true)
    }
}

/// An object that has exactly the members it may have.
private struct Members {
    private let values: [String: JSONValue]
    private let place: String

    typealias Fault = OriginalStatement.Fault

    init(_ value: JSONValue?, _ place: String, _ required: [String], optional: [String] = []) throws(Fault) {
        guard let values = value?.objectValue else {
            throw Fault(code: "provenance.format", message: "\(place) is not an object")
        }
        if let unknown = values.keys.filter({ !required.contains($0) && !optional.contains($0) }).min() {
            throw Fault(code: "provenance.unknown", message: "\(place) has the unknown member \"\(unknown)\"")
        }
        if let missing = required.first(where: { values[$0] == nil }) {
            throw Fault(code: "provenance.format", message: "\(place) lacks \(missing)")
        }
        self.values = values
        self.place = place
    }

    var names: Set<String> { Set(values.keys) }
    func has(_ name: String) -> Bool { values[name] != nil }
    func isNull(_ name: String) -> Bool { values[name]?.isNull == true }
    func wrong(_ what: String) -> Fault { Fault(code: "provenance.format", message: "\(place) \(what)") }

    func text(_ name: String) throws(Fault) -> String {
        guard let text = values[name]?.stringValue else { throw wrong("has a \(name) that is not a string") }
        return text
    }

    func count(_ name: String) throws(Fault) -> Int64 {
        guard let count = values[name]?.integerValue else { throw wrong("has a \(name) that is not a number") }
        return count
    }

    func members(_ name: String, _ required: [String], optional: [String] = []) throws(Fault) -> Members {
        try Members(values[name], name, required, optional: optional)
    }

    func list(_ name: String, _ required: [String], optional: [String] = []) throws(Fault) -> [Members] {
        guard let entries = values[name]?.arrayValue else { throw wrong("has \(name) that are not a list") }
        var list: [Members] = []
        for entry in entries { list.append(try Members(entry, "an entry of \(name)", required, optional: optional)) }
        return list
    }
}
