package import KettleProvenance
import Synchronization

/// The certificates at which trust begins: AMD's and Intel's, compiled in, or others that a caller names.
///
/// Nothing in evidence adds or replaces one. Certificates below them are checked once in the life of this value, however many
/// pieces of evidence bring them along; copies share that memory.
public struct TrustRoots: Sendable {
    /// The chip makers' own (`Roots/`).
    public static let vendor = TrustRoots(others: nil)

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

    /// Which of a product's certificates.
    private enum Role: CaseIterable {
        case ark
        case ask
        case asvk
    }

    /// Nil for the vendors' own.
    private let others: Contents?
    /// Tells these roots from others: SHA-256 over the SHA-256 of each, products in alphabetical order.
    package var digest: ContentDigest {
        let parts = Role.allCases.flatMap { role in SNPProduct.allCases.map { bytes(role, $0) ?? [] } }
        return ContentDigest(of: (parts + [intel]).flatMap { ContentDigest(of: $0).bytes })
    }
    let checked = CheckedCertificates()

    private init(others: Contents?) {
        self.others = others
    }

    /// Takes other roots than the vendors'. Whoever holds their keys can make evidence of anything.
    ///
    /// - Parameter contents: The certificates; a product may lack any of its three.
    /// - Throws: ``EvidenceError`` when one is no certificate, or not of the chain that it should be of.
    public init(_ contents: Contents) throws(EvidenceError) {
        self.init(others: contents)
        for product in contents.ark.keys { _ = try ark(of: product) }
        for product in contents.ask.keys { _ = try intermediate(of: product, for: .vcek) }
        for product in contents.asvk.keys { _ = try intermediate(of: product, for: .vlek) }
        _ = try intelRoot()
    }

    /// What is compiled in, which `TrustRootsTests` hands to ``init(_:)`` to have it checked.
    package static var vendorContents: Contents {
        var contents = Contents(ark: [:], ask: [:], asvk: [:], intel: PackageResources.intel_sgx_root_ca_der)
        for product in SNPProduct.allCases {
            contents.ark[product] = vendorCertificate(.ark, product)
            contents.ask[product] = vendorCertificate(.ask, product)
            contents.asvk[product] = vendorCertificate(.asvk, product)
        }
        return contents
    }

    private static func vendorCertificate(_ role: Role, _ product: SNPProduct) -> [UInt8] {
        switch (product, role) {
        case (.milan, .ark): PackageResources.amd_milan_ark_der
        case (.milan, .ask): PackageResources.amd_milan_ask_der
        case (.milan, .asvk): PackageResources.amd_milan_asvk_der
        case (.genoa, .ark): PackageResources.amd_genoa_ark_der
        case (.genoa, .ask): PackageResources.amd_genoa_ask_der
        case (.genoa, .asvk): PackageResources.amd_genoa_asvk_der
        case (.turin, .ark): PackageResources.amd_turin_ark_der
        case (.turin, .ask): PackageResources.amd_turin_ask_der
        case (.turin, .asvk): PackageResources.amd_turin_asvk_der
        }
    }

    private var intel: [UInt8] { others?.intel ?? PackageResources.intel_sgx_root_ca_der }

    private func bytes(_ role: Role, _ product: SNPProduct) -> [UInt8]? {
        guard let others else { return Self.vendorCertificate(role, product) }
        switch role {
        case .ark: return others.ark[product]
        case .ask: return others.ask[product]
        case .asvk: return others.asvk[product]
        }
    }

    /// AMD's root for a product, which signed itself.
    func ark(of product: SNPProduct) throws(EvidenceError) -> Certificate {
        guard let bytes = bytes(.ark, product) else {
            throw EvidenceError(.chainRoot, "there is no trusted ARK for \(product.rawValue)")
        }
        return try root(bytes, called: "the ARK of \(product.rawValue)")
    }

