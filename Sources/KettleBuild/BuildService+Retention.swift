import Glibc
import KettleSandbox
import KettleStore
import Logging
import NIOPosix
import SystemPackage

extension BuildService {
    /// Of a pruned build, the records that stay.
    private static let keptRecords: Set<String> = ["provenance.json", "evidence.json"]

    /// Takes the files of builds that the retention does not keep; their statements and evidence stay.
    ///
    /// - Returns: How many builds lost files.
    @discardableResult
    package func prune() async throws -> Int {
        let retention = configuration.retention
        guard !retention.isEverything else { return 0 }
        let now = BuildTime.now.milliseconds
        var count = 0
        while true {
            let ids = try await store.prunable(
                endedBefore: retention.age.map { now - $0.components.seconds * 1000 },
                keepingNewest: retention.builds, keepingBytes: retention.bytes)
            guard !ids.isEmpty else { return count }
            for id in ids {
                guard try await store.beginPruning(id, keeping: Self.keptRecords) else { continue }
                do {
                    try await removePruned(id)
                    count += 1
                } catch {
                    logger.error(
                        "the files of a build cannot be removed", metadata: ["build_id": "\(id)", "error": "\(error)"])
                }
            }
        }
    }

    /// Removes the files of a build whose row says that they go.
    func removePruned(_ id: BuildID) async throws {
        let artifacts = try await store.files(of: id).filter { $0.category == .artifact }.map(\.digest)
        let folder = store.folder.build(id)
        try await threads.runIfActive { [pool] in
            try FolderListing.removeAll(in: folder) { Self.keptRecords.contains($0) }
            for digest in artifacts { pool.release(digest) }
        }
        try await store.endPruning(id)
    }
}

extension FolderListing {
    /// Removes everything in a folder that nobody wants kept. Blocks.
    static func removeAll(in folder: FilePath, unless isWanted: (String) -> Bool) throws {
        // What is not there holds nothing.
        guard access(folder.string, F_OK) == 0 || errno != ENOENT else { return }
        for name in try names(in: folder) where !isWanted(name) {
            guard let component = FilePath.Component(name) else { continue }
            _ = Workspace(path: folder.appending(component), uid: nil).remove()
        }
    }
}
