package import KettleProvenance
import Synchronization

/// The certificates at which trust begins: AMD's and Intel's, compiled in, or others that a caller names.
///
/// Nothing in evidence adds or replaces one. Certificates below them are checked once in the life of this value, however many
/// pieces of evidence bring them along; copies share that memory.
public struct TrustRoots: Sendable {
    /// The chip makers' own (`Roots/`).
    public static let vendor = TrustRoots(
        unchecked: Contents(
            ark: [
                .milan: PackageResources.amd_milan_ark_der, .genoa: PackageResources.amd_genoa_ark_der,
                .turin: PackageResources.amd_turin_ark_der,
            ],
            ask: [
                .milan: PackageResources.amd_milan_ask_der, .genoa: PackageResources.amd_genoa_ask_der,
                .turin: PackageResources.amd_turin_ask_der,
            ],
            asvk: [
                .milan: PackageResources.amd_milan_asvk_der, .genoa: PackageResources.amd_genoa_asvk_der,
                .turin: PackageResources.amd_turin_asvk_der,
            ], intel: PackageResources.intel_sgx_root_ca_der))

    /// The certificates in DER.
    public struct Contents: Sendable {
        /// AMD's self-signed root keys, by product.
        public var ark: [SNPProduct: [UInt8]]
        /// The keys below them that sign VCEKs.
        public var ask: [SNPProduct: [UInt8]]
        /// The keys below them that sign VLEKs.
        public var asvk: [SNPProduct: [UInt8]]
        /// Intel's SGX Root CA.
        public var intel: [UInt8]

        /// - Parameters:
        ///   - ark: AMD's self-signed root keys, by product.
        ///   - ask: The keys below them that sign VCEKs.
        ///   - asvk: The keys below them that sign VLEKs.
        ///   - intel: Intel's SGX Root CA.
        public init(
            ark: [SNPProduct: [UInt8]], ask: [SNPProduct: [UInt8]], asvk: [SNPProduct: [UInt8]], intel: [UInt8]
        ) {
            self.ark = ark
            self.ask = ask
            self.asvk = asvk
            self.intel = intel
        }
    }

    private let contents: Contents
    /// Tells these roots from others: SHA-256 over the SHA-256 of each, products in alphabetical order.
    package var digest: ContentDigest {
        let parts = [contents.ark, contents.ask, contents.asvk].flatMap { files in
            SNPProduct.allCases.map { files[$0] ?? [] }
        }
        return ContentDigest(of: (parts + [contents.intel]).flatMap { ContentDigest(of: $0).bytes })
    }
    let checked = CheckedCertificates()

    private init(unchecked contents: Contents) {
        self.contents = contents
    }

    /// Takes other roots than the vendors'. Whoever holds their keys can make evidence of anything.
    ///
    /// - Parameter contents: The certificates; a product may lack any of its three.
    /// - Throws: ``EvidenceError`` when one is no certificate, or not of the chain that it should be of.
    public init(_ contents: Contents) throws(EvidenceError) {
        self.init(unchecked: contents)
        for product in contents.ark.keys { _ = try ark(of: product) }
        for product in contents.ask.keys { _ = try intermediate(of: product, for: .vcek) }
        for product in contents.asvk.keys { _ = try intermediate(of: product, for: .vlek) }
        _ = try intelRoot()
    }

    /// AMD's root for a product, checked to have signed itself.
    func ark(of product: SNPProduct) throws(EvidenceError) -> Certificate {
        guard let bytes = contents.ark[product] else {
            throw EvidenceError(.chainRoot, "there is no trusted ARK for \(product.rawValue)")
        }
        return try root(bytes, called: "the ARK of \(product.rawValue)")
    }

    /// The certificate below the ARK that signs keys of a kind.
    func intermediate(of product: SNPProduct, for key: SNPSigningKey) throws(EvidenceError) -> Certificate {
        let name = key == .vcek ? "ASK" : "ASVK"
        guard let bytes = key == .vcek ? contents.ask[product] : contents.asvk[product] else {
            throw EvidenceError(.chainASK, "there is no trusted \(name) for \(product.rawValue)")
        }
        let ark = try ark(of: product)
        guard let certificate = checked.certificate(bytes, issuedBy: ark), certificate.isAuthority,
            certificate.maySignCertificates
        else {
            throw EvidenceError(.chainASK, "the \(name) of \(product.rawValue) is not the ARK's")
        }
        return certificate
    }

    /// Intel's root, checked to have signed itself.
    func intelRoot() throws(EvidenceError) -> Certificate { try root(contents.intel, called: "Intel's root") }

    private func root(_ bytes: [UInt8], called name: String) throws(EvidenceError) -> Certificate {
        guard let certificate = checked.root(bytes), certificate.isAuthority, certificate.maySignCertificates else {
            throw EvidenceError(.chainRoot, "\(name) is not a self-signed authority")
        }
        return certificate
    }
}

/// Certificates whose issuer's signature was checked, so that a service checks each one once.
///
/// Shared by all verifications with the same roots, whichever thread they run on. What is remembered is only that one key
/// signed some bytes, which does not change; times and revocation are looked at each time.
final class CheckedCertificates: Sendable {
    /// Beyond this many it begins anew: evidence of strangers must not fill the memory.
    private static let limit = 1000

    private struct Key: Hashable {
        let certificate: ContentDigest
        /// Of the issuer's certificate; the certificate's own for a root.
        let issuer: ContentDigest
    }

    private let entries = Mutex<[Key: Certificate]>([:])

    /// The certificate, when it is one and `issuer` signed it.
    func certificate(_ bytes: [UInt8], issuedBy issuer: Certificate) -> Certificate? {
        remembered(bytes, issuer.digest) { $0.isIssued(by: issuer) }
    }

    /// The certificate, when it is one that signed itself.
    func root(_ bytes: [UInt8]) -> Certificate? {
        remembered(bytes, ContentDigest(of: bytes)) { $0.isIssued(by: $0) }
    }

    private func remembered(
        _ bytes: [UInt8], _ issuer: ContentDigest, _ check: (Certificate) -> Bool
    ) -> Certificate? {
        let key = Key(certificate: ContentDigest(of: bytes), issuer: issuer)
        if let known = entries.withLock({ $0[key] }) { return known }
        guard let certificate = try? Certificate(parsing: bytes), check(certificate) else { return nil }
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            entries[key] = certificate
        }
        return certificate
    }
}
