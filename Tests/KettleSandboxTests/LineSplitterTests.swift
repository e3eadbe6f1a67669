import KettleSandbox
import Testing

@Suite struct LineSplitterTests {
    private func lines(_ pieces: [String], maximum: Int = 64 << 10) -> [String] {
        var splitter = LineSplitter(maximumLineBytes: maximum)
        var lines: [String] = []
        for piece in pieces {
            Array(piece.utf8).withUnsafeBytes { piece in
                splitter.split(piece) { lines.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        splitter.finish { lines.append(String(decoding: $0, as: UTF8.self)) }
        return lines
    }

    @Test func `lines end at LF, and a CR before it is left out`() {
        #expect(lines(["a\nb\r\n\nc"]) == ["a", "b", "", "c"])
        #expect(lines(["a\rb\u{2028}c\u{0C}d\n"]) == ["a\rb\u{2028}c\u{0C}d"])
        #expect(lines(["a\r\r\n"]) == ["a\r"])
        #expect(lines([]) == [])
        #expect(lines(["", "\n"]) == [""])
    }

    @Test func `it does not matter how the stream was cut`() {
        let text = "first\nsecond\r\n\n\r\nlonger line with words\nlast"
        let expected = lines([text])
        for size in 1...text.utf8.count {
            let bytes = Array(text.utf8)
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                String(decoding: bytes[$0..<min($0 + size, bytes.count)], as: UTF8.self)
            }
            #expect(lines(pieces) == expected)
        }
    }

    @Test func `a line that is too long is cut and the next one is whole`() {
        #expect(lines(["abcdefgh\nij\n"], maximum: 4) == ["abcd", "ij"])
        #expect(lines(["abc", "def", "gh\nij"], maximum: 4) == ["abcd", "ij"])
        #expect(lines(["abcd\nefgh\n"], maximum: 4) == ["abcd", "efgh"])
        #expect(lines(["abcdefgh"], maximum: 4) == ["abcd"])
    }

    @Test func `cut lines are counted`() {
        var splitter = LineSplitter(maximumLineBytes: 4)
        Array("abcdef\nab\nabcdefgh".utf8).withUnsafeBytes { splitter.split($0) { _ in } }
        #expect(splitter.cutLines == 2)
    }
}
