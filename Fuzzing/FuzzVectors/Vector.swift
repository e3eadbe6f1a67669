import Glibc
package import KettleAttestation
package import KettleProvenance

/// A folder of `Tests/Vectors/evidence` with genuine evidence, which every accepted input is compared with.
package struct Vector {
    private let folder: String
    private let parameters: JSONValue

    private static let checkout = #filePath.components.dropLast(3).joined(separator: "/")
    private static let root = "\(checkout)/Tests/Vectors/evidence"

    /// - Parameter name: Such as `snp/genoa-v5`.
    package init(_ name: String) {
        folder = "\(Self.root)/\(name)"
        parameters = json("\(folder)/params.json")
    }

    /// A file beside the evidence.
    package func file(_ name: String) -> [UInt8] { contents("\(folder)/\(name)") }

    /// A file of another folder.
    package static func file(_ name: String) -> [UInt8] { contents("\(root)/\(name)") }

    /// A certificate that is compiled into Kettle.
    package static func trustRoot(_ name: String) -> [UInt8] {
        contents("\(checkout)/Sources/KettleAttestation/Roots/\(name)")
    }

    /// When to verify at.
    package var time: Statement.Timestamp {
        required { parameters["verify_at"]?.stringValue.flatMap(Statement.Timestamp.init(text:)) }
    }

    package var evidence: Evidence { required { try Evidence(parsing: file("evidence.json")) } }

    /// The collateral that the vector names, by the name of each file.
    package var collateral: [String: [UInt8]] {
        guard let name = parameters["collateral"]?.stringValue else { return [:] }
        return Dictionary(uniqueKeysWithValues: TDXCollateral.fileNames.map { ($0, Self.file("\(name)/\($0)")) })
    }

    /// The registers of a vTPM, 32 bytes each.
    package var pcrs: [[UInt8]] {
        required { evidence.members["tpm_quote"]?["pcrs"]?.arrayValue }.map { value in
            required { value.stringValue.flatMap([UInt8].init(hexadecimal:)) }
        }
    }
}

private func json(_ path: String) -> JSONValue { required { try JSONValue(parsing: contents(path)) } }

private func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { fatalError("\(path) cannot be read") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
}

extension String {
    fileprivate var components: [Substring] { split(separator: "/", omittingEmptySubsequences: false) }
}

/// What has to be there for a fuzz target to begin.
package func required<Value>(_ value: () throws -> Value?) -> Value {
    do {
        guard let value = try value() else { fatalError("something is missing in the vectors") }
        return value
    } catch {
        fatalError("the vectors cannot be read: \(error)")
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
package func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
