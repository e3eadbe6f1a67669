/// How far apart two words are.
enum Spelling {
    /// The one of the words that was probably meant, if one is close enough.
    static func closest(to word: String, in words: [String]) -> String? {
        // No name is that long, and the comparison takes time with the square of the length.
        guard word.utf8.count <= 100 else { return nil }
        let rated = words.map { (word: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        guard let rated, rated.distance <= 2 else { return nil }
        return rated.word
    }

    /// Letters that are missing, added, replaced or swapped with their neighbour (optimal string alignment).
    static func distance(_ one: String, _ other: String) -> Int {
        let (a, b) = (Array(one.utf8), Array(other.utf8))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
