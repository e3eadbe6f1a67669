import Foundation
import KettleSource
import KettleTesting
import SystemPackage
import Testing

/// Archives as the usual programs write them.
@Suite struct ArchiveSourceTests {
    /// How a folder is packed; `ARCHIVE` stands for the archive.
    struct Packer: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var program: String
        var arguments: [String]

        static let all = [
            Packer("zip", ["-q", "-r", "-y", "ARCHIVE", "."]),
            Packer("zip", ["-q", "-r", "-y", "-0", "ARCHIVE", "."]),
            Packer("zip", ["-q", "-r", "-y", "-fz", "ARCHIVE", "."]),
            Packer("tar", ["-czf", "ARCHIVE", "."]),
            Packer("tar", ["--format=pax", "-czf", "ARCHIVE", "."]),
            Packer("tar", ["--format=gnu", "-czf", "ARCHIVE", "."]),
            Packer("tar", ["--format=gnu", "-b", "200", "-czf", "ARCHIVE", "."]),
            Packer("tar", ["--format=pax", "--sparse", "-czf", "ARCHIVE", "."]),
            Packer("tar", ["--format=gnu", "--sparse", "-czf", "ARCHIVE", "."]),
        ]

        init(_ program: String, _ arguments: [String]) {
            self.program = program
            self.arguments = arguments
            testDescription = ([program] + arguments).joined(separator: " ")
        }

