import KettleSandbox
import Testing

@testable import KettleToolchains

@Suite struct PackageDescriptionTests {
    private static let description = """
        {
          "dependencies" : [

          ],
          "name" : "app",
          "products" : [
            { "name" : "tool", "targets" : ["tool"], "type" : { "executable" : null } },
            { "name" : "Any", "targets" : ["A"], "type" : { "library" : [ "automatic" ] } },
            { "name" : "Dyn", "targets" : ["A"], "type" : { "library" : [ "dynamic" ] } },
            { "name" : "Plug", "targets" : ["P"], "type" : { "plugin" : null } }
          ]
        }
        """

    /// - Returns: What is shown.
    private func read(
        _ reader: inout PackageDescription, _ text: String, from stream: OutputStream = .stdout
    ) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
            Array(line.utf8).withUnsafeBytes { reader.read(line: $0, from: stream) }
        }
    }

    @Test func `products become the files that SwiftPM makes of them`() throws {
        var reader = PackageDescription(products: [])
        #expect(read(&reader, "Hello\n\(Self.description)\n{\n}\nBuilding") == ["Hello", "{", "}", "Building"])
        #expect(try reader.artifacts().map(\.name) == ["tool", "libAny.a", "libDyn.so"])
    }

    @Test func `only the products that were asked for count`() throws {
        var reader = PackageDescription(products: ["Dyn"])
        #expect(read(&reader, Self.description) == [])
        #expect(try reader.artifacts().map(\.name) == ["libDyn.so"])
    }

    @Test(arguments: ["", "{\n", "{\n}", "{\n\"products\": 7\n}", "{\n\"products\": [{}]\n}", "{\nx\n}"])
    func `a description that is missing, cut off or of another form is an error`(text: String) {
        var reader = PackageDescription(products: [])
        _ = read(&reader, text)
        #expect(throws: ToolchainError.unreadableMessage) { try reader.artifacts() }
    }

    @Test func `what stands on standard error is shown`() {
        var reader = PackageDescription(products: [])
        #expect(read(&reader, "{\n}", from: .stderr) == ["{", "}"])
    }
}
