public import KettleError
import KettleProvenance
import KettleTOML

extension Policy {
    /// No policy comes near this, in bytes.
    public static let limitInBytes = 1 << 20
    /// Parts of a trusted computing base that have a version: SEV-SNP's.
    private static let parts = ["bootloader", "tee", "snp", "microcode", "fmc"]

    /// Reads a policy file: TOML, strictly. What this version does not know would be asked in vain, so it is refused.
    ///
    /// - Throws: ``PolicyError``.
    public init(parsing bytes: [UInt8]) throws(PolicyError) {
        guard bytes.count <= Self.limitInBytes else { throw .tooLarge(limitInBytes: Self.limitInBytes) }
        let table: TOMLTable
        do {
            table = try TOMLReader.read(bytes)
        } catch {
            throw .malformed(line: error.line, reason: error.reason)
        }
        let known: Set = [
            "version", "builders", "build_types", "sources", "refs", "commits", "software_keys", "measurements",
            "maximum_age", "minimum_tcb", "dependencies",
        ]
        if let key = table.keys.filter({ !known.contains($0) }).min() { throw .unknownKey(key) }
        guard let version = table["version"] else { throw .missing(key: "version") }
        guard version == .integer(1) else { throw .unknownVersion }
        self.init()
        builders = try Self.list(table["builders"], "builders", "a builder's id") {
            $0.hasPrefix("https://") ? $0 : nil
        }
        buildTypes = try Self.list(table["build_types"], "build_types", "a build type's URI") {
            $0.hasPrefix("https://") ? $0 : nil
        }
        sources = try Self.list(
            table["sources"], "sources", "git+https://…, archive:…, or one of them ending in /*", SourcePattern.init)
        refs = try Self.list(table["refs"], "refs", "a ref, HEAD, or a beginning with * at its end", RefPattern.init)
        commits = try Self.list(table["commits"], "commits", "a full commit id in lower case", Self.commit)
        softwareKeys = Set(
            try Self.list(
                table["software_keys"], "software_keys", "a SHA-256 fingerprint in lower case", ContentDigest.init(hex:)
            )
                ?? [])
        measurements = try Self.list(
            table["measurements"], "measurements", "96 hexadecimal digits in lower case", Self.measurement)
        maximumAge = try Self.age(table["maximum_age"])
        minimumTCB = try Self.minimumTCB(table["minimum_tcb"])
        guard let value = table["dependencies"] else { return }
        guard let dependencies = value.tableValue else {
            throw .wrongType(key: "dependencies", expected: "a table")
        }
        if let key = dependencies.keys.filter({ !["required", "denied"].contains($0) }).min() {
            throw .unknownKey("dependencies.\(key)")
        }
        required = try Self.packages(dependencies["required"], "dependencies.required")
        denied = try Self.packages(dependencies["denied"], "dependencies.denied")
    }

    /// A git commit in full, as statements write it.
    static func commit(_ text: String) -> String? {
        [40, 64].contains(text.utf8.count) && [UInt8](hexadecimal: text) != nil ? text : nil
    }

    /// A launch digest.
    public static func measurement(_ text: String) -> [UInt8]? {
        [UInt8](hexadecimal: text).flatMap { $0.count == 48 ? $0 : nil }
    }

