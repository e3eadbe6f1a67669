import Foundation
import Glibc
import KettleAttestation
import KettleDevices
import KettleProvenance
import KettleTesting
import NIOPosix
import Synchronization
import SystemPackage
import Testing

/// What stands for AMD's service: records what was asked.
private final class EndorsementDouble: Sendable {
    struct Request: Equatable {
        var product: SNPProduct
        var chipID: [UInt8]
        var tcb: SNPTCB
    }

    private let answer: [UInt8]?
    private let received = Mutex<[Request]>([])

    init(_ answer: [UInt8]?) { self.answer = answer }

    var requests: [Request] { received.withLock { $0 } }

    @Sendable func fetch(_ product: SNPProduct, _ chipID: [UInt8], _ tcb: SNPTCB) async throws -> [UInt8] {
        received.withLock { $0.append(Request(product: product, chipID: chipID, tcb: tcb)) }
        guard let answer else { throw DeviceError.noEndorsement(reason: "the service is down") }
        return answer
    }
}

@Suite(.needsConfigfsDouble, .timeLimit(.minutes(15)))
struct SNPAttesterTests {
    private static let genoa = "snp/genoa-v3-configfs-tsm"
    private static let vlek = "snp/milan-v3-vlek-vmpl1"
    private static let turin = "snp/turin-v5-azure-bare"
    private let other: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x05]

    private func attest(
        vector: String = genoa, _ options: [String] = [], template: [UInt8]? = nil, from service: EndorsementDouble,
        check: @escaping EvidenceCheck = { _ in }
    ) async throws -> [UInt8] {
        let scratch = try ScratchFolder()
        var file = Vectors.path("\(vector)/report.bin")
        if let template {
            file = scratch.path.appending("report.bin")
            try Data(template).write(to: URL(filePath: file.string))
        }
        return try await ConfigfsDouble.run(template: file, options) { double in
            try await SNPAttester(
                configfs: ConfigfsTSM(root: double.root), device: SEVGuestDevice { _, _ in ENOENT },
                endorsement: service.fetch, check: check, threads: .singleton
            ).evidence(for: reportData)
        }
    }

    /// A host's table with one certificate.
    private func table(of kind: CertificateTable.Kind, _ certificate: [UInt8], in folder: ScratchFolder) throws
        -> String
    {
        let guid = kind.rawValue.filter { $0 != "-" }
        var bytes = try #require([UInt8](hexadecimal: guid))
        bytes += LittleEndian.bytes(UInt32(48)) + LittleEndian.bytes(UInt32(certificate.count))
        bytes += [UInt8](repeating: 0, count: 24) + certificate
        let file = folder.path.appending("table")
        try Data(bytes).write(to: URL(filePath: file.string))
        return file.string
    }

    private func report(_ vector: String) throws -> [UInt8] {
        var report = try Vectors.bytes("\(vector)/report.bin")
        report.replaceSubrange(0x50..<0x90, with: sixtyFourBytes)
        return report
    }

    // MARK: - Evidence

    @Test func `evidence has the members and bytes that verifiers read`() async throws {
        let service = EndorsementDouble(nil)
        let seen = Mutex<Evidence?>(nil)
        let bytes = try await attest(
            ["--auxblob", Vectors.path("\(Self.genoa)/auxblob.bin").string], from: service,
            check: { evidence in seen.withLock { $0 = evidence } })

        let report = Base64.encode(try report(Self.genoa))
        let vcek = Base64.encode(try Vectors.bytes("\(Self.genoa)/vek.der"))
        let expected =
            #"{"evidence":{"attestation_report":"\#(report)","cert_chain":{"ark":null,"ask":null,"vcek":"\#(vcek)"}},"#
            + #""platform":"snp"}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(try seen.withLock { $0 } == Evidence(parsing: bytes))
        #expect(service.requests.isEmpty)
    }

    @Test func `a signing program may sign what the double reports`() async throws {
        let scratch = try ScratchFolder()
        let program = scratch.path.appending("sign")
        try Data("#!/bin/sh\nhead -c 672; head -c 512 /dev/zero | tr '\\0' '\\377'\n".utf8)
            .write(to: URL(filePath: program.string))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program.string)
        let bytes = try await attest(["--sign", program.string], from: EndorsementDouble(other))
        let signed = try #require(try Evidence(parsing: bytes).bytes("attestation_report"))
        #expect(signed == (try report(Self.genoa)).prefix(672) + [UInt8](repeating: 0xFF, count: 512))
    }

    @Test func `evidence that the check rejects is not returned`() async throws {
        await #expect(throws: Refused()) {
            try await attest(from: EndorsementDouble(other)) { _ in throw Refused() }
        }
    }

    @Test func `a report on other data is refused`() async throws {
        await #expect(throws: DeviceError.notOurReportData("the SNP report")) {
            try await attest(["--foreign-data"], from: EndorsementDouble(other))
        }
    }

    @Test(arguments: [1183, 1185])
    func `a report of another length is refused`(count: Int) async throws {
        var template = try report(Self.genoa) + [0]
        template.removeLast(1185 - count)
        await #expect(throws: DeviceError.wrongLength("the SNP report", expected: 1184, actual: count)) {
            try await attest(template: template, from: EndorsementDouble(other))
        }
    }

    @Test func `a malformed table is refused`() async throws {
        await #expect(throws: DeviceError.self) {
            try await attest(
                ["--auxblob", Vectors.path("\(Self.genoa)/vek.der").string], from: EndorsementDouble(other))
        }
    }

    // MARK: - Endorsements

    @Test(arguments: ["absent", "empty"])
    func `without a host's table the certificate is fetched`(auxblob: String) async throws {
        let service = EndorsementDouble(try Vectors.bytes("\(Self.genoa)/vek.der"))
        let bytes = try await attest(["--auxblob", auxblob], from: service)
        let report = try report(Self.genoa)
        #expect(
            try Evidence(parsing: bytes).members["cert_chain"]?["vcek"]
                == .string(Base64.encode(Vectors.bytes("\(Self.genoa)/vek.der"))))
        let tcb = Array(report[0x180..<0x188])
        #expect(
            service.requests == [
                .init(
                    product: .genoa, chipID: Array(report[0x1A0..<0x1E0]),
                    tcb: .init(versions: [.bootloader: tcb[0], .tee: tcb[1], .snp: tcb[6], .microcode: tcb[7]]))
            ])
    }

    @Test func `a Turin's security versions are read in its own order`() async throws {
        let service = EndorsementDouble(other)
        _ = try await attest(vector: Self.turin, from: service)
        let tcb = Array(try report(Self.turin)[0x180..<0x188])
        #expect(service.requests.map(\.product) == [.turin])
        #expect(
            service.requests.map(\.tcb) == [
                .init(versions: [.fmc: tcb[0], .bootloader: tcb[1], .tee: tcb[2], .snp: tcb[3], .microcode: tcb[7]])
            ])
    }

    @Test func `a certificate that does not fit is replaced by a fetched one`() async throws {
        let scratch = try ScratchFolder()
        let vcek = try Vectors.bytes("\(Self.genoa)/vek.der")
        let service = EndorsementDouble(vcek)
        let wanted = Base64.encode(vcek)
        let table = try table(of: .vcek, other, in: scratch)
        let bytes = try await attest(["--auxblob", table], from: service) { evidence in
            guard evidence.members["cert_chain"]?["vcek"] == .string(wanted) else { throw Refused() }
        }
        #expect(service.requests.count == 1)
        #expect(try Evidence(parsing: bytes).members["cert_chain"]?["vcek"] == .string(wanted))
    }

    @Test(arguments: [true, false])
    func `the check's reason stands when fetching does not help`(isDown: Bool) async throws {
        let scratch = try ScratchFolder()
        let table = try table(of: .vcek, other, in: scratch)
        await #expect(throws: Refused()) {
            try await attest(["--auxblob", table], from: EndorsementDouble(isDown ? nil : other)) { _ in
                throw Refused()
            }
        }
    }

    @Test func `a service that is down is told`() async throws {
        await #expect(throws: DeviceError.noEndorsement(reason: "the service is down")) {
            try await attest(from: EndorsementDouble(nil))
        }
    }

    @Test func `a service's answer must be a certificate`() async throws {
        await #expect(throws: DeviceError.self) { try await attest(from: EndorsementDouble([0x30, 0x03])) }
    }

    @Test func `a VLEK's certificate comes from the host alone`() async throws {
        let scratch = try ScratchFolder()
        let vlek = try Vectors.bytes("\(Self.vlek)/vek.der")
        let service = EndorsementDouble(other)
        let bytes = try await attest(
            vector: Self.vlek, ["--auxblob", try table(of: .vlek, vlek, in: scratch)], from: service)
        #expect(try Evidence(parsing: bytes).members["cert_chain"]?["vcek"] == .string(Base64.encode(vlek)))

        let wrong = try table(of: .vcek, vlek, in: scratch)
        await #expect(throws: DeviceError.self) {
            try await attest(vector: Self.vlek, ["--auxblob", wrong], from: service)
        }
        #expect(service.requests.isEmpty)
    }

    @Test(arguments: ["version", "family", "chip", "signer"])
    func `a report that does not say which certificate it needs is refused`(what: String) async throws {
        var template = try report(Self.genoa)
        switch what {
        case "version": template[0] = 2
        case "family": template[0x188] = 0x17
        case "chip": template.replaceSubrange(0x1A0..<0x1E0, with: repeatElement(0, count: 64))
        default: template[0x48] = 7 << 2
        }
        let service = EndorsementDouble(other)
        await #expect(throws: DeviceError.self) { try await attest(template: template, from: service) }
        #expect(service.requests.isEmpty)
    }
}

