public import KettleAttestation
public import KettleError
public import KettleProvenance

/// An image that may have built, as its maker publishes it: what each kind of hardware measures of it, and what it needs.
///
/// `docs/policy.md` has the form of a list. A list is taken as it is, or, in a DSSE envelope, on the word of a key that was named.
public struct ReferenceValue: Hashable, Sendable {
    /// The kind of hardware that this is about.
    public let platform: Platform
    /// The launch digest, 48 bytes.
    public let measurement: [UInt8]
    /// Values of a vTPM's registers, 32 bytes each, by number.
    public let pcrs: [Int: [UInt8]]
    /// Values of TDX's RTMR0 to RTMR3, 48 bytes each, by number.
    public let rtmrs: [Int: [UInt8]]
    /// The version of Kettle in the image; nil says nothing of it.
    public let kettle: String?
    /// The lowest versions of SEV-SNP's firmware that the image is to be trusted on.
    public let minimumTCB: [SNPTCB.Part: UInt8]
    /// The states of a TDX platform that the image is to be trusted on; nil leaves it to the one who asks.
    public let tcbStatuses: Set<TCBStatus>?
}

/// A list of images that may have built.
public struct ReferenceValues: Hashable, Sendable {
    /// The form of the list.
    public static let schema = "https://kettle.build/reference-values/v1"
    /// The type of a signed list's payload (DSSE 1.0).
    public static let payloadType = "application/vnd.kettle.reference-values.v1+json"
    /// The longest list that is read: 4 MiB.
    public static let limitInBytes = 4 << 20

    /// The images.
    public let values: [ReferenceValue]
    /// The fingerprint of the key that signed; nil for a list that nobody signed.
    public let signer: ContentDigest?

    /// Reads a list.
    ///
    /// - Parameters:
    ///   - bytes: The list as it is, or a DSSE envelope around it.
    ///   - keys: Fingerprints of the keys whose word is taken. With any, a list has to be signed by one of them.
    /// - Throws: ``ReferenceValueError``.
    public init(parsing bytes: [UInt8], signedBy keys: Set<ContentDigest>) throws(ReferenceValueError) {
        let json = try Self.json(bytes)
        guard json["payload"] != nil else {
            guard keys.isEmpty else { throw .unsigned }
            values = try Self.values(json)
            signer = nil
            return
        }
        let (payload, signer) = try Self.opened(json, keys)
        values = try Self.values(try Self.json(payload))
        self.signer = signer
    }

