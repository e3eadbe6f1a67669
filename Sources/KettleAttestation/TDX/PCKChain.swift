import KettleProvenance
import SwiftASN1

/// The certificates of a TDX platform: its provisioning certification key (PCK), the CA that issued it, and Intel's root.
struct PCKChain: Sendable {
    let root: Certificate
    let intermediate: Certificate
    let leaf: Certificate
    /// What the leaf says of the platform.
    let platform: PCKExtension

    private static let intermediateNames: Set = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"]
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
struct PCKExtension: Hashable, Sendable {
    /// Security versions of the platform's 16 components.
    let components: [Int]
    let pceSVN: Int
    /// 2 bytes.
    let pceID: [UInt8]
    /// 6 bytes: the family, model, stepping, platform type and custom SKU.
    let fmspc: [UInt8]

    private static let root = "1.2.840.113741.1.13.1"

    init(_ certificate: Certificate) throws {
        guard let value = certificate.extensions[Self.root] else { throw DERError() }
        let entries = try Self.entries(try DER.parse(value))
        guard let tcb = entries["2"], let pceID = entries["3"], let fmspc = entries["4"] else { throw DERError() }
        let versions = try Self.entries(tcb)
        components = try (1...16).map { index in
            guard let node = versions["2.\(index)"] else { throw DERError() }
            return try node.smallInteger()
        }
        guard let pceSVN = versions["2.17"] else { throw DERError() }
        self.pceSVN = try pceSVN.smallInteger()
        self.pceID = Array(try pceID.primitive(.octetString))
        self.fmspc = Array(try fmspc.primitive(.octetString))
        guard self.pceID.count == 2, self.fmspc.count == 6, components.allSatisfy({ $0 <= 255 }) else {
            throw DERError()
        }
    }

    /// A SEQUENCE of SEQUENCE { OID, value }: the values by what their identifiers have below ours.
    private static func entries(_ node: ASN1Node) throws -> [String: ASN1Node] {
        var list = try DERElements(of: node, .sequence)
        var entries: [String: ASN1Node] = [:]
        while let entry = list.nextIfAny() {
            var parts = try DERElements(of: entry, .sequence)
            let name = try ASN1ObjectIdentifier(derEncoded: try parts.next()).oidComponents.map(String.init)
                .joined(separator: ".")
            let value = try parts.next()
            try parts.end()
            guard name.hasPrefix(root + "."),
                entries.updateValue(value, forKey: String(name.dropFirst(root.count + 1))) == nil
            else { throw DERError() }
        }
        return entries
    }
}
