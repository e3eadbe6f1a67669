import Foundation
import KettleProvenance
import KettleTelemetry
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct ServiceLogTests {
    private static let hostile =
        "a\"}\n{\"level\":\"critical\"} \u{1B}[31m \u{0} \u{202E} \u{2028} \\ \r = é \u{85}"

    /// What a handler writes for `body`.
    private func written(
        _ format: ServiceLogHandler.Format, level: Logger.Level = .info, _ body: (Logger) -> Void
    ) throws -> [String] {
        let pipe = Pipe()
        let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let logger = Logger(label: "test") {
            ServiceLogHandler(label: $0, format: format, level: level, writer: writer)
        }
        body(logger)
        // Each gives up after two seconds, and returns at once when all is written.
        for _ in 0..<30 { writer.flush() }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try #require(try pipe.fileHandleForReading.readToEnd()), as: UTF8.self)
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test func `a line of JSON is one object, whatever a stranger wrote`() throws {
        let lines = try written(.json) { logger in
            logger.info(
                "\(Self.hostile)",
                metadata: [
                    "path": "\(Self.hostile)", "status": .stringConvertible(404), "level": "forged",
                    "\(Self.hostile)": ["x", ["y": "\(Self.hostile)"]],
                ])
        }
        #expect(lines.count == 1)
        let line = try JSONValue(parsing: Array(try #require(lines.first).utf8))
        #expect(line["message"]?.stringValue == Self.hostile)
        #expect(line["path"]?.stringValue == Self.hostile)
        #expect(line["status"] == 404)
        #expect(line["level"] == "info")
        #expect(line["logger"] == "test")
        #expect(line["time"]?.stringValue?.hasSuffix("Z") == true)
    }

    @Test func `a line of text is one line without control characters`() throws {
        let lines = try written(.text) {
            $0.warning("\(Self.hostile)", metadata: ["path": "\(Self.hostile)", "n": ""])
        }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.contains(" warning test: "))
        #expect(line.contains(#" n="" path=""#))
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        #expect(!line.contains("\u{202E}") && !line.contains("\u{2028}"))
    }

    @Test func `what is less than the level is left out`() throws {
        let lines = try written(.text, level: .warning) { logger in
            logger.info("quiet")
            logger.error("loud")
        }
        #expect(lines.count == 1 && lines.first?.contains("loud") == true)
    }

    @Test func `who logs does not wait for who reads, and what is lost is said`() async throws {
        let pipe = Pipe()
        let writer = LogWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let logger = Logger(label: "test") { ServiceLogHandler(label: $0, format: .json, level: .info, writer: writer) }
        let line = String(repeating: "x", count: 64 << 10)
        // More than a pipe holds and more than may wait: this returns although nobody reads.
        for _ in 0..<100 { logger.info("\(line)") }
        // A thread of its own: the other tests may leave none to a task.
        let reading = AsyncStream<Data?> { found in
            Thread.detachNewThread {
                found.yield(try? pipe.fileHandleForReading.readToEnd())
                found.finish()
            }
        }
        // Each gives up after two seconds, and returns at once when all is written.
        for _ in 0..<30 { writer.flush() }
        logger.info("last")
        for _ in 0..<30 { writer.flush() }
        try pipe.fileHandleForWriting.close()
        let read = try #require(await reading.first { _ in true })
        let text = String(decoding: try #require(read), as: UTF8.self)
        let lines = try text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        let kept = lines.count { $0["message"]?.stringValue == line }
        let notices = lines.compactMap { $0["lost"]?.stringValue }.compactMap { Int($0) }
        let lost = try #require(notices.first)
        #expect(kept > 0 && lost > 0)
        #expect(kept + lost == 100)
        #expect(lines.last?["message"] == "last")
    }
}