    private static func json(_ bytes: [UInt8]) throws(ReferenceValueError) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes, maximumBytes: limitInBytes)
        } catch {
            throw .malformed("it cannot be read: \(error.message)")
        }
    }

    // MARK: - The envelope

    /// DSSE 1.0, "Protocol": PAE(type, body).
    static func preAuthenticationEncoding(_ payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    private static func opened(
        _ json: JSONValue, _ keys: Set<ContentDigest>
    ) throws(ReferenceValueError) -> ([UInt8], ContentDigest) {
        guard let members = json.objectValue, Set(members.keys) == ["payload", "payloadType", "signatures"],
            json["payloadType"]?.stringValue == payloadType,
            let payload = json["payload"]?.stringValue.flatMap(Base64.decode),
            let signatures = json["signatures"]?.arrayValue, signatures.count <= 16
        else { throw .malformed("it is not a DSSE envelope around \(payloadType)") }
        let message = preAuthenticationEncoding(payload)
        for entry in signatures {
            // The key comes along, and counts only where its fingerprint was named.
            guard let der = entry["public_key"]?.stringValue.flatMap(Base64.decode),
                let key = SoftwarePublicKey(der: der), keys.contains(key.fingerprint),
                let signature = entry["sig"]?.stringValue.flatMap(Base64.decode),
                key.isValid(signature: signature, over: message)
            else { continue }
            return (payload, key.fingerprint)
        }
        throw .wrongSignature(keys.map(\.hex).sorted())
    }

    /// A list signed by a key, as a DSSE envelope.
    ///
    /// - Parameters:
    ///   - list: The list's bytes; what no verifier could read is not signed.
    ///   - key: Who vouches for it.
    /// - Throws: ``ReferenceValueError``.
    public static func sign(_ list: [UInt8], with key: SoftwareKey) throws -> [UInt8] {
        _ = try ReferenceValues(parsing: list, signedBy: [])
        let signature = try key.signature(over: preAuthenticationEncoding(list))
        let envelope: JSONValue = [
            "payloadType": .string(payloadType), "payload": .string(Base64.encode(list)),
            "signatures": [
                [
                    "keyid": .string(key.fingerprint.hex), "public_key": .string(Base64.encode(key.publicKey.der)),
                    "sig": .string(Base64.encode(signature)),
                ]
            ],
        ]
        return envelope.canonicalBytes()
    }

    // MARK: - The list

    private static let members: Set = [
        "platform", "measurement", "pcrs", "rtmrs", "kettle", "minimum_tcb", "tcb_statuses",
    ]

    private static func values(_ json: JSONValue) throws(ReferenceValueError) -> [ReferenceValue] {
        guard let list = json.objectValue, Set(list.keys) == ["schema", "values"],
            list["schema"]?.stringValue == schema, let entries = list["values"]?.arrayValue, !entries.isEmpty
        else { throw .malformed("it is not {\"schema\": \"\(schema)\", \"values\": […]}") }
        var values: [ReferenceValue] = []
        for (index, entry) in entries.enumerated() { values.append(try value(entry, index)) }
        return values
    }

    private static func value(_ entry: JSONValue, _ index: Int) throws(ReferenceValueError) -> ReferenceValue {
        func wrong(_ what: String) -> ReferenceValueError { .malformed("value \(index): \(what)") }
        guard let object = entry.objectValue else { throw wrong("it is not an object") }
        // What this version does not know could be what keeps an image from being accepted.
        if let unknown = object.keys.filter({ !members.contains($0) }).min() {
            throw wrong("\"\(unknown)\" is unknown")
        }
        guard let platform = object["platform"]?.stringValue.flatMap(Platform.init(rawValue:)), platform.isHardware
        else {
            throw wrong("platform is none of sev-snp, tdx, az-snp and az-tdx")
        }
        guard let measurement = object["measurement"]?.stringValue.flatMap(Policy.measurement) else {
            throw wrong("measurement is not 96 lower-case hexadecimal digits")
        }
        // A member of another kind of hardware would be asked in vain.
        let isAzure = platform == .azureSNP || platform == .azureTDX
        let isTDX = platform == .tdx || platform == .azureTDX
        for (name, fits) in [
            ("pcrs", isAzure), ("rtmrs", platform == .tdx), ("minimum_tcb", !isTDX), ("tcb_statuses", isTDX),
        ] where object[name] != nil && !fits {
            throw wrong("\(platform.rawValue) has no \(name)")
        }
        guard !isAzure || object["pcrs"] != nil else {
            throw wrong("\(platform.rawValue) needs pcrs: its launch digest is that of the cloud's paravisor")
        }
        let pcrs = try registers(object["pcrs"], count: 24, length: 32, or: wrong("pcrs is not a table of registers"))
        let rtmrs = try registers(object["rtmrs"], count: 4, length: 48, or: wrong("rtmrs is not a table of registers"))
        var kettle: String?
        if let given = object["kettle"] {
            guard let text = given.stringValue else { throw wrong("kettle is not a string") }
            kettle = text
        }
        var floor: [SNPTCB.Part: UInt8] = [:]
        if let given = object["minimum_tcb"] {
            guard let table = given.objectValue, !table.isEmpty else {
                throw wrong("minimum_tcb is not a table of versions")
            }
            for (name, value) in table {
                guard let part = SNPTCB.Part(rawValue: name),
                    let version = value.integerValue.flatMap(UInt8.init(exactly:))
                else { throw wrong("minimum_tcb is not a table of versions") }
                floor[part] = version
            }
        }
        var statuses: Set<TCBStatus>?
        if let given = object["tcb_statuses"] {
            guard let list = given.arrayValue, !list.isEmpty else {
                throw wrong("tcb_statuses is not a list of states")
            }
            var known: Set<TCBStatus> = []
            for one in list {
                guard let status = one.stringValue.flatMap(TCBStatus.init(rawValue:)), status != .revoked else {
                    throw wrong("tcb_statuses is not a list of states")
                }
                known.insert(status)
            }
            statuses = known
        }
        return ReferenceValue(
            platform: platform, measurement: measurement, pcrs: pcrs, rtmrs: rtmrs, kettle: kettle, minimumTCB: floor,
            tcbStatuses: statuses)
    }
}

