import Foundation
import Glibc
import KettleProvenance
package import KettleStore
import NIOPosix
package import SystemPackage

/// Where things lie in a bundle.
enum BundleFile {
    /// What the chip makers publish.
    static let collateralPrefix = "collateral/"
}

extension BuildService {
    /// The bundle of a successful build as one file; packed when it is first asked for, and then kept.
    ///
    /// - Returns: nil when there is no such build or it did not succeed.
    package func bundle(of id: BuildID, as kind: BundleArchive) async throws -> RecordedFile? {
        if let file = try await store.file(of: id, .record, named: kind.name) { return file }
        guard let record = try await store.record(id), record.state == .success else { return nil }
        let files = try await store.files(of: id)
        let folder = store.folder.build(id)
        let entries = files.compactMap { file -> BundleArchive.Entry? in
            guard let name = Self.nameInBundle(file) else { return nil }
            return BundleArchive.Entry(
                name: name, file: folder.appending(FilePath(file.location).components),
                isExecutable: file.category == .artifact)
        }.sorted { $0.name < $1.name }
        // Two requests may pack at once; the bytes are the same and the rename is atomic, so either may win.
        let draft = folder.appending("\(kind.name).\(BuildID().hex)")
        let file = try await threads.runIfActive {
            try kind.write(entries, to: draft)
            return try NewFile.adopt(draft, as: folder.appending(kind.name), called: kind.name)
        }
        try await store.add(file, to: id)
        return file
    }

    /// Writes the bundle of a successful build as a folder, whole or not at all.
    ///
    /// - Parameter folder: A name that is free.
    /// - Throws: ``StoreError/writeFailed(what:reason:)``.
    package func export(_ id: BuildID, to folder: FilePath) async throws {
        let files = try await store.files(of: id)
        let origin = store.folder.build(id)
        try await threads.runIfActive {
            let draft = FilePath("\(folder).\(BuildID().hex)")
            do {
                for file in files {
                    guard let name = Self.nameInBundle(file) else { continue }
                    let place = draft.appending(FilePath(name).components)
                    try FileManager.default.createDirectory(
                        atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
                    try FileManager.default.copyItem(
                        atPath: origin.appending(FilePath(file.location).components).string, toPath: place.string)
                    chmod(place.string, file.category == .artifact ? 0o755 : 0o644)
                }
                guard rename(draft.string, folder.string) == 0 else {
                    throw StoreError.writeFailed(what: "the bundle", reason: String(cString: strerror(errno)))
                }
            } catch {
                try? FileManager.default.removeItem(atPath: draft.string)
                throw error as? StoreError ?? .writeFailed(what: "the bundle", reason: error.localizedDescription)
            }
        }
    }

    private static func nameInBundle(_ file: RecordedFile) -> String? {
        switch file.category {
        case .artifact: "artifacts/\(file.name)"
        case .buildConfig: "build-config/\(file.name)"
        case .record:
            [
                "provenance.json", "evidence.json", "build.log", SoftwareBillOfMaterials.fileName,
            ].contains(file.name) || file.name.hasPrefix(BundleFile.collateralPrefix) ? file.name : nil
        }
    }
}
