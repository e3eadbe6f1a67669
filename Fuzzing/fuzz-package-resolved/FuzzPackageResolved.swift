import CFuzzer
import Glibc
import KettleProvenance
import KettleToolchains

@main
enum FuzzPackageResolved {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzPackageResolved.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a lockfile. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        guard let resolved = try? PackageResolved(parsing: bytes) else { return }
        let pins = resolved.pins
        expect(Set(pins.map(\.identity)).count == pins.count, "each identity once")
        for pin in pins {
            // It becomes a folder beside others.
            expect(!pin.identity.isEmpty && !pin.identity.utf8.contains(UInt8(ascii: "/")), "one component of a path")
            expect(!pin.identity.hasPrefix("."), "no hidden folder and no way up")
            expect(!pin.identity.utf8.contains(0), "a name that the system takes")
            expect(pin.revision.utf8.count == 40, "a commit's whole id")
            expect(PackageURL(parsing: pin.packageURL)?.text == pin.packageURL, "a package URL in its one form")
        }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
