import Foundation
import KettleAttestation
import KettleDevices
import KettleTesting
import SystemPackage
import Testing

/// A machine's /sys, /sys/kernel/config and /dev in a folder of one test's own.
private struct Machine {
    private let scratch: ScratchFolder
    var roots: DetectedPlatform.Roots

    init() throws {
        scratch = try ScratchFolder()
        roots = DetectedPlatform.Roots(
            sysfs: scratch.path.appending("sys"), configfs: scratch.path.appending("config"),
            devices: scratch.path.appending("dev"))
        try scratch.write(["none": ""], to: "dev")
    }

    func isAzure(tag: String = "7783-7084-3265-9085-8269-3286-77\n") throws {
        try scratch.write(["class/dmi/id/chassis_asset_tag": tag], to: "sys")
    }

    func has(device: String) throws { try scratch.write([device: ""], to: "dev") }

    /// Makes configfs-tsm what is mounted elsewhere.
    func links(tsm: FilePath) throws {
        let folder = roots.configfs.appending("tsm")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.appending("report").string, withDestinationPath: tsm.string)
    }
}

extension DetectedPlatform {
    fileprivate func reason(_ platform: Platform) -> String? {
        guard case .missing(let reason)? = findings.first(where: { $0.platform == platform })?.state else { return nil }
        return reason
    }
}

@Suite(.timeLimit(.minutes(15))) struct DetectedPlatformTests {
    private let template = Vectors.path("snp/genoa-v3-configfs-tsm/report.bin")

    @Test func `an ordinary machine has none, and says of each why`() throws {
        let found = DetectedPlatform.find(in: try Machine().roots)
        #expect(found.platform == nil)
        #expect(found.findings.map(\.platform) == [.azureTDX, .azureSNP, .tdx, .snp])
        #expect(found.reason(.azureTDX) == "this is not an Azure VM")
        #expect(found.reason(.azureSNP) == "this is not an Azure VM")
        #expect(found.reason(.tdx) == "configfs-tsm is not there")
        #expect(found.reason(.snp) == "configfs-tsm is not there, and neither is /dev/sev-guest")
    }

    // MARK: - The hardware's own devices

    @Test func `the AMD driver's device alone is SNP`() throws {
        let machine = try Machine()
        try machine.has(device: "sev-guest")
        let found = DetectedPlatform.find(in: machine.roots)
        #expect(found.platform == .snp)
        #expect(found.findings.last?.state == .found(by: "/dev/sev-guest"))
    }

    @Test func `the Intel driver's device alone is not enough`() throws {
        let machine = try Machine()
        try machine.has(device: "tdx_guest")
        let found = DetectedPlatform.find(in: machine.roots)
        #expect(found.platform == nil)
        #expect(found.reason(.tdx) == "/dev/tdx_guest alone gives no quotes, and configfs-tsm is not there")
    }

    @Test(.needsConfigfsDouble, arguments: [("sev_guest", Platform.snp), ("tdx_guest", .tdx)])
    func `configfs-tsm's provider is the hardware`(provider: String, platform: Platform) async throws {
        try await ConfigfsDouble.run(template: template, ["--provider", provider]) { double in
            let machine = try Machine()
            try machine.links(tsm: double.root)
            let found = DetectedPlatform.find(in: machine.roots)
            #expect(found.platform == platform)
            #expect(double.calls == ["mkdir", "rmdir"])
        }
    }

    @Test(.needsConfigfsDouble)
    func `another provider is named as the reason`() async throws {
        try await ConfigfsDouble.run(template: template, ["--provider", "arm_cca_guest"]) { double in
            let machine = try Machine()
            try machine.links(tsm: double.root)
            let found = DetectedPlatform.find(in: machine.roots)
            #expect(found.platform == nil)
            #expect(found.reason(.snp) == #"configfs-tsm is provided by "arm_cca_guest", not by "sev_guest""#)
        }
    }

    // MARK: - Azure

    @Test(.needsSoftwareTPM, arguments: [Platform.azureSNP, .azureTDX])
    func `an Azure VM is what the paravisor's report is of`(platform: Platform) async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            let paravisor =
                platform == .azureSNP
                ? try Paravisor.snp(modulus: modulus) : try Paravisor.tdx(modulus: modulus, userData: sixtyFourBytes)
            try await tpm.store(paravisor.bytes, at: "0x01400001")
            let machine = try Machine()
            try machine.isAzure()
            try machine.has(device: "sev-guest")
            let found = DetectedPlatform.find(in: machine.roots, tpm: tpm.configuration)
            #expect(found.platform == platform)
            let other: Platform = platform == .azureSNP ? .azureTDX : .azureSNP
            #expect(found.reason(other) == "the paravisor's report is of the other kind of hardware")
        }
    }

    @Test(.needsSoftwareTPM)
    func `an Azure VM without a paravisor's report is no confidential one`() async throws {
        try await SoftwareTPM.run { tpm in
            let machine = try Machine()
            try machine.isAzure()
            let found = DetectedPlatform.find(in: machine.roots, tpm: tpm.configuration)
            #expect(found.platform == nil)
            #expect(found.reason(.azureSNP) == "the TPM is malformed: it holds no report of Azure's paravisor")
        }
    }

    @Test(arguments: ["", "7783-7084-3265-9085-8269-3286-78\n", "x7783-7084-3265-9085-8269-3286-77\n"])
    func `the TPM of another machine is not touched`(tag: String) throws {
        let machine = try Machine()
        try machine.isAzure(tag: tag)
        let found = DetectedPlatform.find(in: machine.roots, tpm: "nonsense")
        #expect(found.reason(.azureSNP) == "this is not an Azure VM")
    }

    @Test func `an Azure VM without a TPM says so`() throws {
        let machine = try Machine()
        try machine.isAzure()
        #expect(DetectedPlatform.find(in: machine.roots).reason(.azureTDX) == "there is no TPM")
    }

    @Test func `the kernel's TPM is reached by its resource manager where there is one`() throws {
        let machine = try Machine()
        #expect(machine.roots.tpm == nil)
        try machine.has(device: "tpm0")
        #expect(machine.roots.tpm == "device:\(machine.roots.devices)/tpm0")
        try machine.has(device: "tpmrm0")
        #expect(machine.roots.tpm == "device:\(machine.roots.devices)/tpmrm0")
    }
}