    /// The certificate below the ARK that signs keys of a kind.
    func intermediate(of product: SNPProduct, for key: SNPSigningKey) throws(EvidenceError) -> Certificate {
        let name = key == .vcek ? "ASK" : "ASVK"
        guard let bytes = bytes(key == .vcek ? .ask : .asvk, product) else {
            throw EvidenceError(.chainASK, "there is no trusted \(name) for \(product.rawValue)")
        }
        guard
            let certificate = isCompiledIn
                ? checked.constant(bytes) : checked.certificate(bytes, issuedBy: try ark(of: product)),
            certificate.isAuthority, certificate.maySignCertificates
        else {
            throw EvidenceError(.chainASK, "the \(name) of \(product.rawValue) is not the ARK's")
        }
        return certificate
    }

    /// Intel's root, which signed itself.
    func intelRoot() throws(EvidenceError) -> Certificate {
        try root(intel, called: "Intel's root")
    }

    private func root(_ bytes: [UInt8], called name: String) throws(EvidenceError) -> Certificate {
        guard let certificate = isCompiledIn ? checked.constant(bytes) : checked.root(bytes), certificate.isAuthority,
            certificate.maySignCertificates
        else {
            throw EvidenceError(.chainRoot, "\(name) is not a self-signed authority")
        }
        return certificate
    }

    /// The signatures among certificates that are compiled in do not change from one run to the next: `TrustRootsTests`
    /// checks them, once for all.
    private var isCompiledIn: Bool { others == nil }
}

/// Certificates whose issuer's signature was checked, so that a service checks each one once.
///
/// Shared by all verifications with the same roots, whichever thread they run on. What is remembered is only that one key
/// signed some bytes, which does not change; times and revocation are looked at each time.
final class CheckedCertificates: Sendable {
    /// Beyond this many it begins anew: evidence of strangers must not fill the memory.
    private static let limit = 1000

    private struct Entry {
        let certificate: Certificate
        /// The issuer's certificate; the certificate's own for a root, nothing for what is compiled in.
        let issuer: [UInt8]

        func isBefore(_ bytes: [UInt8], _ issuer: [UInt8]) -> Bool {
            certificate.bytes == bytes
                ? self.issuer.lexicographicallyPrecedes(issuer) : certificate.bytes.lexicographicallyPrecedes(bytes)
        }
    }

    /// Sorted. A dictionary of a kind that nothing else uses takes Swift a quarter of a millisecond to set up, which is a
    /// third of what verifying one piece of evidence takes.
    private let entries = Mutex<[Entry]>([])

    /// The certificate, when it is one and `issuer` signed it.
    func certificate(_ bytes: [UInt8], issuedBy issuer: Certificate) -> Certificate? {
        remembered(bytes, issuer.bytes) { $0.isIssued(by: issuer) }
    }

    /// The certificate, when it is one that signed itself.
    func root(_ bytes: [UInt8]) -> Certificate? {
        remembered(bytes, bytes) { $0.isIssued(by: $0) }
    }

    /// A certificate that is compiled in.
    func constant(_ bytes: [UInt8]) -> Certificate? {
        remembered(bytes, []) { _ in true }
    }

    private func remembered(
        _ bytes: [UInt8], _ issuer: [UInt8], _ check: (Certificate) -> Bool
    ) -> Certificate? {
        let known = entries.withLock { entries -> Certificate? in
            let place = Self.place(of: bytes, issuer, in: entries)
            guard place < entries.count else { return nil }
            let entry = entries[place]
            return entry.certificate.bytes == bytes && entry.issuer == issuer ? entry.certificate : nil
        }
        if let known { return known }
        guard let certificate = try? Certificate(parsing: bytes), check(certificate) else { return nil }
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            let place = Self.place(of: bytes, issuer, in: entries)
            entries.insert(Entry(certificate: certificate, issuer: issuer), at: place)
        }
        return certificate
    }

    /// Where an entry stands or would stand.
    private static func place(of bytes: [UInt8], _ issuer: [UInt8], in entries: [Entry]) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].isBefore(bytes, issuer) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
