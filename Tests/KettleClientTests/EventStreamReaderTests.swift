import KettleProvenance
import Testing

@testable import KettleClient

@Suite struct EventStreamReaderTests {
    private static let stream = """
        id: 1
        data: {"type":"info","message":"one"}

        : alive

        id: 2
        data: {"type":"info",
        data: "message":"two"}

        event: other
        id: 3
        data: {"type":"complete","result":{"status":"success"}}


        """

    @Test(arguments: [1, 2, 3, 7, 1000], ["\n", "\r\n"])
    func `events are whole however the stream was cut`(pieceBytes: Int, end: String) throws {
        var reader = EventStreamReader()
        var events: [ServiceEvent] = []
        var rest = Array(Self.stream.replacing("\n", with: end).utf8)[...]
        while !rest.isEmpty {
            events += try reader.feed(rest.prefix(pieceBytes))
            rest = rest.dropFirst(pieceBytes)
        }
        #expect(events.map(\.number) == [1, 2, 3])
        #expect(events.map(\.message) == ["one", "two", nil])
        #expect(events.last?.result == ["status": "success"])
    }

    @Test func `an event that was cut off is none`() throws {
        var reader = EventStreamReader()
        #expect(try reader.feed(Array("id: 1\ndata: {\"type\":\"info\"}\n".utf8)).isEmpty)
    }

    @Test(arguments: [
        "data: {\"type\":\"info\"}\n\n", "id: x\ndata: {\"type\":\"info\"}\n\n", "id: 0\ndata: {\"type\":\"info\"}\n\n",
        "id: -1\ndata: {\"type\":\"info\"}\n\n", "id: 99999999999999999999\ndata: {\"type\":\"info\"}\n\n",
        "id: 1\ndata: {\n\n", "id: 1\ndata: []\n\n", "id: 1\ndata: {}\n\n", "id: 1\ndata: {\"type\":1}\n\n",
        "id: 1\ndata: {\"type\":\"complete\"}\n\n", "id: 1\ndata: {\"type\":\"complete\",\"result\":[]}\n\n",
        "id: 1\ndata: {\"type\":\"info\",\"type\":\"complete\"}\n\n",
    ])
    func `what is no event of Kettle's is refused`(text: String) {
        var reader = EventStreamReader()
        #expect(throws: ServiceError.self) { try reader.feed(Array(text.utf8)) }
    }

    @Test func `a line and an event have a limit`() {
        var long = EventStreamReader(lineLimit: 100)
        #expect(throws: ServiceError.tooLarge("an event", limitInBytes: 100)) {
            try long.feed([UInt8](repeating: 0x61, count: 101))
        }
        var many = EventStreamReader(lineLimit: 100)
        #expect(throws: ServiceError.tooLarge("an event", limitInBytes: 100)) {
            for _ in 0..<3 { _ = try many.feed(Array("data: \(String(repeating: "1", count: 50))\n".utf8)) }
        }
    }
}

extension EventStreamReader {
    fileprivate mutating func feed(_ bytes: some Sequence<UInt8>) throws -> [ServiceEvent] {
        try Array(bytes).withUnsafeBytes { try feed($0) }
    }
}
