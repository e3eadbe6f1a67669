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
    /// - Throws: ``BuildError/diskLow`` when it would have to be packed, and ``StoreError``.
    package func bundle(of id: BuildID, as kind: BundleArchive) async throws -> RecordedFile? {
        if let file = try await store.file(of: id, .record, named: kind.name) { return file }
        // What cannot be packed waits for nobody's packing.
        guard let record = try await store.record(id), record.state == .success, !record.isPruned else { return nil }
        return try await packing.outcome(of: id, as: kind) { try await self.pack(id, as: kind) }
    }

    private func pack(_ id: BuildID, as kind: BundleArchive) async throws -> RecordedFile? {
        if let file = try await store.file(of: id, .record, named: kind.name) { return file }
        guard let record = try await store.record(id), record.state == .success, !record.isPruned else { return nil }
        let files = try await store.files(of: id)
        let folder = store.folder.build(id)
        let entries = files.compactMap { file -> BundleArchive.Entry? in
            guard let name = Self.nameInBundle(file) else { return nil }
            if kind == .project {
                guard file.category == .artifact || Self.projectRecords.contains(name) else { return nil }
            }
            return BundleArchive.Entry(
                name: kind == .project ? "\(Self.projectName(record.source))/\(name)" : name,
                file: folder.appending(FilePath(file.location).components),
                isExecutable: file.category == .artifact)
        }.sorted { $0.name < $1.name }
        // Stays until the bundle is recorded, so that a start finds by it what was not.
        let draft = store.folder.work.appending("\(id.hex).\(kind.name).bundle")
        let place = folder.appending(kind.name)
        let file = try await onOwnThread {
            guard self.hasRoomOnDisk else { throw BuildError.diskLow }
            try kind.write(entries, to: draft)
            do { return try NewFile.share(draft, as: place, called: kind.name) } catch {
                unlink(draft.string)
                throw error
            }
        }
        do {
            try await store.add(file, to: id)
        } catch {
            // Removed or pruned meanwhile, or not to be written down: then nobody would find it.
            try? await threads.runIfActive {
                unlink(place.string)
                unlink(draft.string)
            }
            if case StoreError.buildGone = error { return nil }
            throw error
        }
        try? await threads.runIfActive { _ = unlink(draft.string) }
        return file
    }

    /// Removes the bundles that the last process put into their builds' folders and did not record.
    func removeUnrecordedBundles() async throws {
        let drafts = try await threads.runIfActive { [store] in try FolderListing.names(in: store.folder.work) }
        for draft in drafts where draft.hasSuffix(".bundle") {
            let parts = draft.dropLast(".bundle".count).split(separator: ".", maxSplits: 1)
            guard parts.count == 2, let id = BuildID(parts[0]),
                let kind = BundleArchive.allCases.first(where: { $0.name == parts[1] }),
                try await store.file(of: id, .record, named: kind.name) == nil
            else { continue }
            let place = store.folder.build(id).appending(kind.name)
            try await threads.runIfActive { _ = unlink(place.string) }
        }
    }

    /// Writes the bundle of a successful build, whole or not at all: as one file where the name ends in `.zip`, else as a folder.
    ///
    /// - Parameter place: A name that is free.
    /// - Throws: ``BuildError/diskLow``, ``StoreError/buildGone``, and ``StoreError/writeFailed(what:reason:)``.
    package func export(_ id: BuildID, to place: FilePath) async throws {
        let origin = store.folder.build(id)
        let copies: [(from: String, name: String, mode: mode_t)]
        if place.string.hasSuffix(".zip") {
            guard let packed = try await bundle(of: id, as: .zip) else { throw StoreError.buildGone }
            copies = [(packed.location, "", 0o644)]
        } else {
            copies = try await store.files(of: id).compactMap { file in
                Self.nameInBundle(file).map { (file.location, $0, file.category == .artifact ? 0o755 : 0o644) }
            }
        }
        try await threads.runIfActive { [copies] in
            let draft = FilePath("\(place).\(BuildID().hex)")
            do {
                for copy in copies {
                    let target = draft.appending(FilePath(copy.name).components)
                    let above = target.removingLastComponent()
                    if !above.isEmpty {
                        try FileManager.default.createDirectory(
                            atPath: above.string, withIntermediateDirectories: true)
                    }
                    try FileManager.default.copyItem(
                        atPath: origin.appending(FilePath(copy.from).components).string, toPath: target.string)
                    chmod(target.string, copy.mode)
                }
                guard rename(draft.string, place.string) == 0 else {
                    throw StoreError.writeFailed(what: "the bundle", reason: String(cString: strerror(errno)))
                }
            } catch {
                try? FileManager.default.removeItem(atPath: draft.string)
                throw error as? StoreError ?? .writeFailed(what: "the bundle", reason: error.localizedDescription)
            }
        }
    }

    private static let projectRecords: Set<String> = ["provenance.json", "evidence.json"]

    /// The name of a project, for a folder, by where its source came from.
    static func projectName(_ source: String) -> String {
        var name = source.split(separator: "/").last ?? ""
        for ending in [".git", ".zip", ".tar.gz", ".tgz"] where name.hasSuffix(ending) {
            name = name.dropLast(ending.count)
            break
        }
        let plain = name.unicodeScalars.filter { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-_.".unicodeScalars.contains(scalar))
        }
        let text = String(String.UnicodeScalarView(plain.drop { $0 == "." }.prefix(100)))
        return text.isEmpty ? "project" : text
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
