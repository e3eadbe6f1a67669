import KettleProvenance
import KettleSandbox

/// Follows `swift package describe --type json`, then `swift build`.
///
/// The description is the one JSON object that stands over several lines, the first of them `{` alone and the last `}` alone. It
/// is what the package's manifest says, and the manifest is the project's code.
struct PackageDescription: BuildOutputReader {
    private static let limitInBytes = 16 << 20
    private static let productLimit = 1000

    /// What was asked for; empty for all products.
    let products: [String]

    private enum State {
        case before
        case inside([UInt8])
        case read([ArtifactPath])
        case failed
    }

    private var state = State.before

    init(products: [String]) { self.products = products }

    mutating func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String? {
        guard stream == .stdout else { return String(decoding: line, as: UTF8.self) }
        switch state {
        case .before where line.elementsEqual("{".utf8): state = .inside(Array(line))
        case .inside(var text):
            state = .failed
            guard text.count + line.count < Self.limitInBytes else { return nil }
            text.append(UInt8(ascii: "\n"))
            text += line
            state = line.elementsEqual("}".utf8) ? Self.outputs(of: text, products) : .inside(text)
        case .before, .read, .failed: return String(decoding: line, as: UTF8.self)
        }
        return nil
    }

    func artifacts() throws(ToolchainError) -> [ArtifactPath] {
        guard case .read(let artifacts) = state else { throw .unreadableMessage }
        return artifacts
    }

    /// The files that products become on Linux (SwiftPM, `BuildParameters.binaryRelativePath(for:)`). A library that leaves the
    /// form to its users is built as its modules alone, if it is built.
    private static func outputs(of text: [UInt8], _ wanted: [String]) -> State {
        guard let description = try? JSONValue(parsing: text, maximumDepth: 16),
            let products = description["products"]?.arrayValue, products.count <= productLimit
        else { return .failed }
        var artifacts: [ArtifactPath] = []
        for product in products {
            guard let name = product["name"]?.stringValue, let type = product["type"] else { return .failed }
            guard wanted.isEmpty || wanted.contains(name) else { continue }
            let file: String
            if type["executable"] != nil {
                file = name
            } else if let library = type["library"]?.arrayValue?.first?.stringValue {
                file = library == "dynamic" ? "lib\(name).so" : "lib\(name).a"
            } else {
                continue
            }
            artifacts.append(ArtifactPath(name: file, path: file))
        }
        return .read(artifacts)
    }
}
