import Foundation
import KettleStore
import NIOCore
import NIOPosix
import SystemPackage
import Testing

@Suite(.timeLimit(.minutes(15))) struct EventLogTests {
    let path = FilePath(FileManager.default.temporaryDirectory.path).appending("events-\(BuildID())")
    let threads = NIOThreadPool.singleton

    private func frames(_ numbers: ClosedRange<Int>, _ text: (Int) -> String) -> String {
        numbers.map { "id: \($0)\ndata: \(text($0))\n\n" }.joined()
    }

    private func readAll(_ log: EventLog, after last: Int = 0) async throws -> String {
        var reader = try await log.reader(after: last, on: threads)
        var text = ""
        while case .frames(let frames) = try await reader.next() { text += String(buffer: frames) }
        return text
    }

    @Test func `a reader gets every event, numbered, once and in order`() async throws {
        let log = try EventLog(creatingAt: path)
        try log.append([Array("{}".utf8), Array("[]".utf8)])
        try log.append([Array("1".utf8)])
        log.end()
        #expect(try await readAll(log) == "id: 1\ndata: {}\n\nid: 2\ndata: []\n\nid: 3\ndata: 1\n\n")
        #expect(try await readAll(log, after: 2) == "id: 3\ndata: 1\n\n")
        #expect(try await readAll(log, after: 3) == "")
        #expect(try await readAll(log, after: 99) == "")
        #expect(try String(contentsOfFile: path.string, encoding: .utf8).hasPrefix("id: 1\ndata: {}\n\nid: 2"))
    }

    @Test func `a log that is opened again knows its last event, without what a crash left of the next`() async throws {
        try EventLog(creatingAt: path).append([Array("{}".utf8), Array("[1]".utf8)])
        let file = try FileHandle(forWritingTo: URL(filePath: path.string))
        try file.seekToEnd()
        try file.write(contentsOf: Data("id: 3\ndata: [2".utf8))
        try file.close()
        let log = try EventLog(openingAt: path, isWritable: true)
        #expect(try log.last() == Array("[1]".utf8))
        try log.append([Array("[3]".utf8)])
        log.end()
        #expect(try await readAll(log, after: 1) == "id: 2\ndata: [1]\n\nid: 3\ndata: [3]\n\n")
    }

    @Test func `readers that come before, during and after get the same`() async throws {
        let log = try EventLog(creatingAt: path)
        let count = 20_000
        let text: @Sendable (Int) -> String = { "event \($0) " + String(repeating: "x", count: $0 % 97) }
        let expected = frames(1...count, text)
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await readAll(log) } }
            group.addTask {
                for start in stride(from: 1, through: count, by: 7) {
                    try log.append((start...min(start + 6, count)).map { Array(text($0).utf8) })
                    if start % 700 == 1 { await Task.yield() }
                }
                log.end()
                return expected
            }
            for _ in 0..<8 { group.addTask { try await readAll(log) } }
            for try await read in group { #expect(read == expected) }
        }
        #expect(try await readAll(log) == expected)
        #expect(try await readAll(log, after: 12_345) == frames(12_346...count, text))
        let again = try EventLog(openingAt: path, isWritable: false)
        #expect(try await readAll(again) == expected)
    }

    @Test func `an event larger than a block arrives whole`() async throws {
        let log = try EventLog(creatingAt: path)
        let large = String(repeating: "y", count: 300_000)
        try log.append([Array("a".utf8), Array(large.utf8), Array("b".utf8)])
        log.end()
        let again = try EventLog(openingAt: path, isWritable: false)
        var reader = try await again.reader(after: 1, on: threads)
        guard case .frames(let frames) = try await reader.next() else {
            Issue.record("no frames")
            return
        }
        let isWhole = String(buffer: frames).hasPrefix("id: 2\ndata: \(large)\n\n")
        #expect(isWhole)
        #expect(try await readAll(again, after: 2) == "id: 3\ndata: b\n\n")
    }

    @Test func `a log that a crash cut off goes on after its last whole event`() async throws {
        let text = "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\nda"
        try text.write(toFile: path.string, atomically: false, encoding: .utf8)
        let log = try EventLog(openingAt: path, isWritable: true)
        #expect(log.count == 2)
        try log.append([Array("c".utf8)])
        log.end()
        #expect(try await readAll(log) == "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n")
    }

    @Test func `a waiting reader is woken as idle, then goes on`() async throws {
        let log = try EventLog(creatingAt: path)
        let reading = Task {
            var reader = try await log.reader(after: 0, on: threads)
            var steps: [String] = []
            while true {
                switch try await reader.next() {
                case .idle: steps.append("idle")
                case .frames(let frames): steps.append(String(buffer: frames))
                case .end, .interrupted: return steps
                }
                if steps == ["idle"] { try log.append([Array("x".utf8)]) } else { log.end() }
            }
        }
        let waking = Task {
            while !Task.isCancelled {
                log.wakeIdleReaders()
                await Task.yield()
            }
        }
        let steps = try await reading.value
        waking.cancel()
        #expect(steps.first == "idle")
        #expect(steps.contains("id: 1\ndata: x\n\n"))
    }

    @Test func `a cancelled reader stops waiting`() async throws {
        let log = try EventLog(creatingAt: path)
        let reading = Task {
            var reader = try await log.reader(after: 0, on: threads)
            return try await reader.next()
        }
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        log.end()
    }

    @Test func `nothing is added after the end`() async throws {
        let log = try EventLog(creatingAt: path)
        try log.append([Array("a".utf8)])
        log.end()
        try log.append([Array("b".utf8)])
        #expect(try await readAll(log) == "id: 1\ndata: a\n\n")
    }
}
