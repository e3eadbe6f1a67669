import KettleAttestation
import KettleProvenance

/// A request to a metadata service: HTTP without redirects or proxies.
package struct MetadataRequest: Hashable, Sendable {
    package var method: String
    package var url: String
    package var headers: [String: String]
    /// Nil for none.
    package var body: [UInt8]?

    package init(method: String, url: String, headers: [String: String], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// Sends a request and gives the body of a 200 answer; throws for every other.
package typealias MetadataFetching = @Sendable (MetadataRequest) async throws -> [UInt8]

/// What Azure's metadata service tells a confidential VM. Plain HTTP on a link-local address: what comes from there counts
/// only as far as the vendor's signature on it carries.
package struct AzureMetadata: Sendable {
    /// Where Azure has it.
    package static let standardBase = "http://169.254.169.254"

    private static let limitInBytes = 1024 * 1024

    private let base: String
    private let fetch: MetadataFetching

    package init(base: String = standardBase, fetch: @escaping MetadataFetching) {
        self.base = base
        self.fetch = fetch
    }

    /// The certificate of the chip's key, in DER.
    func vcek() async throws -> [UInt8] {
        let request = MetadataRequest(
            method: "GET", url: base + "/metadata/THIM/amd/certification", headers: ["Metadata": "true"])
        let pem = try await text(member: "vcekCert", of: "certificate of the chip's key", request)
        guard let der = PEM.oneCertificate(in: Array(pem.utf8)) else { throw DeviceError.noCertificate }
        return der
    }

    /// Has the host's quoting enclave sign a TDREPORT.
    ///
    /// - Returns: The quote.
    func quote(of tdReport: [UInt8]) async throws -> [UInt8] {
        let body = JSONValue.object(["report": .string(Base64.encodeURL(tdReport))])
        let request = MetadataRequest(
            method: "POST", url: base + "/acc/tdquote", headers: ["Content-Type": "application/json"],
            body: body.canonicalBytes())
        let text = try await text(member: "quote", of: "TDX quote", request)
        guard let quote = Base64.decodeURL(text) else {
            throw DeviceError.metadata("TDX quote", reason: "what it gave is not base64url")
        }
        return quote
    }

    private func text(member: String, of what: String, _ request: MetadataRequest) async throws -> String {
        let answer = try await fetch(request)
        let json: JSONValue
        do {
            json = try JSONValue(parsing: answer, maximumBytes: Self.limitInBytes)
        } catch {
            throw DeviceError.metadata(what, reason: error.message)
        }
        guard let text = json[member]?.stringValue else {
            throw DeviceError.metadata(what, reason: "its answer has no string \"\(member)\"")
        }
        return text
    }
}
