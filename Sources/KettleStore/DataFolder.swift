import Foundation
import Glibc
package import SystemPackage

/// Where a service keeps everything, mode 0700:
///
///     kettle.db            builds and the digests of their files
///     software-key.pem     the key of software evidence, mode 0600
///     builds/<id>/         what a finished build leaves: events, log, artifacts, statement, evidence
///     artifacts/<sha256>   every artifact once, whichever builds made it; theirs are hard links to it
///     work/<id>/           what a running build uses; emptied at start
///     cache/               what can be made again
///
/// One process at a time may use a folder: it holds a lock on `lock` for as long as it lives.
package struct DataFolder: Sendable {
    package let root: FilePath

    package var database: FilePath { root.appending("kettle.db") }
    package var softwareKey: FilePath { root.appending("software-key.pem") }
    package var softwarePublicKey: FilePath { root.appending("software-key.pub.pem") }
    package var builds: FilePath { root.appending("builds") }
    package var artifacts: FilePath { root.appending("artifacts") }
    package var work: FilePath { root.appending("work") }
    package var cache: FilePath { root.appending("cache") }

    /// The folder in which the files of one ended or running build lie.
    package func build(_ id: BuildID) -> FilePath { builds.appending(id.hex) }

    /// Makes a folder inside this one, mode 0700.
    ///
    /// - Throws: ``StoreError/writeFailed(what:reason:)``, which does not name the path: callers of the service may read it.
    package func make(_ path: FilePath) throws(StoreError) {
        do {
            try Self.makeFolder(path)
        } catch {
            guard case .folderUnusable(_, let reason) = error else { throw error }
            throw .writeFailed(what: "a folder of the data folder", reason: reason)
        }
    }

    /// The folder in which one running build may make a mess.
    package func workspace(_ id: BuildID) -> FilePath { work.appending(id.hex) }

    /// Makes the folder where it is missing and takes the lock, which the kernel drops when the process ends.
    ///
    /// - Throws: ``StoreError/folderUnusable(path:reason:)`` or ``StoreError/folderInUse(path:)``.
    package init(opening root: FilePath) throws(StoreError) {
        self.root = root
        try Self.makeFolders(to: root)
        for folder in [builds, artifacts, work, cache] {
            try Self.makeFolder(folder)
        }
        let lock = open(root.appending("lock").string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .folderUnusable(path: root.string, reason: String(cString: strerror(errno))) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .folderInUse(path: root.string)
        }
        // The descriptor stays open on purpose: closing it would give the lock away.
    }

    /// The folder as a process beside the service uses it: without the lock, and never made.
    ///
    /// - Throws: ``StoreError/folderUnused(path:)`` where there is none, and ``StoreError/folderOfAnother(path:)`` where files that are made in
    ///   it would not be the service's.
    package init(sharing root: FilePath) throws(StoreError) {
        self.root = root
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: root.string) else {
            throw .folderUnused(path: root.string)
        }
        let owner = attributes[.ownerAccountID] as? NSNumber
        guard owner?.uint32Value == geteuid() else { throw .folderOfAnother(path: root.string) }
    }

    private static func makeFolders(to path: FilePath) throws(StoreError) {
        var made = FilePath(root: path.root, [])
        for component in path.components {
            made.append(component)
            try makeFolder(made)
        }
    }

    private static func makeFolder(_ path: FilePath) throws(StoreError) {
        guard mkdir(path.string, 0o700) != 0 else { return }
        let reason = errno
        if reason == EEXIST {
            let folder = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if folder >= 0 {
                close(folder)
                return
            }
        }
        throw .folderUnusable(path: path.string, reason: String(cString: strerror(reason)))
    }
}