@Suite struct SNPFallbackTests {
    private func attest(_ device: SEVGuestDevice, configfs: FilePath) async throws -> [UInt8] {
        try await SNPAttester(
            configfs: ConfigfsTSM(root: configfs), device: device,
            endorsement: { _, _, _ in [0x30, 0x03, 0x02, 0x01, 0x05] }, check: { _ in }, threads: .singleton
        ).evidence(for: reportData)
    }

    @Test func `without configfs-tsm the device is asked`() async throws {
        let scratch = try ScratchFolder()
        var report = try Vectors.bytes("snp/genoa-v3-configfs-tsm/report.bin")
        report.replaceSubrange(0x50..<0x90, with: sixtyFourBytes)
        let response =
            LittleEndian.bytes(UInt32(0)) + LittleEndian.bytes(UInt32(1184))
            + [UInt8](repeating: 0, count: 24) + report
        let device = SEVGuestDevice { _, argument in
            let address = argument.loadUnaligned(fromByteOffset: 16, as: UInt.self)
            UnsafeMutableRawPointer(bitPattern: address)?.copyMemory(from: response, byteCount: response.count)
            return 0
        }
        let bytes = try await attest(device, configfs: scratch.path.appending("missing"))
        #expect(try Evidence(parsing: bytes).bytes("attestation_report") == report)
    }

    @Test func `without either the device is missed`() async throws {
        let scratch = try ScratchFolder()
        await #expect(throws: DeviceError.absent(.sevGuest)) {
            try await attest(SEVGuestDevice(path: "/missing"), configfs: scratch.path.appending("missing"))
        }
    }
}
