import Glibc
import KettleSandbox
import SystemPackage

/// The folder that a run works in.
///
/// The tree goes two folders down, so that an entry that climbs out of it lands where it is seen.
struct Scratch {
    private let folder: FilePath
    private let descriptor: CInt

    var archive: FilePath { folder.appending("archive") }
    var tree: FilePath { outer.appending("inner").appending("tree") }
    private var outer: FilePath { folder.appending("outer") }

    /// Makes the folder below `TMPDIR`, or in memory.
    init() {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/dev/shm"
        var template = FilePath(parent).appending("fuzz-archive-XXXXXX").string.utf8CString.map { $0 }
        expect(mkdtemp(&template) != nil, "a folder below \(parent)")
        folder = FilePath(platformString: template)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        descriptor = open(folder.appending("archive").string, flags, 0o600)
        let isMade =
            mkdir(outer.string, 0o755) == 0 && mkdir(outer.appending("inner").string, 0o755) == 0
        expect(descriptor >= 0 && isMade, "folders in \(folder)")
    }

    func write(_ bytes: [UInt8]) {
        let isWritten = ftruncate(descriptor, 0) == 0 && pwrite(descriptor, bytes, bytes.count, 0) == bytes.count
        expect(isWritten, "the archive to be written")
    }

    /// Checks that nothing stands where only the archive and the tree may be.
    func checkNeighbours(hasTree: Bool) {
        expect(Set(names(in: folder)) == ["archive", "outer"], "nothing two folders above the tree")
        expect(names(in: outer) == ["inner"], "nothing one folder above the tree")
        expect(names(in: outer.appending("inner")) == (hasTree ? ["tree"] : []), "nothing but the tree of a success")
    }

    func removeTree() {
        expect(Workspace(path: tree, uid: nil).remove(), "the tree to be removed")
    }

    func remove() {
        _ = Workspace(path: folder, uid: nil).remove()
    }
}
