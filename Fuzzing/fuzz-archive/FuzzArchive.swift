import CFuzzer
import Glibc
import KettleSource
import SystemPackage

@main
enum FuzzArchive {
    static let limits = SourceLimits(
        entries: 48, bytes: 256 << 10, ratio: 20, ratioFloorBytes: 32 << 10, depth: 6, nameBytes: 40, pathBytes: 128,
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
        let descriptor = lowestFreeDescriptor()
        do throws(SourceError) {
            try ArchiveSource.unpack(scratch.archive, into: scratch.tree, within: limits)
            var tree = UnpackedTree(scratch.tree)
            tree.checkRules(archiveBytes: archive.bytes.count)
            scratch.checkNeighbours(hasTree: true)
            scratch.removeTree()
        } catch {
            scratch.checkNeighbours(hasTree: false)
            checkRefusal(error)
        }
        expect(lowestFreeDescriptor() == descriptor, "no descriptor left open")
    }

    /// An archive is refused for what is in it: none makes this machine look broken.
    private static func checkRefusal(_ error: SourceError) {
        switch error {
        case .storage, .diskFull: fatalError("expected another error than \(error)")
        default: expect(!error.message.isEmpty && !error.code.isEmpty, "an error that says what is wrong")
        }
    }

    private static func lowestFreeDescriptor() -> CInt {
        let descriptor = dup(STDERR_FILENO)
        close(descriptor)
        return descriptor
    }
}

/// Ends the process, which libFuzzer reports as a finding, unless a property holds.
func expect(_ holds: Bool, _ what: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("expected \(what())")
}
