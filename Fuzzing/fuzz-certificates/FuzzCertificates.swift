import CFuzzer
import FuzzVectors
import Glibc
import KettleAttestation

@main
enum FuzzCertificates {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzCertificates.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Who signed genuine certificates and lists: AMD's and Intel's roots, and what stands below them.
    private static let issuers: [Certificate] = {
        var issuers: [[UInt8]] = []
        for product in ["milan", "genoa", "turin"] {
            for name in ["ark", "ask", "asvk"] { issuers.append(Vector.trustRoot("amd_\(product)_\(name).der")) }
        }
        return required { try (issuers + chain).map(Certificate.init(parsing:)) }
    }()
    /// Leaf, intermediate and root of a TDX platform.
    private static let chain: [[UInt8]] = {
        let quote = required { try TDXQuote(parsing: Vector("tdx/v4-spr-50806f").file("quote.bin")) }
        return required { PEM.certificates(in: quote.certificates[...], style: .quote) }
    }()
    /// All that these issuers are known to have signed here.
    private static let genuine: Set<[UInt8]> = {
        var genuine = Set(issuers.map(\.bytes))
        for name in ["snp/genoa-v5", "snp/turin-v5-azure-bare", "snp/milan-v3-vlek-vmpl1"] {
            genuine.insert(Vector(name).file("vek.der"))
        }
        let folder = "collateral/intel-50806f-2026-03"
        for name in ["root_ca_crl.der", "pck_crl.der"] { genuine.insert(Vector.file("\(folder)/\(name)")) }
        let signers = Vector.file("\(folder)/tcb_signing_chain.pem")
        genuine.formUnion(required { PEM.certificates(in: signers[...], style: .file) })
        return genuine
    }()

    /// Reads the same bytes as a certificate, as a revocation list and as PEM.
    private static func check(_ bytes: [UInt8]) {
        if let certificate = try? Certificate(parsing: bytes) { check(certificate, bytes) }
        if let list = try? RevocationList(parsing: bytes) {
            expect(isWhole(bytes), "a list and nothing behind it")
            for issuer in issuers where list.isIssued(by: issuer) {
                expect(genuine.contains(bytes), "a list that its issuer signed")
            }
        }
        let quoted = PEM.certificates(in: bytes[...], style: .quote)
        let filed = PEM.certificates(in: bytes[...], style: .file)
        for found in [quoted, filed].compactMap(\.self) {
            expect((1...8).contains(found.count), "one to eight certificates")
            for one in found { if let certificate = try? Certificate(parsing: one) { check(certificate, one) } }
        }
        guard let quoted else { return }
        // In a quote nothing else signs these bytes, so that there is one way to write them.
        var text = bytes[...]
        while text.last == 0 { text.removeLast() }
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        expect(Array(text) == encoded(quoted), "PEM in its one form")
        expect(text.count < bytes.count && bytes.last == 0 || filed == quoted, "a file to be read as a quote's PEM is")
    }

    private static func check(_ certificate: Certificate, _ bytes: [UInt8]) {
        expect(certificate.bytes == bytes, "the bytes that were read")
        expect(isWhole(bytes), "a certificate and nothing behind it")
        for issuer in issuers where certificate.isIssued(by: issuer) {
            expect(genuine.contains(bytes), "a certificate that its issuer signed")
        }
        // What is read only after a signature was checked, which no fuzzer gets past.
        for product in SNPProduct.allCases {
            for key in [SNPSigningKey.vcek, .vlek] { _ = try? SNPEndorsement(certificate, product: product, key: key) }
        }
        _ = try? PCKExtension(certificate)
    }

    /// Whether one DER value with a length of two bytes is all there is; shorter ones are no certificates.
    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 4, bytes[0] == 0x30 else { return false }
        switch bytes[1] {
        case 0x82: return bytes.count == 4 + Int(bytes[2]) << 8 + Int(bytes[3])
        case 0x81: return bytes.count == 3 + Int(bytes[2])
        default: return bytes.count == 2 + Int(bytes[1])
        }
    }

    private static func encoded(_ certificates: [[UInt8]]) -> [UInt8] {
        var lines: [String] = []
        for certificate in certificates {
            lines.append("-----BEGIN CERTIFICATE-----")
            var rest = Base64.encode(certificate)[...]
            while !rest.isEmpty {
                lines.append(String(rest.prefix(64)))
                rest = rest.dropFirst(64)
            }
            lines.append("-----END CERTIFICATE-----")
        }
        return Array(lines.joined(separator: "\n").utf8)
    }
}
