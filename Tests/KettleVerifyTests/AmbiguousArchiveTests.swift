import Foundation
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

/// Sound bundles in archives that two programs unpack to different files.
@Suite struct AmbiguousArchiveTests {
    private let folder: ScratchFolder
    private let sample = SampleBundle()

    init() throws { folder = try ScratchFolder() }

    private func packed(_ kind: PackedEntry.Kind) async throws -> [UInt8] {
        let entries = try await sample.contents().sorted { $0.key < $1.key }
            .map { PackedEntry(path: $0.key, content: $0.value) }
        let path = folder.path.appending("packed").string
        try PackedEntry.write(entries, as: kind, to: path)
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        // What is changed below is accepted as it is.
        #expect(try sample.verifier.verify(at: path).outcome == .accepted)
        return bytes
    }

    private func expectRejected(_ bytes: [UInt8], _ comment: Comment) throws {
        let path = folder.path.appending("changed").string
        try Data(bytes).write(to: URL(filePath: path))
        let verdict: Verdict.Outcome
        do {
            verdict = try sample.verifier.verify(at: path).outcome
        } catch {
            verdict = error.isTheBundlesFault ? .rejected : .undetermined
        }
        #expect(verdict == .rejected, comment)
    }

    @Test func `a ZIP with bytes before, behind or between its entries is rejected`() async throws {
        let zip = try await packed(.zip)
        try expectRejected(zip + [0], "one byte behind")
        try expectRejected(Array("PK\u{3}\u{4}".utf8) + zip, "bytes before")
        try expectRejected(zip + zip, "two archives")
    }

    @Test func `a ZIP whose directory calls an entry otherwise is rejected`() async throws {
        let zip = try await packed(.zip)
        let name = Array("artifacts/".utf8)
        let last = try #require(zip.indices.last { zip[$0...].starts(with: name) })
        var renamed = zip
        renamed[last + name.count] ^= 1
        try expectRejected(renamed, "another name in the directory")
    }

    @Test func `a tar.gz with anything behind its end is rejected`() async throws {
        let tarball = try await packed(.tarGzip)
        try expectRejected(tarball + [1, 2, 3], "garbage")
        try expectRejected(tarball + tarball, "a second archive")
        var damaged = tarball
        damaged[damaged.count - 8] ^= 1
        try expectRejected(damaged, "a wrong checksum")
        damaged = tarball
        damaged[damaged.count - 1] ^= 1
        try expectRejected(damaged, "a wrong size")
    }

    @Test func `a tar.gz with a header for all entries is rejected`() async throws {
        _ = try await packed(.tarGzip)
        let files = try await sample.contents().mapValues { String(decoding: $0, as: UTF8.self) }
        let bundle = try folder.write(files, to: "bundle")
        let path = folder.path.appending("global.tar.gz").string
        let made = try await Command.run(
            "tar", ["--format=pax", "--pax-option=globexthdr.name=x,comment=all", "-czf", path, "."], in: bundle)
        #expect(made.status == 0, "\(made.errors)")
        try expectRejected(Array(try Data(contentsOf: URL(filePath: path))), "a global header")
    }
}
