import Foundation
import KettleProvenance
import KettleStore
import SystemPackage
import Testing

@Suite struct BuildStoreTests {
    let root = FilePath(FileManager.default.temporaryDirectory.path).appending("store-\(BuildID())")

    private func record(_ number: Int) -> BuildRecord {
        BuildRecord(id: BuildID(), source: "source-\(number).zip", ref: nil, createdAt: Int64(number))
    }

    @Test func `a build and its files are found again by another process`() async throws {
        let id = BuildID()
        let file = RecordedFile(
            category: .artifact, name: "hello", location: "artifacts/0", digest: ContentDigest(of: [1]), size: 1)
        do {
            let store = try BuildStore(in: DataFolder(opening: root))
            try await store.insert(BuildRecord(id: id, source: "s.zip", ref: "main", createdAt: 5))
            #expect(try await store.unfinished().map(\.id) == [id])
            try await store.finish(
                id, state: .success, buildSystem: "cargo", at: 9, result: Array("{}".utf8), files: [file])
            try store.close()
        }
        // The lock belongs to the process, so the second store of this one is opened beside the first.
        let copy = FilePath(root.string + "-copy")
        try FileManager.default.copyItem(atPath: root.string, toPath: copy.string)
        let store = try BuildStore(in: DataFolder(opening: copy))
        let found = try #require(try await store.record(id))
        #expect(found.state == .success)
        #expect(found.result == Array("{}".utf8))
        #expect(found.finishedAt == 9)
        #expect(try await store.file(of: id, .artifact, named: "hello") == file)
        #expect(try await store.file(of: id, .record, named: "hello") == nil)
        #expect(try await store.file(of: id, .artifact, named: "../0") == nil)
        #expect(try await store.unfinished().isEmpty)
    }

    @Test func `builds are listed newest first, a page at a time`() async throws {
        let store = try BuildStore(in: DataFolder(opening: root))
        let records = (0..<7).map(record)
        for record in records { try await store.insert(record) }
        let newest = Array(records.map(\.id).reversed())
        let first = try await store.records(limit: 3, before: nil).map(\.id)
        let second = try await store.records(limit: 3, before: first.last).map(\.id)
        let third = try await store.records(limit: 3, before: second.last).map(\.id)
        #expect(first + second + third == newest)
    }

    @Test func `one process at a time uses a data folder`() throws {
        _ = try DataFolder(opening: root)
        #expect(throws: StoreError.folderInUse(path: root.string)) { try DataFolder(opening: root) }
    }

    @Test func `a data folder that is a file is refused by name`() throws {
        try Data().write(to: URL(filePath: root.string))
        #expect {
            try DataFolder(opening: root)
        } throws: { error in
            (error as? StoreError)?.code == "store.folder_unusable"
        }
    }

    @Test(arguments: ["", "A1B2C3D4E5F60718293A4B5C", "a1b2", "../../../etc/passwd00000", "a1b2c3d4e5f60718293a4b5g"])
    func `what is not a build id is none`(text: String) {
        #expect(BuildID(text) == nil)
    }

    @Test func `ids do not repeat and read back`() {
        let ids = (0..<1000).map { _ in BuildID() }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { BuildID($0.hex) == $0 })
    }

    @Test(arguments: BundleArchive.allCases)
    func `the same files give the same bundle, byte for byte`(kind: BundleArchive) throws {
        let folder = try DataFolder(opening: root)
        let content = folder.work.appending("content")
        try Data("hello".utf8).write(to: URL(filePath: content.string))
        let entries = [
            BundleArchive.Entry(name: "artifacts/hello", file: content, isExecutable: true),
            BundleArchive.Entry(name: "provenance.json", file: content, isExecutable: false),
        ]
        let (first, second) = (folder.work.appending("1"), folder.work.appending("2"))
        try kind.write(entries, to: first)
        try kind.write(entries, to: second)
        let bytes = try Data(contentsOf: URL(filePath: first.string))
        #expect(try bytes == Data(contentsOf: URL(filePath: second.string)))
        #expect(bytes.count < 2048)
        #expect(throws: StoreError.self) { try kind.write(entries, to: first) }
    }
}
