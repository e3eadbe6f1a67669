// Builds an archive on a Kettle service, shows the messages as they come, and downloads the bundle.
//
//     swiftc submit.swift -o submit
//     ./submit ARCHIVE OUTPUT
//
// The service is $KETTLE_API, else http://127.0.0.1:8080/v1; $KETTLE_TOKEN is the token, where it wants one. Prints the command that
// verifies the bundle, with the nonce that it sent. Exit status 0: the bundle is there, unjudged; 1: the service refuses, or the project
// cannot be built; 2: no answer.
//
// Foundation alone. A connection that breaks is not made again: the other clients show how.

import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Why there is no bundle, and what the program exits with.
struct Failure: Error {
    var status: Int32
    var message: String
    var hint: String?

    init(_ status: Int32, _ message: String, hint: String? = nil) {
        self.status = status
        self.message = message
        self.hint = hint
    }

    /// A problem document (RFC 9457), mostly.
    init(code: Int, problem: Data) {
        let members = (try? JSONSerialization.jsonObject(with: problem)) as? [String: Any] ?? [:]
        let detail = members["detail"] as? String ?? "it does not say why"
        let isRefusal = (400..<500).contains(code) && code != 429
        self.init(isRefusal ? 1 : 2, "the service answers \(code): \(detail)", hint: members["hint"] as? String)
    }
}

/// The data of server-sent events, as the WHATWG's HTML standard reads a stream (section 9.2.6), but for lines that end in a single CR,
/// which Kettle does not send.
struct EventStream {
    private var line: [UInt8] = []
    private var data: [[UInt8]] = []

    /// Takes the next bytes, and returns the events that they complete.
    mutating func feed(_ bytes: Data) -> [Data] {
        var events: [Data] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                if !data.isEmpty { events.append(Data(data.joined(separator: [UInt8(ascii: "\n")]))) }
                data = []
            } else if line.starts(with: Array("data:".utf8)) {
                let value = line.dropFirst(5)
                data.append(Array(value.first == UInt8(ascii: " ") ? value.dropFirst() : value))
            }
            line = []
        }
        return events
    }
}

/// What a request is answered, piece by piece. All methods are called on the session's queue, one after the other.
final class Exchange: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let pieces: AsyncThrowingStream<Data, any Error>.Continuation
    private var code = 0
    private var problem = Data()

    init(_ pieces: AsyncThrowingStream<Data, any Error>.Continuation) { self.pieces = pieces }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        code = (response as? HTTPURLResponse)?.statusCode ?? 0
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        if code == 200 {
            pieces.yield(data)
        } else if problem.count < 1 << 20 {
            problem.append(data)
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse, newRequest: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)  // a token is for the service that was named
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            pieces.finish(throwing: Failure(2, "no connection, or a lost one: \(error.localizedDescription)"))
        } else if code != 200 {
            pieces.finish(throwing: Failure(code: code, problem: problem))
        } else {
            pieces.finish()
        }
        session.finishTasksAndInvalidate()
    }
}

/// A service at an address.
struct Service {
    let base: String
    let token: String?