extension ReferenceValues {
    /// A table of values by the numbers of registers; empty where there is none.
    private static func registers(
        _ value: JSONValue?, count: Int, length: Int, or error: ReferenceValueError
    ) throws(ReferenceValueError) -> [Int: [UInt8]] {
        guard let value else { return [:] }
        guard let table = value.objectValue, !table.isEmpty else { throw error }
        var registers: [Int: [UInt8]] = [:]
        for (name, value) in table {
            guard let number = Int(name), String(number) == name, (0..<count).contains(number),
                let bytes = value.stringValue.flatMap({ [UInt8](hexadecimal: $0) }), bytes.count == length
            else { throw error }
            registers[number] = bytes
        }
        return registers
    }
}

/// Why a list of reference values is not taken.
public enum ReferenceValueError: UserFacingError, Hashable {
    case malformed(String)
    /// A key was named, and the list is not signed.
    case unsigned
    /// By none of the keys that were named.
    case wrongSignature([String])

    public var code: String {
        switch self {
        case .malformed: "reference_values.malformed"
        case .unsigned: "reference_values.unsigned"
        case .wrongSignature: "reference_values.signature"
        }
    }

    public var message: String {
        switch self {
        case .malformed(let reason): "the list of reference values is malformed: \(reason)"
        case .unsigned: "the list of reference values is not signed"
        case .wrongSignature(let keys):
            keys.isEmpty
                ? "the list of reference values is signed, and no key was named that may sign one"
                : "the list of reference values is not signed by \(keys.joined(separator: " or "))"
        }
    }

    public var hint: String? {
        switch self {
        case .malformed: "docs/policy.md has its form"
        case .unsigned: "get the signed one from where the image was published"
        case .wrongSignature: "--measurements-key names a key whose word you take"
        }
    }
}

/// Whether one of the images that may have built is the one that the hardware measured.
struct ReferenceChecks {
    let values: [ReferenceValue]
    /// What the statement says of itself; nil where there is none that could be read.
    let claims: Claims?

    /// What was found, and the image that fits; nil where none does.
    func result(for evidence: VerifiedHardwareEvidence) -> (finding: Finding, value: ReferenceValue?) {
        let candidates = values.filter {
            $0.platform == evidence.platform && $0.measurement == evidence.launchDigest
        }
        guard !candidates.isEmpty else {
            return (
                Finding(
                    .failed, "measurement.unlisted", "the hardware measured an image that is not in the list",
                    expected: "one of \(values.count) images", actual: evidence.launchDigest.hexadecimal), nil
            )
        }
        var reasons: [String] = []
        for value in candidates {
            let reason = reason(against: evidence, value)
            guard let reason else {
                let kettle = value.kettle.map { ", with Kettle \($0)" } ?? ""
                return (
                    Finding(
                        .passed, "measurement.listed", "the hardware measured an image that is in the list\(kettle)",
                        actual: evidence.launchDigest.hexadecimal), value
                )
            }
            reasons.append(reason)
        }
        return (
            Finding(
                .failed, "measurement.conditions", "the image is in the list, and what it needs is not there",
                expected: "the list's conditions", actual: reasons.joined(separator: "; or ")), nil
        )
    }

    private func reason(against evidence: VerifiedHardwareEvidence, _ value: ReferenceValue) -> String? {
        var policy = HardwarePolicy()
        // Everything else is asked elsewhere.
        policy.allowsDebug = true
        policy.allowsMigration = true
        policy.vmpls = [0, 1, 2, 3]
        policy.pcrs = value.pcrs.mapValues { [$0] }
        policy.rtmrs = value.rtmrs.mapValues { [$0] }
        policy.minimumTCB = value.minimumTCB
        policy.tcbStatuses = value.tcbStatuses
        var relevant: Set<EvidenceError.Reason> = [.pcrs, .rtmrs, .minimumTCB]
        if value.tcbStatuses != nil { relevant.insert(.tcbStatus) }
        if let error = policy.reasons(against: evidence).first(where: { relevant.contains($0.reason) }) {
            return error.message
        }
        // Where there is no statement, it cannot be by another Kettle than the image's.
        if let claims, let kettle = value.kettle, claims.kettleVersion != kettle {
            return "the statement is by Kettle \(claims.kettleVersion ?? "of unknown version") rather than \(kettle)"
        }
        return nil
    }
}
