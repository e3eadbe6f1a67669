import Glibc
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

@Suite struct BundleReadingTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// Writes the files of a sound bundle into a folder of its own.
    private func unpacked(_ sample: SampleBundle) async throws -> FilePath {
        let files = try await sample.contents().mapValues { String(decoding: $0, as: UTF8.self) }
        return try folder.write(files, to: "bundle")
    }

    private func pack(_ entries: [PackedEntry], as kind: PackedEntry.Kind) throws -> String {
        let path = folder.path.appending("packed").string
        try PackedEntry.write(entries, as: kind, to: path)
        return path
    }

    @Test(arguments: ["bundle.zip", "bundle.tar.gz"])
    func `a folder and what zip and tar make of it are accepted alike`(name: String) async throws {
        let sample = SampleBundle()
        let bundle = try await unpacked(sample)
        #expect(try sample.verifier.verify(at: bundle.string).outcome == .accepted)
        let archive = folder.path.appending(name)
        try await Command.pack(bundle, as: archive)
        #expect(try sample.verifier.verify(at: archive.string).outcome == .accepted)
        // Told by content, not by name.
        rename(archive.string, folder.path.appending("bundle.bin").string)
        #expect(try sample.verifier.verify(at: folder.path.appending("bundle.bin").string).outcome == .accepted)
    }

    @Test(arguments: PackedEntry.Kind.allCases)
    func `an archive of the files is read`(kind: PackedEntry.Kind) async throws {
        let sample = SampleBundle()
        let entries = try await sample.contents().map { PackedEntry(path: $0.key, content: $0.value) }
        let path = try pack(entries, as: kind)
        #expect(try sample.verifier.verify(at: path).outcome == .accepted)
    }

    @Test(arguments: PackedEntry.Kind.allCases)
    func `every cut of an archive is rejected`(kind: PackedEntry.Kind) async throws {
        let sample = SampleBundle()
        let path = try pack(try await sample.contents().map { PackedEntry(path: $0.key, content: $0.value) }, as: kind)
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        let size = Int(try file.closeAfter { try file.seek(offset: 0, from: .end) })
        // The last bytes of a gzip stream are its trailer, which libarchive does not insist on.
        for length in stride(from: size - 9, through: 0, by: -7) {
            truncate(path, length)
            let verdict = try sample.verifier.verify(at: path)
            #expect(verdict.outcome == .rejected, "\(length) bytes")
        }
    }

    /// Times and padding may change; what is accepted must be what was packed.
    @Test(.timeLimit(.minutes(5)), arguments: PackedEntry.Kind.allCases)
    func `no changed byte of an archive has another bundle accepted`(kind: PackedEntry.Kind) async throws {
        let sample = SampleBundle()
        let path = try pack(try await sample.contents().map { PackedEntry(path: $0.key, content: $0.value) }, as: kind)
        let expected = try #require(try sample.verifier.verify(at: path).verified?.statementDigest)
        let file = open(path, O_RDWR)
        defer { close(file) }
        let end = lseek(file, 0, SEEK_END)
        var rejections = 0
        for offset in 0..<end {
            var byte: UInt8 = 0
            pread(file, &byte, 1, offset)
            var changed = byte ^ UInt8(truncatingIfNeeded: 1 << (offset % 8))
            pwrite(file, &changed, 1, offset)
            let verdict = try sample.verifier.verify(at: path)
            if verdict.outcome == .accepted {
                #expect(verdict.verified?.statementDigest == expected, "byte \(offset)")
            } else {
                rejections += 1
            }
            pwrite(file, &byte, 1, offset)
        }
        #expect(rejections > Int(end) / 2)
    }

    @Test(arguments: ["../evil", "/etc/passwd", "artifacts/../../b", "artifacts//x", "a/./b"])
    func `an entry that leaves the bundle is refused`(path: String) async throws {
        let packed = try pack([PackedEntry(path: path, content: [1])], as: .tarGzip)
        #expect(throws: BundleError.entryName(path)) { try UnverifiedBundle(at: packed) }
        #expect(try BundleVerifier().verify(at: packed).outcome == .rejected)
    }

    @Test(arguments: PackedEntry.Kind.allCases)
    func `two entries of one name are refused`(kind: PackedEntry.Kind) async throws {
        let entries = try await SampleBundle().contents().map { PackedEntry(path: $0.key, content: $0.value) }
        let packed = try pack(entries + [PackedEntry(path: "artifacts/tally", content: [1])], as: kind)
        #expect(throws: BundleError.duplicateEntry("artifacts/tally")) { try UnverifiedBundle(at: packed) }
    }

    @Test(arguments: [S_IFLNK, S_IFIFO, S_IFCHR])
    func `a link and a device in an archive are rejected`(type: mode_t) async throws {
        let sample = SampleBundle()
        var entries = try await sample.contents().map { PackedEntry(path: $0.key, content: $0.value) }
        entries.removeAll { $0.path == "artifacts/tally" }
        entries.append(PackedEntry(path: "artifacts/tally", type: type, target: "../build.log"))
        let verdict = try sample.verifier.verify(at: try pack(entries, as: .tarGzip))
        #expect(Set(verdict.failures) == ["artifact.kind"])
    }

    @Test func `a link, a pipe and a folder on disk are rejected and not followed`() async throws {
        let sample = SampleBundle()
        let bundle = try await unpacked(sample)
        let artifact = bundle.appending("artifacts/tally")
        rename(artifact.string, folder.path.appending("tally").string)
        symlink(folder.path.appending("tally").string, artifact.string)
        #expect(Set(try sample.verifier.verify(at: bundle.string).failures) == ["artifact.kind"])
        unlink(artifact.string)
        mkfifo(artifact.string, 0o600)
        #expect(Set(try sample.verifier.verify(at: bundle.string).failures) == ["artifact.kind"])
        unlink(artifact.string)
        mkdir(artifact.string, 0o700)
        #expect(Set(try sample.verifier.verify(at: bundle.string).failures) == ["artifact.kind"])
    }

    @Test func `a folder that goes on for ever is not followed`() throws {
        let path = folder.path.appending("deep").string
        let deep = (0..<200).map { _ in "d" }.joined(separator: "/")
        mkdir(path, 0o700)
        var current = path
        for part in deep.split(separator: "/") {
            current += "/\(part)"
            mkdir(current, 0o700)
        }
        #expect(try UnverifiedBundle(at: path).oddities["d/d/d"] == "folder")
    }

    @Test func `what is not there is not found out`() throws {
        let error = #expect(throws: BundleError.self) {
            try BundleVerifier().verify(at: folder.path.appending("none").string)
        }
        #expect(error?.isTheBundlesFault == false)
        #expect(error.map { Verdict(unread: $0).outcome } == .undetermined)
    }

    @Test(arguments: ["", "P", "PK", "not an archive", "\u{1F}"])
    func `what is no archive is rejected`(text: String) throws {
        let file = try folder.write(["b": text], to: "x").appending("b")
        #expect(try BundleVerifier().verify(at: file.string).outcome == .rejected)
    }

    @Test(arguments: PackedEntry.Kind.allCases)
    func `limits hold`(kind: PackedEntry.Kind) async throws {
        let zeros = [UInt8](repeating: 0, count: 3_000_000)
        let packed = try pack(
            (0..<5).map { PackedEntry(path: "artifacts/\($0)", content: zeros) }
                + [PackedEntry(path: "provenance.json", content: zeros)], as: kind)
        #expect(throws: BundleError.limitExceeded(limit: "entries", value: 3)) {
            try UnverifiedBundle(at: packed, limits: BundleLimits(entries: 3))
        }
        #expect(throws: BundleError.limitExceeded(limit: "bytes", value: 7_000_000)) {
            try UnverifiedBundle(at: packed, limits: BundleLimits(bytes: 7_000_000))
        }
        #expect(throws: BundleError.limitExceeded(limit: "bytes of provenance.json", value: 2_999_999)) {
            try UnverifiedBundle(at: packed, limits: BundleLimits(statementBytes: 2_999_999))
        }
        #expect(throws: BundleError.limitExceeded(limit: "bytes of a path", value: 5)) {
            try UnverifiedBundle(at: packed, limits: BundleLimits(pathBytes: 5))
        }
        #expect(try UnverifiedBundle(at: packed).files.count == 6)
    }

    @Test func `many statements in many folders are limited in sum`() throws {
        let megabyte = [UInt8](repeating: 0, count: 1_000_000)
        let packed = try pack(
            (0..<9).map { PackedEntry(path: "d\($0)/evidence.json", content: megabyte) }, as: .tarGzip)
        let limits = BundleLimits(statementBytes: 1_500_000, evidenceBytes: 1_500_000)
        #expect(throws: BundleError.self) { try UnverifiedBundle(at: packed, limits: limits) }
    }
}
