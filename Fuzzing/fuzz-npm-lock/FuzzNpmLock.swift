import CFuzzer
import Glibc
import KettleProvenance
import KettleToolchains

@main
enum FuzzNpmLock {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzNpmLock.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a lockfile. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        do throws(ToolchainError) {
            let packages = try NodeLockfiles.packages(in: bytes, named: "package-lock.json")
            expect(
                packages == (try? NodeLockfiles.packages(in: bytes, named: "package-lock.json")),
                "the same answer twice")
            for package in packages {
                guard let uri = package.uri, let url = PackageURL(parsing: uri) else {
                    fatalError("expected a package URL")
                }
                expect(url.text == uri && url.type == "npm", "one spelling of a URL, and not \(uri)")
                expect(url.version?.isEmpty == false, "a version")
                expect(!url.namespace.contains("..") && !url.name.hasPrefix("."), "a name that is no path")
                let lengths = ["sha256": 64, "sha384": 96, "sha512": 128]
                expect(package.digest.count == 1, "one digest")
                for (algorithm, hex) in package.digest { expect(lengths[algorithm] == hex.count, "a whole digest") }
            }
        } catch {
            expect(!error.message.isEmpty && !error.code.isEmpty, "a reason")
        }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