    init(environment: [String: String]) throws {
        var base = environment["KETTLE_API"] ?? ""
        if base.isEmpty { base = "http://127.0.0.1:8080" }
        guard let url = URL(string: base), let host = url.host, ["http", "https"].contains(url.scheme) else {
            throw Failure(2, "\"\(base)\" is not the address of a service")
        }
        // Whoever is on the way could read the token and the source.
        guard url.scheme == "https" || ["127.0.0.1", "::1", "localhost"].contains(host) else {
            throw Failure(2, "http:// is for a service on this machine; use https://")
        }
        while base.hasSuffix("/") { base.removeLast() }
        self.base = url.path.isEmpty || url.path == "/" ? base + "/v1" : base
        token = environment["KETTLE_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The body of the answer to a request, with a file as its own body if there is one.
    func body(_ method: String, _ path: String, contentType: String? = nil, file: URL? = nil) throws -> AsyncThrowingStream<Data, any Error> {
        guard let url = URL(string: base + path) else { throw Failure(2, "\"\(base)\" is not the address of a service") }
        // The service sends a comment every 15 s, so a minute's silence means that nobody is there.
        var request = URLRequest(url: url, timeoutInterval: 60)
        request.httpMethod = method
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        if let contentType { request.setValue(contentType, forHTTPHeaderField: "Content-Type") }
        let (stream, continuation) = AsyncThrowingStream<Data, any Error>.makeStream()
        let session = URLSession(configuration: .ephemeral, delegate: Exchange(continuation), delegateQueue: nil)
        let task = file.map { session.uploadTask(with: request, fromFile: $0) } ?? session.dataTask(with: request)
        task.resume()
        return stream
    }

    /// Sends an archive, and returns the build's result once it has one.
    func build(_ archive: FileHandle, nonce: String, onMessage: (String) -> Void) async throws -> [String: Any] {
        let boundary = "kettle-\(UUID().uuidString)"
        let form = try writeForm(archive, nonce: nonce, boundary)
        defer { try? FileManager.default.removeItem(at: form) }
        var events = EventStream()
        for try await piece in try body(
            "POST", "/build/stream", contentType: "multipart/form-data; boundary=\(boundary)", file: form)
        {
            for event in events.feed(piece) {
                guard let members = (try? JSONSerialization.jsonObject(with: event)) as? [String: Any] else {
                    throw Failure(2, "the service sends an event that is none of Kettle's")
                }
                if let message = members["message"] as? String { onMessage(message) }
                if let result = members["result"] as? [String: Any] { return result }
            }
        }
        throw Failure(2, "the stream ended before the build")
    }

    /// A body of multipart/form-data (RFC 7578) in a file, from which it is sent: no archive is in memory as a whole.
    private func writeForm(_ archive: FileHandle, nonce: String, _ boundary: String) throws -> URL {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(boundary)
        guard FileManager.default.createFile(atPath: place.path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw Failure(2, "\(place.path) cannot be written")
        }
        let form = try FileHandle(forWritingTo: place)
        defer { try? form.close() }
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"nonce\"\r\n\r\n\(nonce)\r\n"
            + "--\(boundary)\r\nContent-Disposition: form-data; name=\"source\"; filename=\"source.archive\"\r\n\r\n"
        try form.write(contentsOf: Data(head.utf8))
        while let block = try archive.read(upToCount: 1 << 20), !block.isEmpty { try form.write(contentsOf: block) }
        try form.write(contentsOf: Data("\r\n--\(boundary)--\r\n".utf8))
        return place
    }

    func download(_ path: String, to file: FileHandle) async throws {
        for try await piece in try body("GET", path) { try file.write(contentsOf: piece) }
    }
}

/// A stranger's text for a terminal, which would obey control characters.
func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control && $0 != "\t" ? "\u{FFFD}" : $0 }))
}

func say(_ text: String) { FileHandle.standardError.write(Data((printable(text) + "\n").utf8)) }

func submit(_ path: String, to output: String) async throws {
    guard let archive = FileHandle(forReadingAtPath: path) else { throw Failure(2, "\(path) cannot be read") }
    guard !FileManager.default.fileExists(atPath: output) else { throw Failure(2, "\(output) exists") }
    let service = try Service(environment: ProcessInfo.processInfo.environment)
    // Fresh, so that an old bundle cannot be the answer.
    var generator = SystemRandomNumberGenerator()
    let nonce = (0..<16).map { _ in
        let digits = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()

    let result = try await service.build(archive, nonce: nonce, onMessage: say)
    guard result["status"] as? String == "success" else {
        let isServices = ["CancelledError", "AttestationError", "InternalError"].contains(result["error_type"] as? String ?? "")
        throw Failure(isServices ? 2 : 1, result["error"] as? String ?? "the build failed", hint: result["hint"] as? String)
    }
    guard let id = result["build_id"] as? String, id.count >= 24, id.allSatisfy(\.isHexDigit) else {
        throw Failure(2, "the service names no build")
    }
    guard FileManager.default.createFile(atPath: output, contents: nil), let file = FileHandle(forWritingAtPath: output) else {
        throw Failure(2, "\(output) cannot be written")
    }
    do {
        try await service.download("/builds/\(id)/bundle.zip", to: file)
        try file.close()
    } catch {
        try? FileManager.default.removeItem(atPath: output)
        throw error
    }
    print("kettle verify \(output) --nonce \(nonce)")
}

let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == 2, let path = arguments.first, let output = arguments.last else {
    say("usage: submit ARCHIVE OUTPUT")
    exit(2)
}
do {
    try await submit(path, to: output)
} catch let failure as Failure {
    say("submit: error: \(failure.message)")
    if let hint = failure.hint { say("submit: hint: \(hint)") }
    exit(failure.status)
} catch {
    say("submit: error: \(error.localizedDescription)")
    exit(2)
}