    /// A time such as `90s`, `15m`, `12h` or `30d`, in seconds; nil for any other text, and for more than 100 years.
    public static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let number = Int64(text.dropLast())
        else { return nil }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow || !ageRange.contains(seconds) ? nil : seconds
    }

    private static let ageRange: ClosedRange<Int64> = 1...100 * 366 * 86_400

    // MARK: - Values

    private static func packages(_ value: TOMLValue?, _ key: String) throws(PolicyError) -> [PackageURL] {
        try list(value, key, "a package URL such as pkg:cargo/serde@1.0.228", PackageURL.init(parsing:)) ?? []
    }

    /// A list that is not empty and says nothing twice.
    private static func list<Element: Hashable>(
        _ value: TOMLValue?, _ key: String, _ expected: String, _ parse: (String) -> Element?
    ) throws(PolicyError) -> [Element]? {
        guard let value else { return nil }
        guard let values = value.arrayValue else { throw .wrongType(key: key, expected: "a list of texts") }
        guard !values.isEmpty else { throw .empty(key: key) }
        var elements: [Element] = []
        for value in values {
            guard let text = value.stringValue else { throw .wrongType(key: key, expected: "a list of texts") }
            guard let element = parse(text) else { throw .invalid(key: key, value: text, expected: expected) }
            guard !elements.contains(element) else { throw .duplicate(key: key, value: text) }
            elements.append(element)
        }
        return elements
    }

    private static func age(_ value: TOMLValue?) throws(PolicyError) -> Int64? {
        let expected = "a time such as 90s, 15m, 12h or 30d"
        switch value {
        case nil: return nil
        case .integer(let seconds)?:
            guard ageRange.contains(seconds) else {
                throw .invalid(key: "maximum_age", value: "\(seconds)", expected: expected)
            }
            return seconds
        case .string(let text)?:
            guard let seconds = seconds(text) else {
                throw .invalid(key: "maximum_age", value: text, expected: expected)
            }
            return seconds
        default: throw .wrongType(key: "maximum_age", expected: expected)
        }
    }

    private static func minimumTCB(_ value: TOMLValue?) throws(PolicyError) -> [String: Int64]? {
        guard let value else { return nil }
        guard let table = value.tableValue else { throw .wrongType(key: "minimum_tcb", expected: "a table") }
        guard !table.isEmpty else { throw .empty(key: "minimum_tcb") }
        var parts: [String: Int64] = [:]
        for (part, value) in table {
            guard Self.parts.contains(part) else { throw .unknownKey("minimum_tcb.\(part)") }
            guard case .integer(let version) = value, (0...255).contains(version) else {
                throw .wrongType(key: "minimum_tcb.\(part)", expected: "a number from 0 to 255")
            }
            parts[part] = version
        }
        return parts
    }
}

/// Why a file is no policy.
public enum PolicyError: UserFacingError, Hashable {
    case tooLarge(limitInBytes: Int)
    case malformed(line: Int, reason: String)
    case unknownVersion
    case unknownKey(String)
    case missing(key: String)
    case wrongType(key: String, expected: String)
    case empty(key: String)
    case invalid(key: String, value: String, expected: String)
    case duplicate(key: String, value: String)

    public var code: String {
        switch self {
        case .tooLarge: "policy.too_large"
        case .malformed: "policy.malformed"
        case .unknownVersion: "policy.unknown_version"
        case .unknownKey: "policy.unknown_key"
        case .missing: "policy.missing_key"
        case .wrongType: "policy.wrong_type"
        case .empty: "policy.empty"
        case .invalid: "policy.invalid"
        case .duplicate: "policy.duplicate"
        }
    }

    public var message: String {
        switch self {
        case .tooLarge(let limit): "the policy is larger than \(limit) bytes"
        case .malformed(let line, let reason): "the policy is malformed in line \(line): \(reason)"
        case .unknownVersion: "the policy is of a version that this Kettle does not know"
        case .unknownKey(let key): "the policy has the unknown key \(Self.shown(key))"
        case .missing(let key): "the policy has no \(key)"
        case .wrongType(let key, let expected): "\(key) of the policy is not \(expected)"
        case .empty(let key): "\(key) of the policy is empty, which nothing could satisfy"
        case .invalid(let key, let value, let expected):
            "\(key) of the policy has \(Self.shown(value)), which is not \(expected)"
        case .duplicate(let key, let value): "\(key) of the policy has \(Self.shown(value)) twice"
        }
    }

    public var hint: String? {
        switch self {
        case .unknownVersion, .missing: "a policy begins with version = 1; kettle policy init writes one"
        case .unknownKey: "docs/policy.md has the keys"
        case .empty: "leave the key out to ask nothing"
        default: nil
        }
    }
}
