package import Foundation
import HTTPTypes
package import KettleProvenance
import NIOCore

extension ServiceConnection {
    /// All events of one build together, in bytes.
    private static let streamLimit: Int64 = 1 << 30
    /// How often a lost connection is made again before something new has come.
    private static let attempts = 8

    /// A build that a service has ended.
    package struct EndedBuild: Sendable {
        /// Lower-case hexadecimal digits.
        package let id: String
        /// The result (API section 1.3), success or failure. A stranger's words.
        package let result: JSONValue
    }

    /// Sends a build and follows it to its end, over as many connections as that takes.
    ///
    /// - Parameters:
    ///   - onAccepted: Told the build's id as soon as there is one.
    ///   - onEvent: Told every event once, in order.
    /// - Throws: ``ServiceError``. When the connection breaks before the service has named the build, it is not sent again:
    ///   it may have arrived.
    package func build(
        _ form: BuildForm, onAccepted: (String) -> Void = { _ in }, onEvent: (ServiceEvent) -> Void
    ) async throws -> EndedBuild {
        var following = Following()
        do {
            _ = try await transport.exchange(
                .post, "/build/stream", [.accept: "text/event-stream"], body: form.body
            ) { head, body in
                guard head.status == .ok else { throw try await ServiceProblem.read(head, &body) }
                guard let id = Self.buildID(inLocation: head.headerFields[.location]) else {
                    throw ServiceError.answer("it names no build")
                }
                following.build = id
                onAccepted(id)
                try await following.read(&body, limit: Self.streamLimit, onEvent)
            }
        } catch let error as ServiceError where error.isPassing && following.build != nil {}
        guard let id = following.build else { throw ServiceError.lost }
        return try await finish(id, &following, onEvent)
    }

    /// Follows a build from its first event to its end, over as many connections as that takes.
    ///
    /// - Parameter id: One that ``isBuildID(_:)``.
    /// - Throws: ``ServiceError``.
    package func follow(_ id: String, onEvent: (ServiceEvent) -> Void) async throws -> EndedBuild {
        var following = Following()
        try await resume(id, &following, onEvent)
        return try await finish(id, &following, onEvent)
    }

    /// The events that a build has so far.
    ///
    /// - Throws: ``ServiceError``.
    package func events(of id: String, onEvent: (ServiceEvent) -> Void) async throws {
        var following = Following()
        try await resume(id, &following, onEvent, "&follow=false")
    }

    private func finish(
        _ id: String, _ following: inout Following, _ onEvent: (ServiceEvent) -> Void
    ) async throws -> EndedBuild {
        var failed = 0
        while true {
            if let result = following.result { return EndedBuild(id: id, result: result) }
            guard failed < Self.attempts else { throw ServiceError.lost }
            try await Task.sleep(for: .milliseconds(min(8000, 250 << failed)))
            let before = following.last
            do {
                try await resume(id, &following, onEvent)
            } catch let error as ServiceError where error.isPassing {}
            failed = following.last > before ? 0 : failed + 1
        }
    }

    private func resume(
        _ id: String, _ following: inout Following, _ onEvent: (ServiceEvent) -> Void, _ more: String = ""
    ) async throws {
        _ = try await transport.exchange(
            .get, "/builds/\(id)/events?from=\(following.last)\(more)", [.accept: "text/event-stream"]
        ) { head, body in
            guard head.status == .ok else {
                // 204: the build has ended and there is nothing more, not even its end.
                if head.status == .noContent { throw ServiceError.answer("the build ended without a result") }
                throw try await ServiceProblem.read(head, &body)
            }
            try await following.read(&body, limit: Self.streamLimit, onEvent)
        }
    }

    /// A build's id goes into later requests' paths, so it is looked at first.
    private static func buildID(inLocation location: String?) -> String? {
        location?.split(separator: "/").last.map(String.init).flatMap { isBuildID($0) ? $0 : nil }
    }

    /// Whether a text can be a build's id: 24 to 64 lower-case hexadecimal digits.
    package static func isBuildID(_ text: String) -> Bool {
        (24...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    // MARK: - Builds that there are

    /// Bytes of an answer about builds: a result has a statement of 16 MiB and, in base64, evidence of 10 MiB.
    private static let answerLimit = 32 << 20

    /// The newest builds that the caller may read: `{"builds": […], "next_before": id}`.
    ///
    /// - Parameter before: The last build of the page before.
    /// - Throws: ``ServiceError``.
    package func builds(limit: Int, before: String? = nil) async throws -> JSONValue {
        try await ask(.get, "/builds?limit=\(limit)\(before.map { "&before=\($0)" } ?? "")")
    }

    /// Cancels a build that has not ended.
    ///
    /// - Returns: Its result, or what it is while it ends; ``ServiceError/refused(status:message:hint:)`` 409 is thrown where it had
    ///   ended.
    /// - Throws: ``ServiceError``.
    package func cancel(_ id: String) async throws -> JSONValue {
        try await ask(.delete, "/builds/\(id)?unfinished=true")
    }

    private func ask(_ method: HTTPRequest.Method, _ path: String) async throws -> JSONValue {
        let (bytes, _) = try await transport.exchange(method, path, [.accept: "application/json"]) { head, body in
            guard (200..<300).contains(head.status.code) else { throw try await ServiceProblem.read(head, &body) }
            return try await body.whole("an answer", limit: Self.answerLimit)
        }
        do {
            return try JSONValue(parsing: bytes, maximumBytes: Self.answerLimit)
        } catch {
            throw ServiceError.answer(error.message)
        }
    }

    /// How far a build was followed.
    private struct Following {
        var build: String?
        var last = 0
        var result: JSONValue?
        private var bytes: Int64 = 0

        mutating func read(
            _ body: inout ResponseBody, limit: Int64, _ onEvent: (ServiceEvent) -> Void
        ) async throws {
            var reader = EventStreamReader()
            while result == nil, let piece = try await body.next() {
                bytes += Int64(piece.readableBytes)
                guard bytes <= limit else { throw ServiceError.tooLarge("a build's stream", limitInBytes: limit) }
                // A stream may begin again from its start.
                for event in try piece.withUnsafeReadableBytes({ try reader.feed($0) }) where event.number > last {
                    last = event.number
                    onEvent(event)
                    result = event.result
                }
            }
        }
    }

    // MARK: - Files

    /// Writes what the service has at `path` to an open file.
    ///
    /// - Returns: The number of bytes.
    /// - Throws: ``ServiceError``, and what the disk throws.
    @discardableResult
    package func download(
        _ path: String, to file: FileHandle, called what: String, limitInBytes limit: Int64
    ) async throws -> Int64 {
        let (bytes, _) = try await transport.exchange(.get, path) { head, body in
            guard head.status == .ok else { throw try await ServiceProblem.read(head, &body) }
            let announced = head.headerFields[.contentLength].flatMap(Int64.init)
            guard announced ?? 0 <= limit else { throw ServiceError.tooLarge(what, limitInBytes: limit) }
            var written: Int64 = 0
            while let piece = try await body.next() {
                written += Int64(piece.readableBytes)
                guard written <= limit else { throw ServiceError.tooLarge(what, limitInBytes: limit) }
                try file.write(contentsOf: Data(piece.readableBytesView))
            }
            guard announced == nil || announced == written else { throw ServiceError.lost }
            return written
        }
        return bytes
    }
}

extension ServiceError {
    /// Whether the same request may go well a moment later.
    fileprivate var isPassing: Bool {
        switch self {
        case .lost, .silent, .unreachable: true
        case .refused(let status, _, _): [429, 502, 503, 504].contains(status)
        default: false
        }
    }
}
