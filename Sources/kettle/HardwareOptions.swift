import ArgumentParser
import KettleAttestation
import KettleProvenance
import KettleVerify

/// What the hardware's evidence has to say, for every command that judges some.
struct HardwareOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Trust the roots in this folder in place of the chip makers' own, which are built in: for tests.",
            valueName: "folder"),
        completion: .directory)
    var trustRoots: String?

    @Option(
        help: ArgumentHelp(
            "A folder with what the chip makers publish to judge firmware and revocation by (docs/verifying.md).",
            valueName: "folder"),
        completion: .directory)
    var collateral: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The launch digests that the hardware may have measured. May be repeated.", valueName: "hex"))
    var measurement: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The values that a register of the vTPM may have, such as 11=9b2c…. May be repeated.",
            valueName: "number=hex"))
    var pcr: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The values that RTMR0 to RTMR3 of TDX may have, such as 1=7a3f…. May be repeated.", valueName: "number=hex"
        ))
    var rtmr: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The values that the host's data (SNP) or MRCONFIGID (TDX) may have. May be repeated.", valueName: "hex"))
    var hostData: [String] = []

    @Flag(help: "Accept a guest that its host can debug, and so read and change.")
    var allowDebug = false

    @Flag(help: "Accept a guest that may be migrated to another machine.")
    var allowMigration = false

    @Flag(help: "Refuse a guest that may share a core's threads with others.")
    var denySmt = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The privilege levels that may have asked for an SNP report. May be repeated. (default: 0)",
            valueName: "level"))
    var vmpl: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The states of a TDX platform that are accepted. May be repeated. (default: \(Self.defaultStatuses))",
            valueName: "status"))
    var acceptTcb: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The lowest versions of SNP's firmware, such as snp=24. May be repeated.", valueName: "part=number"))
    var minTcb: [String] = []

    private static var defaultStatuses: String {
        TCBStatus.allCases.filter { $0.isAcceptedByDefault }.map { $0.rawValue }.sorted().joined(separator: ", ")
    }

    /// A file's name that an option with several values took for one of them, because it stood behind it. What is no value of
    /// the option is what was meant to be the file.
    mutating func takePath() -> String? {
        func taken(_ list: inout [String], unless isValue: (String) -> Bool) -> String? {
            guard let last = list.last, !isValue(last) else { return nil }
            return list.removeLast()
        }
        return taken(&measurement) { Self.launchDigest($0) != nil }
            ?? taken(&pcr) { Self.register($0, count: 24, length: 32) != nil }
            ?? taken(&rtmr) { Self.register($0, count: 4, length: 48) != nil }
            ?? taken(&hostData) { [UInt8](hexadecimal: $0.lowercased()) != nil } ?? taken(&vmpl) { UInt32($0) != nil }
            ?? taken(&acceptTcb) { TCBStatus(rawValue: $0) != nil } ?? taken(&minTcb) { Self.version($0) != nil }
    }

    /// Everything that is asked, as one value.
    func policy() throws(VerifyOptionError) -> HardwarePolicy {
        var policy = HardwarePolicy()
        policy.allowsDebug = allowDebug
        policy.allowsMigration = allowMigration
        policy.allowsMultithreading = !denySmt
        for text in measurement {
            guard let digest = Self.launchDigest(text) else { throw .measurement(text) }
            policy.launchDigests = (policy.launchDigests ?? []).union([digest])
        }
        for text in pcr {
            guard let (number, value) = Self.register(text, count: 24, length: 32) else { throw .pcr(text) }
            policy.pcrs[number, default: []].insert(value)
        }
        for text in rtmr {
            guard let (number, value) = Self.register(text, count: 4, length: 48) else { throw .rtmr(text) }
            policy.rtmrs[number, default: []].insert(value)
        }
        for text in hostData {
            guard let bytes = [UInt8](hexadecimal: text.lowercased()), [32, 48].contains(bytes.count) else {
                throw .hostData(text)
            }
            policy.hostData = (policy.hostData ?? []).union([bytes])
        }
        for text in vmpl {
            guard let level = UInt32(text), level <= 3 else { throw .vmpl(text) }
            policy.vmpls = (policy.vmpls ?? []).union([level])
        }
        for text in acceptTcb {
            guard let status = TCBStatus(rawValue: text), status != .revoked else { throw .tcbStatus(text) }
            policy.tcbStatuses = (policy.tcbStatuses ?? []).union([status])
        }
        for text in minTcb {
            guard let (part, version) = Self.version(text) else { throw .tcbPart(text) }
            guard policy.minimumTCB.updateValue(version, forKey: part) == nil else {
                throw .tcbPartTwice(part.rawValue)
            }
        }
        return policy
    }

    /// Where trust begins.
    func readRoots() throws(EvidenceFileError) -> TrustRoots {
        guard let trustRoots else { return .vendor }
        return try TrustRoots(folder: trustRoots)
    }

    /// The collateral that the caller has, nil where none was named.
    func readCollateral() throws(EvidenceFileError) -> Collateral? {
        guard let collateral else { return nil }
        return try Collateral(folder: collateral)
    }

    private static func launchDigest(_ text: String) -> [UInt8]? { Policy.measurement(text.lowercased()) }

    private static func register(_ text: String, count: Int, length: Int) -> (Int, [UInt8])? {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[0]), String(number) == parts[0], (0..<count).contains(number),
            let value = [UInt8](hexadecimal: parts[1].lowercased()), value.count == length
        else { return nil }
        return (number, value)
    }

    private static func version(_ text: String) -> (SNPTCB.Part, UInt8)? {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, let part = SNPTCB.Part(rawValue: String(parts[0])), let version = UInt8(parts[1]),
            String(version) == parts[1]
        else { return nil }
        return (part, version)
    }
}

extension HardwareOptions {
    /// Takes these options out of a plain command line. Each has to be here.
    ///
    /// Not an initialiser: in one, assigning to a flag sets what the flag is when it is left out.
    static func plain(_ line: inout PlainArguments) -> HardwareOptions {
        var options = HardwareOptions()
        options.trustRoots = line.option("--trust-roots")
        options.collateral = line.option("--collateral")
        options.measurement = line.list("--measurement")
        options.pcr = line.list("--pcr")
        options.rtmr = line.list("--rtmr")
        options.hostData = line.list("--host-data")
        options.allowDebug = line.flag("--allow-debug")
        options.allowMigration = line.flag("--allow-migration")
        options.denySmt = line.flag("--deny-smt")
        options.vmpl = line.list("--vmpl")
        options.acceptTcb = line.list("--accept-tcb")
        options.minTcb = line.list("--min-tcb")
        return options
    }
}