        func pack(_ folder: FilePath, as archive: FilePath) async throws {
            let arguments = arguments.map { $0 == "ARCHIVE" ? archive.string : $0 }
            let ended = try await Command.run(program, arguments, in: folder)
            guard ended.status == 0 else { throw CommandFailed(program: program, ended: ended) }
        }
    }

    @Test(arguments: Packer.all)
    func `an archive gives the files that were packed, and git's tree id`(packer: Packer) async throws {
        let unpacking = try Unpacking()
        try makeProject(unpacking)
        let packed = unpacking.archive.removingLastComponent().appending("packed.zip")
        try await packer.pack(unpacking.workplace, as: packed)
        try ArchiveSource.unpack(.file(packed), into: unpacking.target, within: .standard)
        #expect(
            try unpacking.tree() == [
                "Cargo.toml": "644 [package]\n", "run": "755 #!/bin/sh\n", "src": "folder 755",
                "src/main.rs": "644 fn main() {}\n", "empty": "folder 755", "here": "-> src/main.rs",
                "src/up": "-> ../Cargo.toml", "dangling": "-> nowhere", "other": "755 #!/bin/sh\n", "nothing": "644 ",
                "Gr\u{FC}\u{DF}e e\u{301}": "644 NFD\n", "sparse": "644 " + String(repeating: "\0", count: 1 << 20),
                Self.longName: "folder 755", "\(Self.longName)/\(Self.longName)": "644 deep\n",
            ])
        #expect(try GitTree.identify(unpacking.target).sha1 == (try await treeID(of: unpacking.workplace)))
    }

    @Test func `times are fixed`() async throws {
        let unpacking = try Unpacking()
        try unpacking.unpack(PackedZIP(.init("a")).bytes)
        let attributes = try FileManager.default.attributesOfItem(atPath: unpacking.target.appending("a").string)
        #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_153_704_088)
    }

    @Test(arguments: ["zip -qry - .", "zip -qry -fz- - .", "zip -qry -0 - ."])
    func `a ZIP that was streamed, sizes behind the data, is taken in`(command: String) async throws {
        let unpacking = try Unpacking()
        try unpacking.write(["a": "boo\n", "b/c": String(repeating: "hoo\n", count: 1000)])
        let line = "\(command) | cat > \(unpacking.archive)"
        let ended = try await Command.run("sh", ["-c", line], in: unpacking.workplace)
        try #require(ended.status == 0, "\(ended.everything)")
        try ArchiveSource.unpack(.file(unpacking.archive), into: unpacking.target, within: .standard)
        #expect(try GitTree.identify(unpacking.target).sha1 == (try await treeID(of: unpacking.workplace)))
    }

    @Test(arguments: ["zip", "tar.gz"])
    func `what git archive makes is taken in`(format: String) async throws {
        let unpacking = try Unpacking()
        try makeProject(unpacking)
        let expected = try await treeID(of: unpacking.workplace)
        let ended = try await Command.run(
            "git", ["archive", "--format=\(format)", "-o", unpacking.archive.string, expected],
            in: unpacking.workplace)
        try #require(ended.status == 0, "\(ended.everything)")
        try ArchiveSource.unpack(.file(unpacking.archive), into: unpacking.target, within: .standard)
        #expect(try GitTree.identify(unpacking.target).sha1 == expected)
    }

    @Test(arguments: [0o4755, 0o777, 0o100, 0o7001])
    func `of a mode only the executable bit counts`(mode: Int) throws {
        let zip = try Unpacking()
        try zip.unpack(PackedZIP(.init("a", "", mode: UInt16(mode) | 0o100000)).bytes)
        #expect(try zip.tree() == ["a": "755 "])
        let tar = try Unpacking()
        try tar.unpack(PackedTar(PackedTar.Entry("a").with { $0.mode = mode }).bytes)
        #expect(try tar.tree() == ["a": "755 "])
    }

    @Test(arguments: [".git", ".GIT", ".Git"])
    func `what is called .git is left out, as a file and as a folder`(name: String) throws {
        let zip = try Unpacking()
        try zip.unpack(
            PackedZIP(.init("\(name)/config"), .init("a"), .init("sub/\(name)"), .link("x/\(name)", to: "..")).bytes)
        #expect(try zip.tree() == ["a": "644 boo\n"])
        let tar = try Unpacking()
        try tar.unpack(PackedTar(.init("\(name)/config", "x"), .init("a", "boo\n"), .init("sub/\(name)", "x")).bytes)
        #expect(try tar.tree() == ["a": "644 boo\n"])
    }

    @Test func `names are bytes`() throws {
        let zip = try Unpacking()
        try zip.unpack(PackedZIP(.init([0x61, 0xFF], Array("boo\n".utf8)), .init(".gitignore")).bytes)
        let tar = try Unpacking()
        try tar.unpack(PackedTar(.init([0x61, 0xFF], Array("boo\n".utf8)), .init(".gitignore", "boo\n")).bytes)
        let id = try GitTree.identify(zip.target).sha1
        #expect(try GitTree.identify(tar.target).sha1 == id)
        // What git write-tree says of the two files.
        #expect(id == "33434c11300e114e86326c68b2949bf83311f4f0")
    }

    struct Unusual: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var bytes: [UInt8]

        init(_ name: String, _ bytes: [UInt8]) {
            testDescription = name
            self.bytes = bytes
        }
    }

    @Test(arguments: [
        Unusual("no blocks of zeros at the end", PackedTar.gzip(PackedTar(.init("a", "boo\n")).blocks)),
        Unusual(
            "one block of zeros",
            PackedTar.gzip(PackedTar(.init("a", "boo\n")).blocks + [UInt8](repeating: 0, count: 512))
        ),
        Unusual("two gzip members", PackedTar.gzip([]) + PackedTar(.init("a", "boo\n")).bytes),
        Unusual("a member in the middle", split(PackedTar(.init("a", "boo\n")).uncompressed, at: 700)),
        Unusual(
            "a comment at the end of a ZIP", PackedZIP([.init("a")]) { $0.comment = Array("made by hand".utf8) }.bytes),
        Unusual("a Zip64 record that is not needed", PackedZIP([.init("a")]) { $0.zip64 = .init() }.bytes),
        Unusual(
            "a descriptor of 16 bytes",
            PackedZIP(
                PackedZIP.Entry("a").with {
                    $0.flags = 8
                    ($0.localCRC, $0.localPackedSize, $0.localSize) = (0, 0, 0)
                    $0.descriptor =
                        LittleEndian.bytes(UInt32(0x0807_4B50)) + LittleEndian.bytes(LittleEndian.crc32($0.content))
                        + LittleEndian.bytes(UInt32(4)) + LittleEndian.bytes(UInt32(4))
                }
            ).bytes
        ),
        Unusual(
            "made on DOS",
            PackedZIP(
                PackedZIP.Entry("a").with {
                    $0.madeBy = 20; $0.mode = 0
                }
            ).bytes
        ),
        Unusual("GNU long names", PackedTar(.long("a", type: "L"), .init("b", "boo\n")).bytes),
        Unusual("a global pax header", PackedTar(.pax(("comment", "x"), type: "g"), .init("a", "boo\n")).bytes),
        Unusual("a volume name", PackedTar(.init("name", type: "V"), .init("a", "boo\n")).bytes),
        // POSIX.1-2017, pax: other values of typeflag are treated as regular files.
        Unusual("a kind that POSIX does not know", PackedTar(.init("a", "boo\n", type: "Z")).bytes),
    ])
    func `an unusual archive is taken in`(archive: Unusual) throws {
        let unpacking = try Unpacking()
        try unpacking.unpack(archive.bytes)
        #expect(try unpacking.tree() == ["a": "644 boo\n"])
    }

    @Test func `a bomb is refused by its ratio`() async throws {
        for (program, arguments) in [("zip", ["-q", "ARCHIVE", "zeros"]), ("tar", ["-czf", "ARCHIVE", "zeros"])] {
            let unpacking = try Unpacking()
            try unpacking.write([:])
            let file = unpacking.workplace.appending("zeros")
            try FileManager.default.createDirectory(
                atPath: unpacking.workplace.string, withIntermediateDirectories: true)
            try Data(count: 4 << 20).write(to: URL(filePath: file.string))
            let packed = unpacking.archive.removingLastComponent().appending("bomb.zip")
            try await Packer(program, arguments).pack(unpacking.workplace, as: packed)
            #expect(throws: SourceError.ratioExceeded(limit: 250)) {
                try ArchiveSource.unpack(
                    .file(packed), into: unpacking.target, within: SourceLimits(ratioFloorBytes: 1 << 20))
            }
            #expect(try unpacking.leftovers() == [])
        }
    }

    @Test func `an archive that cannot be read is no fault of the source`() throws {
        let unpacking = try Unpacking()
        let error = #expect(throws: SourceError.self) {
            try ArchiveSource.unpack(.file(unpacking.archive), into: unpacking.target, within: .standard)
        }
        #expect(error?.isKettlesFault == true)
        #expect(try unpacking.leftovers() == [])
    }

    @Test func `a message shows little of a long name, and no control characters`() throws {
        let name = "\u{1B}[31m\u{202E}" + String(repeating: "n", count: 3000)
        let refusal = try Unpacking().refusal(of: PackedZIP(.init(name)).bytes)
        let message = try #require(refusal?.message)
        #expect(message.utf8.count < 400)
        #expect(!message.contains("\u{1B}") && !message.contains("\u{202E}"))
    }

    private static let longName = String(repeating: "long", count: 30)

    private func makeProject(_ unpacking: Unpacking) throws {
        try unpacking.write([
            "Cargo.toml": "[package]\n", "run": "#!/bin/sh\n", "src/main.rs": "fn main() {}\n", "nothing": "",
            "Gr\u{FC}\u{DF}e e\u{301}": "NFD\n", "\(Self.longName)/\(Self.longName)": "deep\n",
        ])
        let manager = FileManager.default
        let place = { (name: String) in unpacking.workplace.appending(FilePath(name).components).string }
        try manager.setAttributes([.posixPermissions: 0o750], ofItemAtPath: place("run"))
        try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: place("Cargo.toml"))
        try manager.linkItem(atPath: place("run"), toPath: place("other"))
        try manager.createDirectory(atPath: place("empty"), withIntermediateDirectories: false)
        try manager.createSymbolicLink(atPath: place("here"), withDestinationPath: "src/main.rs")
        try manager.createSymbolicLink(atPath: place("src/up"), withDestinationPath: "../Cargo.toml")
        try manager.createSymbolicLink(atPath: place("dangling"), withDestinationPath: "nowhere")
        #expect(manager.createFile(atPath: place("sparse"), contents: nil))
        let sparse = try FileDescriptor.open(FilePath(place("sparse")), .writeOnly)
        try sparse.closeAfter { try sparse.resize(to: 1 << 20) }
    }

    /// What git calls the files of a folder.
    private func treeID(of folder: FilePath) async throws -> String {
        var output = ""
        for arguments in [["init", "-q"], ["add", "-A", "."], ["write-tree"]] {
            let ended = try await Command.run("git", ["-c", "core.autocrlf=false"] + arguments, in: folder)
            guard ended.status == 0 else { throw CommandFailed(program: "git", ended: ended) }
            output = ended.output
        }
        return String(output.prefix(40))
    }

    private static func split(_ bytes: [UInt8], at place: Int) -> [UInt8] {
        PackedTar.gzip(Array(bytes[..<place])) + PackedTar.gzip(Array(bytes[place...]))
    }
}
