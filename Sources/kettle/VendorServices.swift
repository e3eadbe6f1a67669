import AsyncHTTPClient
import KettleDevices
import KettleError
import NIOCore
import NIOHTTP1

/// The services that Kettle asks: the chip makers', the operator's copies of them, and the cloud's metadata, and identity
/// providers for their keys. What is said of hardware counts only as far as a chip maker's signature on it carries.
struct VendorServices: Sendable {
    /// The longest answer, in bytes.
    private static let limit = 4 << 20

    private let client: HTTPClient

    init() {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(10)))
        configuration.httpVersion = .http1Only
        // What is asked of the chip makers and identity providers is not theirs to follow through this service.
        configuration.tracing.tracer = nil
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Before the process ends.
    func shutdown() async throws { try await client.shutdown() }

    func document(_ url: String) async throws -> VendorDocument {
        try await send(MetadataRequest(method: "GET", url: url, headers: [:]))
    }

    func metadata(_ request: MetadataRequest) async throws -> [UInt8] { try await send(request).body }

    private func send(_ request: MetadataRequest) async throws -> VendorDocument {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
        if let body = request.body { outgoing.body = .bytes(body) }
        let response: HTTPClientResponse
        var body = ByteBuffer()
        // The client's own time limit ends with the head; a body that drips would hold up whoever waits.
        let deadline = ContinuousClock.now + .seconds(20)
        do {
            response = try await client.execute(outgoing, timeout: .seconds(20))
            for try await var piece in response.body {
                body.writeBuffer(&piece)
                guard body.readableBytes <= Self.limit, ContinuousClock.now < deadline else {
                    throw VendorServiceError.silent(url: request.url)
                }
            }
        } catch {
            throw VendorServiceError.silent(url: request.url)
        }
        guard response.status == .ok else {
            throw VendorServiceError.refused(url: request.url, status: Int(response.status.code))
        }
        let headers = response.headers.map { ($0.name.lowercased(), $0.value) }
        return VendorDocument(
            body: Array(body.readableBytesView), headers: Dictionary(headers, uniquingKeysWith: { first, _ in first }))
    }
}

/// Why such a service is of no help.
enum VendorServiceError: UserFacingError, Equatable {
    case silent(url: String)
    case refused(url: String, status: Int)

    var code: String {
        switch self {
        case .silent: "vendor.silent"
        case .refused: "vendor.refused"
        }
    }

    var message: String {
        switch self {
        case .silent(let url): "\(url) does not answer in time, or too much"
        case .refused(let url, let status): "\(url) answers with status \(status)"
        }
    }

    var hint: String? { nil }
}
