package import Foundation
package import KettleProvenance

/// A folder of `Tests/Vectors/evidence`: evidence, how to verify it, and the verdict that has to come of it.
package struct EvidenceVector: Sendable, CustomStringConvertible {
    /// Such as `snp/genoa-v5`.
    package let name: String
    /// `params.json`.
    package let parameters: JSONValue
    /// `expected.json`.
    package let expected: JSONValue

    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors/evidence")

    /// Every vector of evidence alone, and every bundle of the original Kettle.
    package static let evidence = every.filter { !$0.isBundle }
    package static let bundles = every.filter(\.isBundle)

    private static let every: [EvidenceVector] = {
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        let names = files.filter { $0.hasSuffix("/params.json") }.map { String($0.dropLast("/params.json".count)) }
        return names.sorted().compactMap { try? EvidenceVector($0) }
    }()

    package init(_ name: String) throws {
        func read(_ file: String) throws -> JSONValue {
            try JSONValue(parsing: Array(Data(contentsOf: Self.root.appending(path: "\(name)/\(file)"))))
        }
        self.name = name
        parameters = try read("params.json")
        expected = try read("expected.json")
    }

    package var description: String { name }
    /// The vector's folder.
    package var path: String { Self.root.appending(path: name).path }
    package var isValid: Bool { expected["valid"] == true }
    private var isBundle: Bool { parameters["kind"] == "bundle" }

    /// The reasons that would do.
    package var reasons: [String] {
        ([expected["reason"]].compactMap { $0 } + (expected["also_acceptable"]?.arrayValue ?? [])).compactMap(
            \.stringValue)
    }

    package func file(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.root.appending(path: "\(self.name)/\(name)")))
    }
}
