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
        let first = try await store.records(for: .everyone, limit: 3, before: nil).map(\.id)
        let second = try await store.records(for: .everyone, limit: 3, before: first.last).map(\.id)
        let third = try await store.records(for: .everyone, limit: 3, before: second.last).map(\.id)
        #expect(first + second + third == newest)
    }

    @Test func `the same key is the same build, whatever else is inserted`() async throws {
        let store = try BuildStore(in: DataFolder(opening: root))
        let key = BuildRecord.Idempotency(key: ContentDigest(of: [1]), fingerprint: ContentDigest(of: [2]))
        var first = record(1)
        first.idempotency = key
        var second = record(2)
        second.idempotency = key
        guard case .inserted = try await store.insert(first, keeping: [7]),
            case .duplicate(let found) = try await store.insert(second, keeping: [8])
        else {
            Issue.record("the second is no duplicate")
            return
        }
        #expect(found.id == first.id)
        #expect(found.idempotency == key)
        #expect(try await store.record(second.id) == nil)
        #expect(try await store.keptSource(of: first.id) == [7])
        #expect(try await store.keptSource(of: second.id) == nil)
        try await store.finish(first.id, state: .failed, buildSystem: nil, at: 3, result: [], files: [])
        #expect(try await store.keptSource(of: first.id) == nil)
    }

    @Test func `a build is untold from its end until a transaction after its last event`() async throws {
        let store = try BuildStore(in: DataFolder(opening: root))
        let (first, second) = (record(1), record(2))
        try await store.insert(first)
        #expect(try await store.untold().isEmpty)
        try await store.finish(first.id, state: .failed, buildSystem: nil, at: 3, result: [], files: [])
        #expect(try await store.untold().map(\.id) == [first.id])
        store.noteTold(first.id)
        try await store.insert(second)
        #expect(try await store.untold().isEmpty)
    }

    @Test func `retention finds by age, count and bytes, the oldest first`() async throws {
        let store = try BuildStore(in: DataFolder(opening: root))
        let records = (1...5).map(record)
        for (index, record) in records.enumerated() {
            try await store.insert(record)
            let file = RecordedFile(
                category: .artifact, name: "a", location: "artifacts/0", digest: ContentDigest(of: [UInt8(index)]),
                size: 100)
            try await store.finish(
                record.id, state: .success, buildSystem: "cargo", at: Int64(index * 10), result: [], files: [file])
        }
        try await store.insert(record(6))  // runs, and is nobody's to prune
        func prunable(_ time: Int64?, _ count: Int?, _ bytes: Int64?) async throws -> [BuildID] {
            try await store.prunable(endedBefore: time, keepingNewest: count, keepingBytes: bytes)
        }
        let ids = records.map(\.id)
        #expect(try await prunable(nil, nil, nil).isEmpty)
        #expect(try await prunable(20, nil, nil) == Array(ids[..<2]))
        #expect(try await prunable(nil, 1, nil) == Array(ids[..<4]))
        #expect(try await prunable(nil, nil, 250) == Array(ids[..<3]))
        #expect(try await prunable(10, 4, 450) == [ids[0]])

        #expect(try await store.beginPruning(ids[0], keeping: []))
        #expect(try await !store.beginPruning(ids[0], keeping: []))
        #expect(try await store.halfPruned() == [ids[0]])
        #expect(try await store.files(of: ids[0]).map(\.isPruned) == [true])
        #expect(try await store.record(ids[0])?.isPruned == true)
        try await store.endPruning(ids[0])
        #expect(try await store.halfPruned().isEmpty)
        #expect(try await prunable(20, nil, nil) == [ids[1]])
    }

    @Test func `a damaged database is said to be damaged, and nothing of it is written over`() async throws {
        let folder = try DataFolder(opening: root)
        var store: BuildStore? = try BuildStore(in: folder)
        for number in 0..<200 { try await store?.insert(record(number)) }
        try store?.close()
        store = nil
        let path = folder.database.string
        var bytes = try Data(contentsOf: URL(filePath: path))
        // The headers of its pages.
        for offset in stride(from: 4096, to: bytes.count, by: 4096) {
            bytes.replaceSubrange(offset..<(offset + 8), with: Data(repeating: 0xEE, count: 8))
        }
        try bytes.write(to: URL(filePath: path))
        let error = #expect(throws: StoreError.self) { _ = try BuildStore(in: folder) }
        #expect(error?.code == "store.database_damaged")
        #expect(try Data(contentsOf: URL(filePath: path)).dropFirst(4096) == bytes.dropFirst(4096))
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

    @Test func `a folder that cannot be made is told to callers without its path`() throws {
        let folder = try DataFolder(opening: root)
        let error = #expect(throws: StoreError.self) { try folder.make(folder.work.appending("a").appending("b")) }
        #expect(error?.code == "store.write_failed")
        #expect(error?.message.contains(root.string) == false)
        for error in [
            StoreError.folderUnusable(path: "/secret", reason: "secret"), .folderInUse(path: "/secret"),
            .folderUnused(path: "/secret"), .folderOfAnother(path: "/secret"),
            .writeFailed(what: "the database", reason: "secret"), .readFailed(what: "a file", reason: "secret"),
            .databaseDamaged(reason: "secret"),
        ] {
            #expect(!error.messageForCallers.contains("secret"))
        }
    }

    @Test func `tokens are opened only where a service with these tables has been`() async throws {
        #expect(throws: StoreError.folderUnused(path: root.string)) {
            try TokenStore(in: DataFolder(sharing: root))
        }
        #expect(!FileManager.default.fileExists(atPath: root.string))
        let folder = try DataFolder(opening: root)
        #expect(throws: StoreError.folderUnused(path: root.string)) { try TokenStore(in: folder) }
        #expect(!FileManager.default.fileExists(atPath: folder.database.string))
        // A database without tables, as of a version before the first.
        _ = FileManager.default.createFile(atPath: folder.database.string, contents: nil)
        #expect(throws: StoreError.schemaOfAnotherVersion) { try TokenStore(in: folder) }
        let store = try BuildStore(in: folder)
        let tokens = try TokenStore(in: folder)
        #expect(try await tokens.all().isEmpty)
        try tokens.close()
        try store.close()
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
