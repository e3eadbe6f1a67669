import CFuzzer
import Glibc
import KettleToolchains

@main
enum FuzzGo {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzGo.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads the same bytes as each of Go's files. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        if let sum = try? GoSum(parsing: bytes) {
            let again = try? GoSum(parsing: Array(sum.text.utf8))
            expect(again?.text == sum.text, "a go.sum that says the same when it is written out")
            expect(!sum.text.contains("..//"), "module paths that stay where they are")
        }
        if let module = try? GoMod(parsing: bytes) {
            expect(!module.path.isEmpty && !module.path.hasPrefix("/"), "a module with a name")
        }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
