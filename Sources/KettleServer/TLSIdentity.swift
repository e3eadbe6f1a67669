import Crypto
package import Foundation
import KettleAttestation
import KettleError
import NIOCore
import NIOSSL
import SwiftASN1
import X509

/// The certificate and private key with which the service terminates TLS.
package struct TLSIdentity: Sendable {
    private let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey

    /// The public key that a client sees: the DER SubjectPublicKeyInfo of the leaf certificate.
    package let publicKey: [UInt8]

    private init(chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) throws {
        self.chain = chain
        self.key = key
        guard let leaf = chain.first else { throw NIOSSLError.failedToLoadCertificate }
        publicKey = try leaf.extractPublicKey().toSPKIBytes()
    }

    /// What a connection is set up with: TLS 1.2 or newer, HTTP/2 or HTTP/1.1, no certificate of the client's.
    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        // How long a client that is told goodbye may take to say it too: a stopping service waits for that.
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }
}

// MARK: - From files

extension TLSIdentity {
    /// The largest file of a certificate chain or key, in bytes.
    private static let fileLimit = 1 << 20

    /// Reads a chain, the leaf first, and the leaf's private key, both in PEM.
    package init(certificate: String, key: String) throws(TLSIdentityError) {
        let chainBytes = try Self.read(certificate)
        let keyBytes = try Self.read(key)
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(chainBytes), !chain.isEmpty else {
            throw .certificateMalformed(path: certificate)
        }
        guard let privateKey = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else {
            throw .keyMalformed(path: key)
        }
        guard let identity = try? TLSIdentity(chain: chain, key: privateKey) else {
            throw .certificateMalformed(path: certificate)
        }
        self = identity
        // Only the context compares the two.
        guard (try? NIOSSLContext(configuration: configuration)) != nil else {
            throw .mismatch(certificate: certificate, key: key)
        }
    }

    private static func read(_ path: String) throws(TLSIdentityError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: fileLimit + 1),
            data.count <= fileLimit
        else { throw .unreadable(path: path) }
        return Array(data)
    }
}

// MARK: - Made in memory

extension TLSIdentity {
    /// Makes a P-256 key, which never leaves the memory of this process, and a certificate for it that it signs itself.
    ///
    /// The certificate is there because TLS wants one. Its names let a client that was handed it check them; what a client
    /// that asks for evidence goes by is the key.
    ///
    /// - Parameters:
    ///   - host: The address that the service listens on.
    ///   - now: The certificate holds from an hour before, for clocks that are behind, for ten years: it ends with the process.
    package static func generated(for host: String, now: Date = .now) throws -> TLSIdentity {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("kettle") }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-3600), notValidAfter: now.addingTimeInterval(3650 * 86_400),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            // No key usage: without keyCertSign libraries would not take the certificate for its own issuer.
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(alternativeNames(host))
            }, issuerPrivateKey: .init(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return try TLSIdentity(
            chain: [NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)],
            key: NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der))
    }

    private static func alternativeNames(_ host: String) -> [GeneralName] {
        var names: [GeneralName] = [
            .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
            .ipAddress(ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: 15)[...] + [1])),
        ]
        let isName = host.utf8.contains { $0 >= 0x61 && $0 <= 0x7A } && !host.contains(":")
        if isName, host != "localhost" { names.insert(.dnsName(host), at: 0) }
        let parts = host.split(separator: ".").compactMap { UInt8($0) }
        if parts.count == 4, host != "127.0.0.1" {
            names.insert(.ipAddress(ASN1OctetString(contentBytes: parts[...])), at: 0)
        }
        return names
    }
}

/// Why the service cannot terminate TLS. The paths are the operator's own words.
package enum TLSIdentityError: UserFacingError, Equatable {
    case unreadable(path: String)
    case certificateMalformed(path: String)
    case keyMalformed(path: String)
    case mismatch(certificate: String, key: String)

    package var code: String {
        switch self {
        case .unreadable: "tls.unreadable"
        case .certificateMalformed: "tls.certificate_malformed"
        case .keyMalformed: "tls.key_malformed"
        case .mismatch: "tls.mismatch"
        }
    }

    package var message: String {
        switch self {
        case .unreadable(let path): "\(Self.shown(path)) cannot be read"
        case .certificateMalformed(let path): "\(Self.shown(path)) holds no certificate in PEM"
        case .keyMalformed(let path): "\(Self.shown(path)) holds no private key in PEM that needs no passphrase"
        case .mismatch(let certificate, let key):
            "the key in \(Self.shown(key)) is not that of the first certificate in \(Self.shown(certificate))"
        }
    }

    package var hint: String? {
        switch self {
        case .unreadable: "name a file of at most 1 MiB that the service's user may read"
        case .certificateMalformed: "the service's own certificate comes first, then those that signed it"
        case .keyMalformed: "openssl pkey -in FILE -out FILE writes one without a passphrase"
        case .mismatch: "the service's own certificate comes first in its file"
        }
    }
}
