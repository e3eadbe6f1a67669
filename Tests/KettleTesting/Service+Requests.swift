import AsyncHTTPClient
import Foundation
package import KettleProvenance
import NIOCore
package import NIOHTTP1
import NIOSSL
package import SystemPackage

/// What a service answered, whole.
package struct Answer: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package subscript(header: String) -> String? { headers.first(name: header) }

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON, read strictly.
    package func json() throws -> JSONValue { try JSONValue(parsing: body) }

    package func events() throws -> ServerSentEvents { try ServerSentEvents(reading: body) }

    /// The bytes of a stream but for the comments, which keep it alive and are no events: a replay has none.
    package var withoutComments: [UInt8] { Array(text.replacing(": alive\n\n", with: "").utf8) }
}

extension Service {
    /// A client without a limit on connections that matters here; redirects are answers.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        // Tests of trust are made with `kettle submit`.
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        configuration.tlsConfiguration = tls
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4000
        configuration.timeout = .init(connect: .seconds(60))
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    package func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send("GET", path, headers)
    }

    package func post(_ path: String, _ form: FormData, _ headers: [String: String] = [:]) async throws -> Answer {
        var headers = headers
        headers["Content-Type"] = FormData.contentType
        return try await send("POST", path, headers, form.encoded)
    }

    package func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], _ body: [UInt8]? = nil
    ) async throws -> Answer {
        let response = try await execute(method, path, headers, body)
        var bytes: [UInt8] = []
        for try await buffer in response.body { bytes += buffer.readableBytesView }
        return Answer(status: Int(response.status.code), headers: response.headers, body: bytes)
    }

    /// Builds by `POST /v1/build/stream` and reads the stream to its end.
    package func build(_ form: FormData, _ headers: [String: String] = [:]) async throws -> ServerSentEvents {
        let answer = try await post("/v1/build/stream", form, headers)
        guard answer.status == 200 else { throw Refused(answer: answer) }
        return try answer.events()
    }

    /// Packs a project as ZIP and builds it.
    package func build(
        _ project: [String: String], _ fields: [String: String] = [:]
    ) async throws -> ServerSentEvents {
        let scratch = try ScratchFolder()
        return try await build(folder: scratch.write(project, to: "project"), fields)
    }

    /// Packs a folder (`.zip` or `.tar.gz`, by the name) and builds it.
    package func build(
        folder: FilePath, _ fields: [String: String] = [:], as name: String = "source.zip"
    ) async throws -> ServerSentEvents {
        var form = FormData(fields: fields)
        form.add(file: "source", try await Command.packed(folder, as: name), named: name)
        return try await build(form)
    }

    /// Sends a request and gives the parts of the answer's body as they come, until `body` says that it has enough.
    ///
    /// - Parameter body: Returns false to hang up.
    package func follow(
        _ method: String = "GET", _ path: String, _ headers: [String: String] = [:], form: FormData? = nil,
        _ body: @Sendable ([UInt8]) async throws -> Bool
    ) async throws {
        var headers = headers
        if form != nil { headers["Content-Type"] = FormData.contentType }
        let response = try await execute(method, path, headers, form?.encoded)
        guard response.status == .ok else {
            throw Refused(answer: Answer(status: Int(response.status.code), headers: response.headers, body: []))
        }
        for try await buffer in response.body {
            guard try await body(Array(buffer.readableBytesView)) else { return }
        }
    }

    /// Starts a build and returns its id once the stream has named it; the client then hangs up.
    package func start(_ form: FormData) async throws -> String {
        let found = Found()
        try await follow("POST", "/v1/build/stream", form: form) { bytes in await found.look(at: bytes) }
        guard let id = await found.id else {
            throw ServerSentEvents.Malformed(description: "the stream named no build")
        }
        return id
    }

    /// Starts a build of ``Projects/slow(seconds:warnings:)`` and returns its id once its compiler runs.
    package func startCompiling(_ source: [UInt8]) async throws -> String {
        let build = try await start(FormData(source: source))
        let log = dataFolder.string + "/builds/\(build)/events"
        try await eventually { contents(of: log).contains("Compiling slow") }
        return build
    }

    /// Starts a build and returns its id once it waits at that place in the line.
    package func startWaiting(_ source: [UInt8], at place: Int64) async throws -> String {
        let build = try await start(FormData(source: source))
        try await eventually { try await get("/v1/builds/\(build)").json()["position"] == .integer(place) }
        return build
    }

    /// The first event of a stream.
    ///
    /// An actor because the parts of a body arrive in a closure.
    private actor Found {
        private var stream = ServerSentEvents()
        var id: String? { stream.buildID }

        /// Returns whether it wants more.
        func look(at bytes: [UInt8]) -> Bool {
            try? stream.feed(bytes)
            return id == nil
        }
    }

    private func execute(
        _ method: String, _ path: String, _ headers: [String: String], _ body: [UInt8]?
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: address + path)
        request.method = .RAW(value: method)
        request.headers = HTTPHeaders(headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        if let body { request.body = .bytes(body) }
        return try await Self.client.execute(request, timeout: .minutes(5))
    }
}

/// A request that should have been accepted was not.
package struct Refused: Error, CustomStringConvertible {
    package var answer: Answer

    package init(answer: Answer) {
        self.answer = answer
    }

    package var description: String { "answered \(answer.status): \(answer.text)" }
}

extension Command {
    /// A folder packed, as bytes.
    package static func packed(_ folder: FilePath, as name: String) async throws -> [UInt8] {
        let scratch = try ScratchFolder()
        let archive = scratch.path.appending(name)
        try await pack(folder, as: archive)
        return Array(try Data(contentsOf: URL(filePath: archive.string)))
    }
}
