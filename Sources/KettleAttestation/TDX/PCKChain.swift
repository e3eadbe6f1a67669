import KettleProvenance
import SwiftASN1

/// The certificates of a TDX platform: its provisioning certification key (PCK), the CA that issued it, and Intel's root.
struct PCKChain: Sendable {
    let root: Certificate
    let intermediate: Certificate
    let leaf: Certificate
    /// What the leaf says of the platform.
    let platform: PCKExtension

    private static let intermediateNames = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"]
    private static let leafName = "Intel SGX PCK Certificate"

    /// - Parameter pem: Leaf, intermediate and root, as a quote has them.
    /// - Throws: ``EvidenceError`` with a reason that begins with `chain.`, or `cert.time`.
    init(
        _ pem: [UInt8], roots: TrustRoots, at time: Statement.Timestamp
    ) throws(EvidenceError) {
        guard let certificates = PEM.certificates(in: pem[...], style: .quote), certificates.count == 3 else {
            throw EvidenceError(.chainPCK, "the quote does not hold exactly three certificates in PEM")
        }
        root = try roots.intelRoot()
        guard certificates[2] == root.bytes else {
            throw EvidenceError(.chainRoot, "the quote's root certificate is not the trusted one")
        }
        guard let intermediate = roots.checked.certificate(certificates[1], issuedBy: root),
            Self.intermediateNames.contains(intermediate.commonName)
        else {
            throw EvidenceError(.chainIntermediate, "the intermediate certificate is not a PCK authority of the root's")
        }
        guard intermediate.isAuthority, intermediate.maySignCertificates else {
            throw EvidenceError(.chainAuthority, "\(intermediate.commonName) may not sign certificates")
        }
        guard let leaf = roots.checked.certificate(certificates[0], issuedBy: intermediate),
            leaf.commonName == Self.leafName, case .p256 = leaf.publicKey
        else {
            throw EvidenceError(.chainPCK, "the platform's certificate is not issued by \(intermediate.commonName)")
        }
        guard !leaf.isAuthority else {
            throw EvidenceError(.chainAuthority, "the platform's certificate is an authority's")
        }
        for certificate in [root, intermediate, leaf] {
            guard certificate.validity.contains(time) else { throw .expired(certificate, at: time) }
        }
        self.intermediate = intermediate
        self.leaf = leaf
        guard let platform = try? PCKExtension(leaf) else {
            throw EvidenceError(.chainPCK, "the platform's certificate says nothing of the platform that can be read")
        }
        self.platform = platform
    }

    var window: ValidityWindow {
        var window = root.validity
        window.narrow(to: intermediate.validity)
        window.narrow(to: leaf.validity)
        return window
    }
}

/// What a PCK certificate says of its platform: extension 1.2.840.113741.1.13.1 (Intel, "SGX PCK Certificate and CRL Profile
/// Specification" rev. 1.4, section 1.3.5).
package struct PCKExtension: Hashable, Sendable {
    /// Security versions of the platform's 16 components.
    let components: [Int]
    let pceSVN: Int
    /// 2 bytes.
    let pceID: [UInt8]
    /// 6 bytes: the family, model, stepping, platform type and custom SKU.
    let fmspc: [UInt8]

    /// 1.2.840.113741.1.13.1 in DER.
    private static let root: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01]

    package init(_ certificate: Certificate) throws {
        guard let value = certificate.value(ofExtension: Self.root) else { throw DERError() }
        let entries = try Self.entries(try DER.parse(value))
        let versions = try Self.entries(try Self.entry([2], of: entries))
        components = try (1...16).map { try Self.entry([2, $0], of: versions).smallInteger() }
        pceSVN = try Self.entry([2, 17], of: versions).smallInteger()
        pceID = Array(try Self.entry([3], of: entries).primitive(.octetString))
        fmspc = Array(try Self.entry([4], of: entries).primitive(.octetString))
        guard self.pceID.count == 2, self.fmspc.count == 6, components.allSatisfy({ $0 <= 255 }) else {
            throw DERError()
        }
    }

    /// A SEQUENCE of SEQUENCE { OID, value }: the values by what their identifiers have below ours.
    private static func entries(_ node: ASN1Node) throws -> [(name: [UInt8], value: ASN1Node)] {
        var list = try DERElements(of: node, .sequence)
        var entries: [(name: [UInt8], value: ASN1Node)] = []
        while let entry = list.nextIfAny() {
            var parts = try DERElements(of: entry, .sequence)
            let type = try parts.next().objectIdentifier()
            let value = try parts.next()
            try parts.end()
            let name = Array(type.dropFirst(root.count))
            guard type.starts(with: root), !name.isEmpty, !entries.contains(where: { $0.name == name }) else {
                throw DERError()
            }
            entries.append((name, value))
        }
        return entries
    }

    private static func entry(_ name: [UInt8], of entries: [(name: [UInt8], value: ASN1Node)]) throws -> ASN1Node {
        guard let entry = entries.first(where: { $0.name == name }) else { throw DERError() }
        return entry.value
    }
}
