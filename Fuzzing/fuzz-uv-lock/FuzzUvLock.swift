import CFuzzer
import Glibc
import KettleToolchains

@main
enum FuzzUvLock {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzUvLock.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a lockfile. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        guard let lock = try? UvLock(parsing: bytes) else { return }
        for package in lock.packages {
            expect(!package.name.isEmpty && !package.name.contains("/"), "a name that is one component of a path")
            expect(package.fileNames.allSatisfy { !$0.contains("/") && !$0.hasPrefix(".") }, "plain names of files")
        }
        let found = lock.reachable
        expect(found.allSatisfy { lock.packages.indices.contains($0) }, "places of packages that there are")
        expect(Set(found).count == found.count, "each package once")
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
