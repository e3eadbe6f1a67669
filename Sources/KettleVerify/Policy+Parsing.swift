import KettleAttestation
import KettleProvenance
import KettleTOML

extension Policy {
    /// No policy comes near this, in bytes.
    public static let limitInBytes = 1 << 20

    /// Reads a policy file: TOML, strictly. What this version does not know would be asked in vain, so it is refused.
    ///
    /// - Throws: ``PolicyError``.
    public init(parsing bytes: [UInt8]) throws(PolicyError) {
        let reader = try PolicyReader(bytes)
        self.init()
        builders = try reader.list("builders", of: "a builder's id") { $0.hasPrefix("https://") ? $0 : nil }
        buildTypes = try reader.list("build_types", of: "a build type's URI") { $0.hasPrefix("https://") ? $0 : nil }
        sources = try reader.list(
            "sources", of: "git+https://…, archive:…, or one of them ending in /*", SourcePattern.init)
        refs = try reader.list("refs", of: "a ref, HEAD, or a beginning with * at its end", RefPattern.init)
        commits = try reader.list("commits", of: "a full commit id in lower case", Self.commit)
        softwareKeys = Set(
            try reader.list("software_keys", of: "a SHA-256 fingerprint in lower case", ContentDigest.init(hex:)) ?? [])
        measurementKeys = Set(
            try reader.list("measurement_keys", of: "a SHA-256 fingerprint in lower case", ContentDigest.init(hex:))
                ?? [])
        maximumAge = try reader.age("maximum_age")
        hardware = try reader.hardware()
        let package = "a package URL such as pkg:cargo/serde@1.0.228"
        required = try reader.list("dependencies.required", of: package, PackageURL.init(parsing:)) ?? []
        denied = try reader.list("dependencies.denied", of: package, PackageURL.init(parsing:)) ?? []
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

    fileprivate static let ageRange: ClosedRange<Int64> = 1...100 * 366 * 86_400
}

/// A policy file's table, with the lines that its errors name. Every key in it is one that a policy has.
private struct PolicyReader {
    private static let keys: Set = [
        "version", "builders", "build_types", "sources", "refs", "commits", "software_keys", "measurements",
        "measurement_keys", "maximum_age", "minimum_tcb", "pcrs", "rtmrs", "host_data", "allow_debug",
        "allow_migration",
        "allow_smt",
        "vmpls", "tcb_statuses", "dependencies",
    ]

    private let table: TOMLTable
    private let lines: [String: Int]

    init(_ bytes: [UInt8]) throws(PolicyError) {
        guard bytes.count <= Policy.limitInBytes else {
            throw PolicyError(line: nil, problem: .tooLarge(limitInBytes: Policy.limitInBytes))
        }
        do {
            (table, lines) = try TOMLReader.readWithLines(bytes)
        } catch {
            throw PolicyError(line: error.line, problem: .malformed(reason: error.reason))
        }
        try refuseUnknown(in: table, known: Self.keys)
        guard let version = table["version"] else { throw error("version", .missing(key: "version")) }
        guard version == .integer(1) else { throw error("version", .unknownVersion) }
        if let dependencies = try subtable("dependencies") {
            try refuseUnknown(in: dependencies, below: "dependencies.", known: ["required", "denied"])
        }
        _ = try subtable("pcrs")
        _ = try subtable("rtmrs")
        if let versions = try subtable("minimum_tcb") {
            try refuseUnknown(in: versions, below: "minimum_tcb.", known: Set(SNPTCB.Part.allCases.map(\.rawValue)))
        }
    }

    private func refuseUnknown(
        in table: TOMLTable, below prefix: String = "", known: Set<String>
    ) throws(PolicyError) {
        guard let key = table.keys.filter({ !known.contains($0) }).min() else { return }
        throw error(prefix + key, .unknownKey(prefix + key))
    }

    /// What is wrong with a key. An inline table's line stands for those of its keys.
    private func error(_ key: String, _ problem: PolicyError.Problem) -> PolicyError {
        let table = key.split(separator: ".").first.map(String.init) ?? key
        return PolicyError(line: lines[key] ?? lines[table], problem: problem)
    }

    private func subtable(_ key: String) throws(PolicyError) -> TOMLTable? {
        guard let value = table[key] else { return nil }
        guard let table = value.tableValue else { throw error(key, .wrongType(key: key, expected: "a table")) }
        guard !table.isEmpty else { throw error(key, .empty(key: key)) }
        return table
    }

    private func value(_ key: String) -> TOMLValue? {
        let path = key.split(separator: ".").map(String.init)
        return path.dropFirst().reduce(path.first.flatMap { table[$0] }) { $0?.tableValue?[$1] }
    }

    // MARK: - Values

