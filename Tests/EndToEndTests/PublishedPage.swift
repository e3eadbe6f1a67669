import Foundation
import KettleTesting
import SystemPackage

/// The published page, from which the tests take its commands and its client example word for word.
struct PublishedPage {
    private let lines: [String]

    init() throws {
        let path = Corpus.checkout
            .appending(FilePath("Tests/Vectors/published-page/build-stream.txt").components)
        lines = try String(contentsOfFile: path.string, encoding: .utf8).components(separatedBy: "\n")
    }

    /// The command below "Git Repository".
    var gitCommand: String { text(after: "Git Repository", until: "ZIP Upload") }

    /// The command below "ZIP Upload".
    var zipCommand: String { text(after: "ZIP Upload", until: "Parameters") }

    var clientExample: String { text(after: "Client Example", until: "Response Headers") }

    /// The lines below "Progress Events", as JSON.
    var progressEvents: [String] {
        text(after: "Progress Events", until: "Completion Event").components(separatedBy: "\n")
            .map { String($0.dropFirst("data: ".count)) }
    }

    /// `Name: value` below "Response Headers".
    var responseHeaders: [String: String] {
        let headers = text(after: "Response Headers", until: nil).components(separatedBy: "\n")
            .map { $0.components(separatedBy: ": ") }.filter { $0.count == 2 }
        return Dictionary(uniqueKeysWithValues: headers.map { ($0[0], $0[1]) })
    }

    private func text(after title: String, until next: String?) -> String {
        let below = lines.drop { $0 != title }.dropFirst()
        return below.prefix { $0 != next }.joined(separator: "\n")
    }
}
