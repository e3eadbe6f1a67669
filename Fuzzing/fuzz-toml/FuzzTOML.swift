import CFuzzer
import Glibc
import KettleTOML

@main
enum FuzzTOML {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzTOML.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a document. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        do throws(TOMLError) {
            let table = try TOMLReader.read(bytes)
            expect(!bytes.contains(0), "no document with a NUL")
            // A header may stand for two levels with each part of its name: an array, and its last table.
            expect(depth(of: .table(table)) <= 2 * 64 + 1, "no more levels than allowed")
        } catch {
            expect(error.line >= 1, "lines that are counted from 1")
            expect(error.line <= bytes.count { $0 == 0x0A } + 1, "a line that the document has, and not \(error.line)")
            expect(!error.reason.isEmpty, "a reason")
        }
    }

    private static func depth(of value: TOMLValue) -> Int {
        switch value {
        case .array(let values): 1 + (values.map(depth).max() ?? 0)
        case .table(let table): 1 + (table.values.map(depth).max() ?? 0)
        default: 0
        }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
