import CFuzzer
import Glibc
import KettleSource
import SystemPackage

@main
enum FuzzArchive {
    static let limits = SourceLimits(
        entries: 48, bytes: 32 << 10, ratio: 12, ratioFloorBytes: 16 << 10, depth: 6, nameBytes: 40, pathBytes: 128,
        linkBytes: 64)

    private static let scratch = Scratch()

    static func main() {
        atexit { FuzzArchive.scratch.remove() }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzArchive.check(FuzzedArchive(UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// Unpacks an archive, and ends the process where what is left breaks a rule.
    private static func check(_ archive: FuzzedArchive) {
        scratch.write(archive.bytes)
        let descriptors = openDescriptors()
        do throws(SourceError) {
            try ArchiveSource.unpack(.file(scratch.archive), into: scratch.tree, within: limits)
            var tree = UnpackedTree(scratch.tree)
            tree.checkRules(archiveBytes: archive.bytes.count)
            scratch.checkNeighbours(hasTree: true)
            scratch.removeTree()
        } catch {
            scratch.checkNeighbours(hasTree: false)
            checkRefusal(error)
        }
        expect(openDescriptors() == descriptors, "no descriptor left open")
    }

    /// An archive is refused for what is in it: none makes this machine look broken.
    private static func checkRefusal(_ error: SourceError) {
        switch error {
        case .storage, .diskFull: fatalError("expected another error than \(error)")
        default: expect(!error.message.isEmpty && !error.code.isEmpty, "an error that says what is wrong")
        }
    }

    /// Asked of the kernel one by one, which is quicker than listing `/proc/self/fd`.
    private static func openDescriptors() -> [CInt] {
        (0..<64).filter { fcntl($0, F_GETFD) >= 0 }
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
