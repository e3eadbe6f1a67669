import ArgumentParser
import Foundation
import KettleAttestation
import KettleBuild
import KettleDevices
import KettleError
import KettleProvenance
import Logging
import NIOPosix
import SystemPackage

/// The options of everything that attests.
struct AttestationOptions: ParsableArguments {
    @Option(help: Setting.help("attester"))
    var attester: String?

    @Option(help: Setting.help("amd-kds"))
    var amdKds: String?

    @Option(help: Setting.help("intel-pcs"))
    var intelPcs: String?

    @Flag(inversion: .prefixedNo, help: Setting.help("bundle-collateral"))
    var bundleCollateral: Bool?

    @Option(help: Setting.help("hardware-root"), completion: .directory)
    var hardwareRoot: String?

    @Option(help: Setting.help("tpm"))
    var tpm: String?

    @Option(help: Setting.help("azure-metadata"))
    var azureMetadata: String?

    @Option(help: Setting.help("trust-roots"), completion: .directory)
    var trustRoots: String?

    /// By the names of settings.
    var flags: [String: [String]] {
        [
            "attester": [attester], "amd-kds": [amdKds], "intel-pcs": [intelPcs],
            "bundle-collateral": [bundleCollateral.map { "\($0)" }], "hardware-root": [hardwareRoot], "tpm": [tpm],
            "azure-metadata": [azureMetadata], "trust-roots": [trustRoots],
        ].mapValues { $0.compactMap { $0 } }
    }
}

/// Who attests, and where what belongs to it comes from, read once.
struct AttestationSettings {
    enum Choice: Equatable {
        /// Whatever hardware is there.
        case automatic
        case software
        case hardware(Platform)
    }

    let choice: Choice
    let amd: String
    let intel: String
    let isCollateralWanted: Bool
    let devices: DetectedPlatform.Roots
    let tpm: String?
    let azureMetadata: String
    let trustRoots: String?

    init(_ settings: Settings) throws(SettingsError) {
        choice = try Self.choice(settings)
        amd = try Self.address(settings, "amd-kds") ?? KDS.standardBase
        intel = try Self.address(settings, "intel-pcs") ?? CollateralSource.intelBase
        azureMetadata = try Self.address(settings, "azure-metadata") ?? AzureMetadata.standardBase
        isCollateralWanted = try settings.truth("bundle-collateral") ?? true
        let root = FilePath(try settings.text("hardware-root") ?? "/")
        devices = DetectedPlatform.Roots(
            sysfs: root.appending("sys"), configfs: root.appending("sys/kernel/config"), devices: root.appending("dev"))
        tpm = try settings.text("tpm")
        trustRoots = try settings.text("trust-roots")
    }

    /// What is no platform's name is `auto`: the setting has no other choices.
    private static func choice(_ settings: Settings) throws(SettingsError) -> Choice {
        switch try settings.text("attester").flatMap(Platform.init(rawValue:)) {
        case nil: .automatic
        case .software: .software
        case let platform?: .hardware(platform)
        }
    }

    private static func address(_ settings: Settings, _ name: String) throws(SettingsError) -> String? {
        try settings.text(name).flatMap(WebAddress.init)?.text
    }

    func roots() throws(EvidenceFileError) -> TrustRoots {
        guard let trustRoots else { return .vendor }
        return try TrustRoots(folder: trustRoots)
    }
}

/// The machine's trusted hardware as it vouches for builds.
struct HardwareAttestation {
    let attester: any Attester
    let collateral: CollateralFetching?
    private let services: VendorServices

    /// How long a build waits for collateral that is not there yet.
    private static let patience = Duration.seconds(10)

