import Crypto
import CryptoExtras
import Foundation
package import KettleAttestation
import KettleProvenance

/// Plays AMD and Intel: keys of its own, certificates, reports, quotes and collateral that are genuine for whoever trusts it.
///
/// Nothing trusts it that is not told to (`--trust-roots`).
package struct ChipVendor: Sendable {
    /// Made once, since making RSA signatures takes a while.
    package static let shared = ChipVendor()

    /// When everything is valid that says nothing else.
    package static let time = "2026-06-01T00:00:00Z"
    package static let measurement = [UInt8](repeating: 0x5A, count: 48)

    private static let firmware: [UInt8] = [4, 0, 0, 0, 0, 0, 24, 219]
    private static let chipID = (1...64).map(UInt8.init)
    private static let fmspc: [UInt8] = [0x90, 0xC0, 0x6F, 0, 0, 0]

    private let authority: _RSA.Signing.PrivateKey
    private let attestation: _RSA.Signing.PrivateKey
    private let endorsement = P384.Signing.PrivateKey()
    private let intelRoot = P256.Signing.PrivateKey()
    private let intelAuthority = P256.Signing.PrivateKey()
    private let platform = P256.Signing.PrivateKey()
    private let quoting = P256.Signing.PrivateKey()
    private let tcbSigner = P256.Signing.PrivateKey()
    private let ark: [UInt8]
    private let ask: [UInt8]
    package let vcek: [UInt8]
    private let intelRootCertificate: [UInt8]
    private let chain: [UInt8]
    private let tcbChain: [UInt8]

    private init() {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/vendor")
        func key(_ name: String) -> _RSA.Signing.PrivateKey {
            do {
                return try _RSA.Signing.PrivateKey(
                    pemRepresentation: String(contentsOf: folder.appending(path: name), encoding: .utf8))
            } catch {
                fatalError("Tests/Vectors/vendor/\(name) is missing or no key: \(error)")
            }
        }
        authority = key("authority.pem")
        attestation = key("attestation.pem")
        let rsa = authority
        let signAMD: (([UInt8]) -> [UInt8]) = { Self.pss($0, rsa) }
        let authorityKey = Array(authority.publicKey.derRepresentation)
        ark = Self.certificate("ARK-Milan", by: "ARK-Milan", authorityKey, Self.authorityExtensions, Self.pss, signAMD)
        ask = Self.certificate("SEV-Milan", by: "ARK-Milan", authorityKey, Self.authorityExtensions, Self.pss, signAMD)
        let root = "1.3.6.1.4.1.3704.1."
        let extensions =
            [
                ("1", DERWriter.integer(0)), ("2", DERWriter.ia5("Milan-B0")),
                ("3.1", DERWriter.integer(Int(Self.firmware[0]))), ("3.2", DERWriter.integer(Int(Self.firmware[1]))),
                ("3.3", DERWriter.integer(Int(Self.firmware[6]))), ("3.8", DERWriter.integer(Int(Self.firmware[7]))),
                ("4", Self.chipID),
            ].map { DERWriter.sequence(DERWriter.oid(root + $0.0), DERWriter.octets($0.1)) }
        vcek = Self.certificate(
            "SEV-VCEK", by: "SEV-Milan", Array(endorsement.publicKey.derRepresentation), extensions, Self.pss, signAMD)

        let (rootKey, caKey) = (intelRoot, intelAuthority)
        let byRoot: (([UInt8]) -> [UInt8]) = { Self.ecdsa($0, rootKey) }
        intelRootCertificate = Self.certificate(
            "Intel SGX Root CA", by: "Intel SGX Root CA", Array(intelRoot.publicKey.derRepresentation),
            Self.authorityExtensions, Self.ecdsa, byRoot)
        let intermediate = Self.certificate(
            "Intel SGX PCK Platform CA", by: "Intel SGX Root CA", Array(intelAuthority.publicKey.derRepresentation),
            Self.authorityExtensions, Self.ecdsa, byRoot)
        let leaf = Self.certificate(
            "Intel SGX PCK Certificate", by: "Intel SGX PCK Platform CA",
            Array(platform.publicKey.derRepresentation), [Self.platformExtension()], Self.ecdsa
        ) { Self.ecdsa($0, caKey) }
        let signer = Self.certificate(
            "Intel SGX TCB Signing", by: "Intel SGX Root CA", Array(tcbSigner.publicKey.derRepresentation),
            [DERWriter.sequence(DERWriter.oid("2.5.29.19"), DERWriter.octets(DERWriter.sequence()))], Self.ecdsa, byRoot
        )
        chain = Array([leaf, intermediate, intelRootCertificate].map(DERWriter.pem).joined().utf8)
        tcbChain = Array([signer, intelRootCertificate].map(DERWriter.pem).joined().utf8)
    }

    /// What trusts it.
    package func roots() throws -> TrustRoots {
        try TrustRoots(
            TrustRoots.Contents(
                ark: [.milan: ark], ask: [.milan: ask], asvk: [:], intel: intelRootCertificate))
    }

    /// Writes a folder for `--trust-roots`.
    package func writeRoots(to folder: String) throws {
        for (path, bytes) in [
            ("amd/milan/ark.der", ark), ("amd/milan/ask.der", ask), ("intel/sgx-root-ca.der", intelRootCertificate),
        ] {
            let place = URL(filePath: folder).appending(path: path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: place)
        }
    }

    /// The private key of the chip, for a program that signs in the chip's place.
    package var endorsementPEM: String { endorsement.pemRepresentation }
    /// The private key of the quoting enclave.
    package var quotingPEM: String { quoting.pemRepresentation }

    // MARK: - SEV-SNP

    /// A report that is genuine for those who trust this vendor.
    ///
    /// - Parameter change: Changes the report before it is signed.
    package func snpReport(reportData: [UInt8], change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var report = [UInt8](repeating: 0, count: 1184)
        func put(_ bytes: [UInt8], _ offset: Int) { report.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
        put([3], 0x000)
        put([0x1F, 0, 3], 0x008)
        put([1], 0x034)
        put(Self.firmware, 0x038)
        put(reportData, 0x050)
        put(Self.measurement, 0x090)
        put(Self.firmware, 0x180)
        put([0x19, 0x01, 0x01], 0x188)
        put(Self.chipID, 0x1A0)
        put(Self.firmware, 0x1E0)
        put(Self.firmware, 0x1F0)
        change(&report)
        return signSNP(report)
    }

    /// Signs a report's first 0x2A0 bytes.
    package func signSNP(_ report: [UInt8]) -> [UInt8] {
        var report = report
        guard let signature = try? endorsement.signature(for: report[..<0x2A0]) else { fatalError("cannot sign") }
        let raw = Array(signature.rawRepresentation)
        report.replaceSubrange(0x2A0..<0x2A0 + 48, with: raw[..<48].reversed())
        report.replaceSubrange(0x2E8..<0x2E8 + 48, with: raw[48...].reversed())
        return report
    }

    /// `evidence.json` of a guest of SEV-SNP.
    package func snpEvidence(reportData: [UInt8], change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        let evidence: JSONValue = [
            "platform": "snp",
            "evidence": [
                "attestation_report": .string(Base64Text.encode(snpReport(reportData: reportData, change: change))),
                "cert_chain": ["vcek": .string(Base64Text.encode(vcek)), "ask": nil, "ark": nil],
            ],
        ]
        return evidence.canonicalBytes()
    }

    /// AMD's revocation list: empty, or with the ASK.
    package func amdRevocations(_ window: (String, String), revoked: Bool = false) -> [UInt8] {
        Self.revocations(by: "ARK-Milan", window, revoked ? [Self.serial] : [], Self.pss) { Self.pss($0, authority) }
    }

    // MARK: - Azure

    /// `evidence.json` of an Azure guest of SEV-SNP.
    package func azureEvidence(extraData: [UInt8], pcrs: [[UInt8]]? = nil) throws -> [UInt8] {
        let pcrs = pcrs ?? (0..<24).map { [UInt8](repeating: UInt8($0), count: 32) }
        let numbers = try attestation.publicKey.getKeyPrimitives()
        let runtime: JSONValue = [
            "keys": [
                [
                    "kid": "HCLAkPub", "kty": "RSA", "key_ops": ["sign"],
                    "n": .string(Base64Text.encodeURL(Array(numbers.modulus))), "e": "AQAB",
                ]
            ], "vm-configuration": ["secure-boot": true], "user-data": .string(String(repeating: "00", count: 64)),
        ]
        let data = runtime.canonicalBytes()
        let report = snpReport(reportData: Array(SHA256.hash(data: data)) + [UInt8](repeating: 0, count: 32))
        func little(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(number >> (8 * $0) & 0xFF) } }
        var hcl = Array("HCLA".utf8) + little(2) + little(0x4D4 + data.count) + little(2)
        hcl += [UInt8](repeating: 0, count: 16) + report + little(20 + data.count) + little(1) + little(2) + little(1)
        hcl += little(data.count) + data
        hcl += [UInt8](repeating: 0, count: 2600 - hcl.count)
        func sized(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
        let message =
            [0xFF, 0x54, 0x43, 0x47, 0x80, 0x18] + sized([0, 0x0B, 1]) + sized(extraData)
            + [UInt8](repeating: 0, count: 25) + [0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0xFF, 0xFF]
            + sized(Array(SHA256.hash(data: Array(pcrs.joined()))))
        let signature = try attestation.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
        let evidence: JSONValue = [
            "platform": "az-snp",
            "evidence": [
                "version": 1, "hcl_report": .string(Base64Text.encodeURL(hcl)),
                "vcek": .string(Base64Text.encodeURL(vcek)),
                "tpm_quote": [
                    "message": .string(message.hexadecimal),
                    "signature": .string(Array(signature.rawRepresentation).hexadecimal),
                    "pcrs": .array(pcrs.map { .string($0.hexadecimal) }),
                ],
            ],
        ]
        return evidence.canonicalBytes()
    }

    // MARK: - TDX

    /// `evidence.json` of a guest of TDX.
    ///
    /// - Parameter change: Changes the quote's body before it is signed.
    package func tdxEvidence(reportData: [UInt8], change: (inout [UInt8]) -> Void = { _ in }) throws -> [UInt8] {
        let evidence: JSONValue = [
            "platform": "tdx",
            "evidence": [
                "quote": .string(Base64Text.encode(try tdxQuote(reportData: reportData, change: change))),
                "cc_eventlog": nil,
            ],
        ]
        return evidence.canonicalBytes()
    }

    package func tdxQuote(reportData: [UInt8], change: (inout [UInt8]) -> Void = { _ in }) throws -> [UInt8] {
        let vendor: [UInt8] = [
            0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
        ]
        let header = [4, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0] + vendor + [UInt8](repeating: 0, count: 20)
        var body = [UInt8](repeating: 0, count: 584)
        body.replaceSubrange(0..<3, with: [5, 1, 5])
        body.replaceSubrange(136..<184, with: Self.measurement)
        body.replaceSubrange(520..<520 + reportData.count, with: reportData)
        change(&body)
        let key = Array(quoting.publicKey.rawRepresentation)
        var enclave = [UInt8](repeating: 0, count: 384)
        enclave[48] = 0x11
        enclave.replaceSubrange(128..<160, with: Self.enclaveSigner)
        enclave[256] = 2
        enclave[258] = 7
        enclave.replaceSubrange(320..<352, with: Array(SHA256.hash(data: key)))
        func little(_ number: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(number >> (8 * $0) & 0xFF) } }
        let inner =
            enclave + Array(try platform.signature(for: enclave).rawRepresentation) + little(0, 2) + little(5, 2)
            + little(chain.count, 4) + chain
        let data =
            Array(try quoting.signature(for: header + body).rawRepresentation) + key + little(6, 2)
            + little(inner.count, 4) + inner
        return header + body + little(data.count, 4) + data
    }

    /// Intel's collateral for its platforms, as files by name.
    ///
    /// - Parameters:
    ///   - window: From and until when, such as `2026-05-20T00:00:00Z`.
    ///   - status: Of the platform's firmware.
    package func collateral(_ window: (String, String), status: String = "UpToDate") throws -> [String: [UInt8]] {
        let level: JSONValue = [
            "tcb": [
                "sgxtcbcomponents": .array(Array(repeating: ["svn": 1], count: 16)), "pcesvn": 13,
                "tdxtcbcomponents": .array(Array(repeating: ["svn": 0], count: 16)),
            ], "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": .string(status), "advisoryIDs": ["INTEL-SA-00001"],
        ]
        let zeros = String(repeating: "0", count: 96)
        let module: [String: JSONValue] = [
            "mrsigner": .string(zeros), "attributes": "0000000000000000", "attributesMask": "FFFFFFFFFFFFFFFF",
        ]
        let named = module.merging([
            "id": "TDX_01",
            "tcbLevels": [["tcb": ["isvsvn": 4], "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": "UpToDate"]],
        ]) { $1 }
        let info: JSONValue = [
            "id": "TDX", "version": 3, "issueDate": .string(window.0), "nextUpdate": .string(window.1),
            "fmspc": .string(Self.fmspc.hexadecimal.uppercased()), "pceId": "0000", "tcbType": 0,
            "tcbEvaluationDataNumber": 17, "tdxModule": .object(module), "tdxModuleIdentities": [.object(named)],
            "tcbLevels": [level],
        ]
        let identity: JSONValue = [
            "id": "TD_QE", "version": 2, "issueDate": .string(window.0), "nextUpdate": .string(window.1),
            "tcbEvaluationDataNumber": 17, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": .string(Self.enclaveSigner.hexadecimal), "isvprodid": 2,
            "tcbLevels": [["tcb": ["isvsvn": 4], "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": "UpToDate"]],
        ]
        func signed(_ name: String, _ value: JSONValue) throws -> [UInt8] {
            let text = value.canonicalString()
            let signature = Array(try tcbSigner.signature(for: Array(text.utf8)).rawRepresentation).hexadecimal
            return Array("{\"\(name)\":\(text),\"signature\":\"\(signature)\"}".utf8)
        }
        let (rootKey, caKey) = (intelRoot, intelAuthority)
        return [
            "tcb_info.json": try signed("tcbInfo", info), "tcb_signing_chain.pem": tcbChain,
            "qe_identity.json": try signed("enclaveIdentity", identity), "qe_identity_signing_chain.pem": tcbChain,
            "root_ca_crl.der": Self.revocations(by: "Intel SGX Root CA", window, [], Self.ecdsa) {
                Self.ecdsa($0, rootKey)
            },
            "pck_crl.der": Self.revocations(by: "Intel SGX PCK Platform CA", window, [], Self.ecdsa) {
                Self.ecdsa($0, caKey)
            },
        ]
    }

    private static let enclaveSigner: [UInt8] = [
        0xDC, 0x9E, 0x2A, 0x7C, 0x6F, 0x94, 0x8F, 0x17, 0x47, 0x4E, 0x34, 0xA7, 0xFC, 0x43, 0xED, 0x03, 0x0F, 0x7C,
        0x15,
        0x63, 0xF1, 0xBA, 0xBD, 0xDF, 0x63, 0x40, 0xC8, 0x2E, 0x0E, 0x54, 0xA8, 0xC5,
    ]

    private static func platformExtension() -> [UInt8] {
        let root = "1.2.840.113741.1.13.1"
        func entry(_ arc: String, _ value: [UInt8]) -> [UInt8] {
            DERWriter.sequence(DERWriter.oid("\(root).\(arc)"), value)
        }
        let versions = (1...16).map { entry("2.\($0)", DERWriter.integer(3)) }
        let tcb = Array((versions + [entry("2.17", DERWriter.integer(13))]).joined())
        let content = DERWriter.sequence(
            entry("1", DERWriter.octets([UInt8](repeating: 1, count: 16))), entry("2", DERWriter.value(0x30, tcb)),
            entry("3", DERWriter.octets([0, 0])), entry("4", DERWriter.octets(fmspc)))
        return DERWriter.sequence(DERWriter.oid(root), DERWriter.octets(content))
    }

    // MARK: - X.509

    private static let serial = 65_537
    private static let sha384 = DERWriter.sequence(DERWriter.oid("2.16.840.1.101.3.4.2.2"), [0x05, 0x00])
    private static let pss = DERWriter.sequence(
        DERWriter.oid("1.2.840.113549.1.1.10"),
        DERWriter.sequence(
            DERWriter.explicit(0, sha384),
            DERWriter.explicit(1, DERWriter.sequence(DERWriter.oid("1.2.840.113549.1.1.8"), sha384)),
            DERWriter.explicit(2, DERWriter.integer(48))))
    private static let ecdsa = DERWriter.sequence(DERWriter.oid("1.2.840.10045.4.3.2"))
    private static let authorityExtensions = [
        DERWriter.sequence(
            DERWriter.oid("2.5.29.19"), DERWriter.yes, DERWriter.octets(DERWriter.sequence(DERWriter.yes))),
        DERWriter.sequence(
            DERWriter.oid("2.5.29.15"), DERWriter.yes, DERWriter.octets(DERWriter.value(0x03, [1, 0x06]))),
    ]

    private static func pss(_ bytes: [UInt8], _ key: _RSA.Signing.PrivateKey) -> [UInt8] {
        guard let signature = try? key.signature(for: SHA384.hash(data: bytes), padding: .PSS) else {
            fatalError("cannot sign")
        }
        return Array(signature.rawRepresentation)
    }

    private static func ecdsa(_ bytes: [UInt8], _ key: P256.Signing.PrivateKey) -> [UInt8] {
        guard let signature = try? key.signature(for: bytes) else { fatalError("cannot sign") }
        return Array(signature.derRepresentation)
    }

    private static func certificate(
        _ name: String, by issuer: String, _ key: [UInt8], _ extensions: [[UInt8]], _ algorithm: [UInt8],
        _ sign: ([UInt8]) -> [UInt8]
    ) -> [UInt8] {
        let body = DERWriter.sequence(
            DERWriter.explicit(0, DERWriter.integer(2)), DERWriter.integer(serial), algorithm, DERWriter.name(issuer),
            DERWriter.sequence(DERWriter.time("20250101000000Z"), DERWriter.time("20490101000000Z")),
            DERWriter.name(name), key, DERWriter.explicit(3, DERWriter.value(0x30, Array(extensions.joined()))))
        return DERWriter.sequence(body, algorithm, DERWriter.bits(sign(body)))
    }

    private static func revocations(
        by issuer: String, _ window: (String, String), _ serials: [Int], _ algorithm: [UInt8],
        _ sign: ([UInt8]) -> [UInt8]
    ) -> [UInt8] {
        func time(_ text: String) -> [UInt8] { DERWriter.time(text.filter { !"-:T".contains($0) }) }
        let entries = serials.map { DERWriter.sequence(DERWriter.integer($0), time(window.0)) }
        let list = entries.isEmpty ? [] : DERWriter.value(0x30, Array(entries.joined()))
        let body = DERWriter.sequence(
            DERWriter.integer(1), algorithm, DERWriter.name(issuer), time(window.0), time(window.1), list)
        return DERWriter.sequence(body, algorithm, DERWriter.bits(sign(body)))
    }
}