    /// A list that is not empty and says nothing twice; nil where there is none.
    func list<Element: Hashable>(
        _ key: String, of expected: String, _ parse: (String) -> Element?
    ) throws(PolicyError) -> [Element]? {
        guard let value = value(key) else { return nil }
        let wrongType = PolicyError.Problem.wrongType(key: key, expected: "a list of strings")
        guard let values = value.arrayValue else { throw error(key, wrongType) }
        guard !values.isEmpty else { throw error(key, .empty(key: key)) }
        var elements: [Element] = []
        var seen: Set<Element> = []
        for value in values {
            guard let text = value.stringValue else { throw error(key, wrongType) }
            guard let element = parse(text) else {
                throw error(key, .invalid(key: key, value: text, expected: expected))
            }
            guard seen.insert(element).inserted else { throw error(key, .duplicate(key: key, value: text)) }
            elements.append(element)
        }
        return elements
    }

    /// A time in seconds: a text with its unit. A bare number says too little.
    func age(_ key: String) throws(PolicyError) -> Int64? {
        let expected = "a time such as \"90s\", \"15m\", \"12h\" or \"30d\""
        guard let value = value(key) else { return nil }
        guard let text = value.stringValue else { throw error(key, .wrongType(key: key, expected: expected)) }
        guard let seconds = Policy.seconds(text) else {
            throw error(key, .invalid(key: key, value: text, expected: expected))
        }
        return seconds
    }

    /// A truth value; nil where there is none.
    private func bool(_ key: String) throws(PolicyError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .boolean(let truth) = value else {
            throw error(key, .wrongType(key: key, expected: "true or false"))
        }
        return truth
    }

    /// What hardware's evidence has to say. What is not written keeps the value that refuses.
    func hardware() throws(PolicyError) -> HardwarePolicy {
        var policy = HardwarePolicy()
        policy.launchDigests = try list(
            "measurements", of: "96 lower-case hexadecimal digits", Policy.measurement
        ).map(Set.init)
        policy.hostData = try list("host_data", of: "64 or 96 lower-case hexadecimal digits") { text in
            [UInt8](hexadecimal: text).flatMap { [32, 48].contains($0.count) ? $0 : nil }
        }.map(Set.init)
        policy.pcrs = try registers("pcrs", count: 24, length: 32)
        policy.rtmrs = try registers("rtmrs", count: 4, length: 48)
        policy.allowsDebug = try bool("allow_debug") ?? policy.allowsDebug
        policy.allowsMigration = try bool("allow_migration") ?? policy.allowsMigration
        policy.allowsMultithreading = try bool("allow_smt") ?? policy.allowsMultithreading
        policy.vmpls = try levels()
        policy.tcbStatuses = try list("tcb_statuses", of: "a state that a TDX platform can be accepted in") { text in
            TCBStatus(rawValue: text).flatMap { $0 == .revoked ? nil : $0 }
        }.map(Set.init)
        policy.minimumTCB = try versions("minimum_tcb")
        return policy
    }

    /// Whole numbers from 0 to 3.
    private func levels() throws(PolicyError) -> Set<UInt32>? {
        let key = "vmpls"
        guard let value = value(key) else { return nil }
        let wrongType = PolicyError.Problem.wrongType(key: key, expected: "a list of levels from 0 to 3")
        guard let values = value.arrayValue else { throw error(key, wrongType) }
        guard !values.isEmpty else { throw error(key, .empty(key: key)) }
        var levels: Set<UInt32> = []
        for value in values {
            guard case .integer(let level) = value, (0...3).contains(level) else { throw error(key, wrongType) }
            levels.insert(UInt32(level))
        }
        return levels
    }

    /// A table of the values that registers may have, each a list of hexadecimal digits, by number.
    private func registers(_ key: String, count: Int, length: Int) throws(PolicyError) -> [Int: Set<[UInt8]>] {
        guard let table = value(key)?.tableValue else { return [:] }
        var registers: [Int: Set<[UInt8]>] = [:]
        for name in table.keys.sorted() {
            guard let number = Int(name), String(number) == name, (0..<count).contains(number) else {
                throw error("\(key).\(name)", .unknownKey("\(key).\(name)"))
            }
            registers[number] = try list("\(key).\(name)", of: "\(2 * length) lower-case hexadecimal digits") {
                text in
                [UInt8](hexadecimal: text).flatMap { $0.count == length ? $0 : nil }
            }.map(Set.init)
        }
        return registers
    }

    /// A table of version numbers, each one byte of TCB_VERSION (AMD 56860, section 2.2).
    private func versions(_ key: String) throws(PolicyError) -> [SNPTCB.Part: UInt8] {
        guard let table = value(key)?.tableValue else { return [:] }
        var versions: [SNPTCB.Part: UInt8] = [:]
        for name in table.keys.sorted() {
            guard let part = SNPTCB.Part(rawValue: name), case .integer(let number)? = table[name],
                let version = UInt8(exactly: number)
            else {
                throw error(
                    "\(key).\(name)", .wrongType(key: "\(key).\(name)", expected: "a whole number from 0 to 255"))
            }
            versions[part] = version
        }
        return versions
    }
}
