import Foundation
import Glibc
import KettleSandbox
import Synchronization
import SystemPackage

/// A folder of this command's own, closed to others.
struct ScratchFolder {
    let path: FilePath

    init() throws { try self.init(template: FileManager.default.temporaryDirectory.path() + "/kettle-XXXXXX") }

    /// A folder on the same file system as something that is to be moved out of it whole.
    init(beside path: String) throws {
        do {
            try self.init(template: path + ".XXXXXX")
        } catch {
            throw OutputError.unwritable(path)
        }
    }

    private init(template: String) throws {
        var template = Array(template.utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SandboxError.workspaceFailed(operation: "be made", reason: String(cString: strerror(errno)))
        }
        path = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let made = path
        Self.living.withLock { _ = $0.insert(made) }
    }

    /// Those that are there.
    private static let living = Mutex<Set<FilePath>>([])

    func remove() {
        Workspace(path: path, uid: nil).remove()
        Self.living.withLock { _ = $0.remove(path) }
    }

    /// For a process that ends where it stands.
    static func removeAll() {
        for path in living.withLock({ $0 }) { Workspace(path: path, uid: nil).remove() }
    }
}
