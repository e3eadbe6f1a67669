import CFuzzer
import Glibc
import KettleProvenance
import KettleToolchains

@main
enum FuzzFlakeLock {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzFlakeLock.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Reads a lockfile. What goes wrong in earnest ends the process by itself.
    private static func check(_ bytes: [UInt8]) {
        guard let lock = try? FlakeLock(parsing: bytes) else { return }
        let names = Set(lock.inputs.map(\.name))
        expect(names.count == lock.inputs.count, "each node once")
        expect(lock.dependencies[""] != nil, "a root")
        for (_, needed) in lock.dependencies { expect(names.isSuperset(of: needed), "inputs that there are") }
        for input in lock.inputs {
            expect(PackageURL(parsing: input.packageURL)?.text == input.packageURL, "a package URL in its one form")
            switch input.origin {
            case .github(let owner, let repository, let revision):
                expect(revision.utf8.count == 40, "a commit's whole id")
                for part in [owner, repository] {
                    expect(!part.isEmpty && !part.contains("/") && part != "..", "a part of a path")
                }
            case .git(_, let revision, _): expect(revision.utf8.count == 40, "a commit's whole id")
            case .tarball(let url): expect(!url.utf8.contains(0x0A), "an address of one line")
            case .source(let path):
                expect(!path.hasPrefix("/") && !path.split(separator: "/").contains(".."), "a path inside the source")
                continue
            }
            expect(input.narHash != nil, "a hash of what is fetched")
        }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
