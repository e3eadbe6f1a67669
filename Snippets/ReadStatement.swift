// Reads a statement and lists the inputs that it pins. It is a claim: nothing is verified here.
import Foundation
import KettleProvenance

// snippet.hide
guard CommandLine.arguments.count == 2, let file = FileManager.default.contents(atPath: CommandLine.arguments[1]) else {
    print("usage: ReadStatement PROVENANCE.json")
    exit(2)
}
let bytes = [UInt8](file)
// snippet.show
do {
    let statement = try Statement(parsing: bytes)
    print("SHA-256 of the statement:", ContentDigest(of: bytes))
    for input in statement.resolvedDependencies {
        // A statement comes from anyone: quoted, its text cannot steer a terminal.
        let name = (input.uri ?? input.name ?? "").debugDescription
        print(name, input.digest.map { "\($0.key):\($0.value)".debugDescription }.sorted().joined(separator: " "))
    }
} catch {
    print("no statement: \(error.message)")
    exit(1)
}