    /// - Returns: nil where the machine has none and none was demanded.
    /// - Throws: ``AttestationSetupError/missing(_:_:)`` when what was demanded is not there; what makes it unusable.
    static func find(
        _ settings: AttestationSettings, threads: NIOThreadPool, logger: Logger
    ) async throws -> HardwareAttestation? {
        guard settings.choice != .software else { return nil }
        let roots = try settings.roots()
        let found = try await threads.runIfActive {
            DetectedPlatform.find(in: settings.devices, tpm: settings.tpm)
        }
        let platform: Platform
        if case .hardware(let wanted) = settings.choice {
            guard found.has(wanted) else { throw AttestationSetupError.missing(wanted, found.reasons) }
            platform = wanted
        } else {
            guard let first = found.platform else { return nil }
            platform = first
        }
        let services = VendorServices()
        let attester = makeAttester(platform, settings, roots, services, threads)
        // What cannot vouch now cannot vouch for a build either, and whoever starts a service is there to read why.
        do {
            let bytes = try await attester.evidence(
                for: ReportData(statement: ContentDigest(of: [UInt8]()), nonce: .zero))
            let verified = try EvidenceVerifier(roots: roots).verify(try Evidence(parsing: bytes), at: .now)
            for reason in HardwarePolicy().reasons(against: verified) {
                logger.warning(
                    "verifiers refuse this machine's evidence unless they are told otherwise",
                    metadata: ["reason": "\(reason.message)"])
            }
        } catch {
            try? await services.shutdown()
            throw error
        }
        var collateral: CollateralFetching?
        if settings.isCollateralWanted {
            let source = CollateralSource(
                intel: settings.intel, amd: settings.amd, roots: roots, now: { .now },
                fetch: { try await services.document($0) })
            collateral = { bytes in
                guard let evidence = try? Evidence(parsing: bytes) else { return [:] }
                switch await source.files(for: evidence, waiting: patience) {
                case .success(let files): return files
                case .failure(let failure):
                    logger.warning("a bundle goes without collateral", metadata: ["reason": "\(failure.message)"])
                    return [:]
                }
            }
        }
        return HardwareAttestation(attester: attester, collateral: collateral, services: services)
    }

    func shutdown() async throws { try await services.shutdown() }

    private static func makeAttester(
        _ platform: Platform, _ settings: AttestationSettings, _ roots: TrustRoots, _ services: VendorServices,
        _ threads: NIOThreadPool
    ) -> any Attester {
        let check: EvidenceCheck = { evidence in _ = try EvidenceVerifier(roots: roots).verify(evidence, at: .now) }
        let configfs = ConfigfsTSM(root: settings.devices.tsm)
        let tpm = AzureVTPM(configuration: settings.tpm ?? settings.devices.tpm ?? AzureVTPM.standardConfiguration)
        let metadata = AzureMetadata(base: settings.azureMetadata) { try await services.metadata($0) }
        let attester: any Attester =
            switch platform {
            case .azureTDX: AzureTDXAttester(tpm: tpm, metadata: metadata, check: check, threads: threads)
            case .azureSNP: AzureSNPAttester(tpm: tpm, metadata: metadata, check: check, threads: threads)
            case .tdx: TDXAttester(configfs: configfs, check: check, threads: threads)
            case .snp, .software:
                SNPAttester(
                    configfs: configfs, device: SEVGuestDevice(path: settings.devices.sevGuest),
                    endorsement: { product, chipID, tcb in
                        let url = KDS.vcekURL(base: settings.amd, product: product, chipID: chipID, tcb: tcb)
                        return try await services.document(url).body
                    }, check: check, threads: threads)
            }
        return OneAtATime(attester: attester)
    }
}

/// Hardware that is asked by one caller at a time: builds and `GET /attestation` share it, and a TPM's registers and indices are
/// not to be written by two.
private struct OneAtATime: Attester {
    let attester: any Attester
    private let turns = BuildSlots(count: 1)

    init(attester: any Attester) {
        self.attester = attester
    }

    var platform: Platform { attester.platform }

    func evidence(for reportData: ReportData) async throws -> [UInt8] {
        try await turns.withSlot { [attester] in try await attester.evidence(for: reportData) }
    }
}

extension DetectedPlatform {
    func has(_ platform: Platform) -> Bool {
        findings.contains { finding in
            guard finding.platform == platform, case .found = finding.state else { return false }
            return true
        }
    }

    /// What speaks against each kind that is not there.
    var reasons: [String] {
        findings.compactMap { finding in
            guard case .missing(let reason) = finding.state else { return nil }
            return "\(finding.platform.rawValue): \(reason)"
        }
    }
}

extension Statement.Timestamp {
    /// The time of this machine.
    static var now: Statement.Timestamp {
        Statement.Timestamp(secondsSince1970: Int64(Date.now.timeIntervalSince1970))
    }
}

/// Why nobody can attest here.
enum AttestationSetupError: UserFacingError, Equatable {
    /// What was demanded is not there, with what speaks against each kind.
    case missing(Platform, [String])
    /// There is no hardware, and software was not asked for.
    case none([String])

    var code: String { "attest.no_hardware" }

    var message: String {
        switch self {
        case .missing(let platform, _): "this machine has no \(platform.rawValue) that vouches for builds"
        case .none: "this machine has no trusted hardware that vouches for builds"
        }
    }

    var hint: String? {
        switch self {
        case .missing(_, let reasons): reasons.joined(separator: "; ")
        case .none(let reasons):
            "for development, --software-key FILE signs with a key, and kettle build makes no evidence ("
                + "\(reasons.joined(separator: "; ")))"
        }
    }
}
