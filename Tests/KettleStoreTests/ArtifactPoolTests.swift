import Foundation
import KettleProvenance
import KettleStore
import SystemPackage
import Testing

@Suite struct ArtifactPoolTests {
    let root = FilePath(FileManager.default.temporaryDirectory.path).appending("pool-\(BuildID())")
    let content = Data("an artifact".utf8)
    var digest: ContentDigest { ContentDigest(of: Array(content)) }

    /// Writes the artifact as a build's own file and shares it.
    private func share(_ name: String, in folder: DataFolder) throws -> FilePath {
        let file = folder.work.appending(FilePath.Component(name) ?? "file")
        try content.write(to: URL(filePath: file.string))
        ArtifactPool(folder).share(file, digest, size: Int64(content.count))
        return file
    }

    private func inode(_ path: FilePath) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path.string)[.systemFileNumber] as? Int
    }

    @Test func `what two builds made is one file`() throws {
        let folder = try DataFolder(opening: root)
        let first = try share("first", in: folder)
        let second = try share("second", in: folder)
        #expect(try inode(first) == inode(second))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.work.string).sorted() == ["first", "second"])
    }

    @Test(arguments: [Data(count: 11), Data("an artifacT".utf8), Data(), Data("an artifact and more".utf8)])
    func `a pooled file that is damaged replaces nothing, and is replaced`(damaged: Data) throws {
        let folder = try DataFolder(opening: root)
        let pooled = folder.artifacts.appending(digest.hex)
        try damaged.write(to: URL(filePath: pooled.string))
        let file = try share("file", in: folder)
        #expect(try Data(contentsOf: URL(filePath: file.string)) == content)
        #expect(try Data(contentsOf: URL(filePath: pooled.string)) == content)
        #expect(try inode(file) == inode(pooled))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.work.string) == ["file"])
    }
}
