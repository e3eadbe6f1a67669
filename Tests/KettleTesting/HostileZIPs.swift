import KettleSource

/// ZIP archives whose structure lies.
package enum HostileZIPs {
    package static let all = sizes + encryption + methods + cuts + surroundings + disagreements + directories

    private static let file = PackedZIP.Entry("a", String(repeating: "boo\n", count: 8))
    private static let whole = PackedZIP(.init("a", "boo\n"), .init("b/c", "hoo\n")).bytes

    /// A deflate stream of `count` bytes "boo\n…" that no compressor made: stored blocks (RFC 1951, section 3.2.4).
    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        Array(PackedTar.gzip(bytes).dropFirst(10).dropLast(8))
    }

    private static let sizes: [HostileArchive] = [
        HostileArchive("bad CRC", "malformed_archive", zip: file.with { $0.crc = 1 }),
        HostileArchive("bad CRC of a link", "malformed_archive", zip: .link("l", to: "a").with { $0.crc = 1 }),
        HostileArchive(
            "deflated link", "link_target_invalid",
            zip: .link("l", to: "a").with {
                $0.method = 8
                $0.data = deflated($0.content)
            }),
        HostileArchive("folder that holds bytes", "entry_ambiguous", zip: .init("d/", "boo\n")),
        HostileArchive(
            "folder by its mode that holds bytes", "entry_ambiguous", zip: .init("d", "boo\n", mode: 0o040755)),
        HostileArchive(
            "bad CRC of deflated data", "malformed_archive",
            zip: file.with {
                $0.method = 8
                $0.data = deflated($0.content)
                $0.crc = 1
            }),
        HostileArchive(
            "declared small, inflates large", "malformed_archive",
            zip: file.with {
                $0.method = 8
                $0.data = deflated($0.content)
                $0.size = 4
                $0.crc = LittleEndian.crc32(Array("boo\n".utf8))
            }),
        HostileArchive(
            "declared huge, holds little", "too_large",
            zip: file.with {
                $0.method = 8
                $0.data = deflated($0.content)
                $0.size = 0x7FFF_FFFF
            }, limits: SourceLimits(bytes: 1 << 30)),
        HostileArchive(
            "declared larger than it is", "malformed_archive",
            zip: file.with {
                $0.method = 8
                $0.data = deflated($0.content)
                $0.size = 33
            }),
        HostileArchive("stored, with two sizes", "malformed_archive", zip: file.with { $0.size = 33 }),
        HostileArchive("packed size beyond the file", "malformed_archive", zip: file.with { $0.packedSize = 1 << 20 }),
        HostileArchive(
            "not deflate data", "malformed_archive",
            zip: file.with {
                $0.method = 8
                $0.data = [UInt8](repeating: 0xFF, count: 32)
            }),
        HostileArchive(
            "bytes after the deflate data", "malformed_archive",
            zip: file.with {
                $0.method = 8
                $0.data = deflated($0.content) + Array("more".utf8)
            }),
        HostileArchive(
            "too large in sum", "too_large", zip: file, .init("b", "boo\n"), limits: SourceLimits(bytes: 33)),
        HostileArchive("one entry too large", "too_large", zip: file, limits: SourceLimits(bytes: 31)),
        HostileArchive(
            "too many entries", "too_many_entries", zip: .init("a"), .init("b"), .init("c"),
            limits: SourceLimits(entries: 2)),
        HostileArchive("too many folders", "too_many_entries", zip: .init("a/b/c/d"), limits: SourceLimits(entries: 3)),
        HostileArchive(
            "too many left-out entries", "too_many_entries", zip: .init(".git/a"), .init(".git/b"),
            limits: SourceLimits(entries: 1)),
        HostileArchive(
            "left-out file too large", "too_large", zip: file.with { $0.name = Array(".git/a".utf8) },
            limits: SourceLimits(bytes: 31)),
    ]

    private static let encryption: [HostileArchive] = [
        HostileArchive("traditional encryption", "encrypted", zip: file.with { $0.flags = 1 }),
        HostileArchive("strong encryption", "encrypted", zip: file.with { $0.flags = 0x41 }),
        HostileArchive(
            "AES", "encrypted",
            zip: file.with {
                $0.flags = 1; $0.method = 99
            }),
        HostileArchive("encryption said in the entry only", "encrypted", zip: file.with { $0.localFlags = 1 }),
        HostileArchive("masked local header", "directory_encrypted", zip: file.with { $0.flags = 0x2001 }),
        HostileArchive(
            "encrypted file that is left out", "encrypted",
            zip: file.with {
                $0.name = Array(".git/a".utf8); $0.flags = 1
            }),
        HostileArchive(
            "archive extra data record", "directory_encrypted",
            PackedZIP([file]) {
                $0.beforeDirectory =
                    LittleEndian.bytes(UInt32(0x0806_4B50)) + LittleEndian.bytes(UInt32(4)) + [1, 2, 3, 4]
                $0.directoryOffset = 63
                $0.directorySize = 59
            }.bytes),
        HostileArchive(
            "Zip64 record of version 2", "directory_encrypted",
            PackedZIP([file]) { $0.zip64 = .init(recordSize: 72) }.bytes),
    ]

    private static let methods: [HostileArchive] = [1, 6, 9, 12, 14, 93, 95, 98, 0xFFFF].map { method in
        HostileArchive("method \(method)", "compression_unsupported", zip: file.with { $0.method = method })
    }

    private static let cuts: [HostileArchive] = [
        ("in the first header", 20), ("in the first name", 30), ("in the data", 33), ("after the first entry", 35),
        ("before the directory", 72), ("in the directory", 100), ("before the end record", whole.count - 22),
        ("in the end record's signature", whole.count - 19), ("in the end record", whole.count - 1),
    ].map { HostileArchive("cut off \($0.0)", "cut_off", Array(whole.prefix($0.1))) }

    private static let surroundings: [HostileArchive] = [
        HostileArchive("bytes after the end record", "trailing_bytes", whole + [0]),
        HostileArchive("another ZIP after it", "trailing_bytes", whole + [UInt8](repeating: 7, count: 40)),
        HostileArchive("two ZIPs", "malformed_archive", whole + whole),
        HostileArchive("comment shorter than said", "cut_off", PackedZIP([file]) { $0.commentSize = 5 }.bytes),
        HostileArchive(
            "comment longer than said", "trailing_bytes",
            PackedZIP([file]) {
                $0.comment = Array("hello".utf8)
                $0.commentSize = 3
            }.bytes),
        HostileArchive(
            "end record in the comment", "malformed_archive",
            PackedZIP([file]) { $0.comment = PackedZIP().bytes }.bytes),
        HostileArchive("script before it", "not_an_archive", Array("#!/bin/sh\nexit\n".utf8) + whole),
        HostileArchive("entry-like bytes before it", "malformed_archive", Array("PK\u{3}\u{4}".utf8) + whole),
        HostileArchive("nothing but its end", "empty_archive", PackedZIP().bytes),
        HostileArchive("bytes before its end", "malformed_archive", Array("PK\u{3}\u{4}".utf8) + PackedZIP().bytes),
        HostileArchive("good start, then noise", "cut_off", Array(whole.prefix(60)) + noise(4096)),
        HostileArchive("only .git", "empty_archive", zip: .init(".git/", "", mode: 0o040755), .init(".git/config")),
        HostileArchive("only ./", "empty_archive", zip: .init("./", "", mode: 0o040755)),
    ]

    private static let disagreements: [HostileArchive] = [
        HostileArchive("another name in the entry", "entry_ambiguous", zip: file.with { $0.localName = [0x62] }),
        HostileArchive("longer name in the entry", "entry_ambiguous", zip: file.with { $0.localName = [0x61, 0x62] }),
        HostileArchive("another method in the entry", "entry_ambiguous", zip: file.with { $0.localMethod = 8 }),
        HostileArchive("another CRC in the entry", "entry_ambiguous", zip: file.with { $0.localCRC = 8 }),
        HostileArchive("another size in the entry", "entry_ambiguous", zip: file.with { $0.localSize = 8 }),
        HostileArchive(
            "another packed size in the entry", "entry_ambiguous", zip: file.with { $0.localPackedSize = 8 }),
        HostileArchive(
            "another size in a streamed entry", "entry_ambiguous",
            zip: file.with {
                $0.flags = 8
                $0.localSize = 8
            }),
        HostileArchive(
            "another Unicode name", "entry_ambiguous",
            zip: file.with {
                let path = [1] + LittleEndian.bytes(LittleEndian.crc32($0.name)) + Array("evil".utf8)
                $0.extra = LittleEndian.bytes(UInt16(0x7075)) + LittleEndian.bytes(UInt16(path.count)) + path
            }),
        HostileArchive(
            "another kind in the entry", "entry_ambiguous",
            zip: file.with {
                // libarchive's experimental field: bit 2 brings external attributes, here a link's.
                let fields: [UInt8] = [4] + LittleEndian.bytes(UInt32(0o120777) << 16)
                $0.localExtra = LittleEndian.bytes(UInt16(0x6C78)) + LittleEndian.bytes(UInt16(fields.count)) + fields
            }),
        HostileArchive(
            "no entry where one is said", "malformed_archive", zip: file,
            .init("b").with { $0.localSignature = 0x0403_4B51 }),
    ]

    private static let directories: [HostileArchive] = [
        HostileArchive(
            "two entries of the same bytes", "entries_overlap", zip: file,
            file.with {
                $0.isDirectoryOnly = true
                $0.offset = 0
            }),
        HostileArchive("an entry inside another", "entries_overlap", nested),
        HostileArchive(
            "an entry that reaches into the directory", "malformed_archive",
            zip: file.with {
                $0.packedSize = 40; $0.size = 40
            }),
        HostileArchive(
            "fewer entries than listed", "malformed_archive", PackedZIP([file, .init("b")]) { $0.entryCount = 1 }.bytes),
        HostileArchive("more entries than listed", "malformed_archive", PackedZIP([file]) { $0.entryCount = 2 }.bytes),
        HostileArchive(
            "no entries, but a directory", "malformed_archive", PackedZIP([file]) { $0.entryCount = 0 }.bytes),
        HostileArchive("two counts", "malformed_archive", PackedZIP([file]) { $0.entriesOnDisk = 2 }.bytes),
        HostileArchive("second disk", "malformed_archive", PackedZIP([file]) { $0.disk = 1 }.bytes),
        HostileArchive(
            "directory on a second disk", "malformed_archive", PackedZIP([file]) { $0.directoryDisk = 1 }.bytes),
        HostileArchive("entry on a second disk", "malformed_archive", zip: file.with { $0.disk = 1 }),
        HostileArchive(
            "directory that starts elsewhere", "malformed_archive", PackedZIP([file]) { $0.directoryOffset = 4 }.bytes),
        HostileArchive(
            "directory beyond the file", "malformed_archive",
            PackedZIP([file]) { $0.directoryOffset = 0xFFFF_FFFE }.bytes),
        HostileArchive(
            "directory larger than it is", "malformed_archive", PackedZIP([file]) { $0.directorySize = 48 }.bytes),
        HostileArchive(
            "directory smaller than it is", "malformed_archive", PackedZIP([file]) { $0.directorySize = 46 }.bytes),
        HostileArchive(
            "bytes between directory and end", "malformed_archive", PackedZIP([file]) { $0.beforeEnd = [0] }.bytes),
        HostileArchive("bytes before the first entry", "malformed_archive", hidden),
        HostileArchive(
            "entry beyond the file", "malformed_archive", zip: file,
            .init("b").with {
                $0.isDirectoryOnly = true; $0.offset = 0xFFFF_FFF0
            }),
        HostileArchive(
            "extra field longer than its place", "malformed_archive", zip: file.with { $0.extra = [1, 0, 9, 0] }),
        HostileArchive(
            "Zip64 with an absurd count", "too_many_entries",
            PackedZIP([file]) {
                $0.zip64 = .init(entryCount: .max); $0.entryCount = 0xFFFF
            }.bytes),
        HostileArchive(
            "Zip64 with an absurd offset", "malformed_archive",
            PackedZIP([file]) {
                $0.zip64 = .init(directoryOffset: .max); $0.directoryOffset = .max
            }.bytes),
        HostileArchive(
            "Zip64 with an absurd size", "malformed_archive",
            PackedZIP([file]) {
                $0.zip64 = .init(directorySize: .max); $0.directorySize = .max
            }.bytes),
        HostileArchive(
            "Zip64 record elsewhere", "malformed_archive",
            PackedZIP([file]) { $0.zip64 = .init(recordOffset: .max) }.bytes),
        HostileArchive(
            "Zip64 on two disks", "malformed_archive", PackedZIP([file]) { $0.zip64 = .init(disks: 2) }.bytes),
        HostileArchive(
            "Zip64 that disagrees with the end record", "malformed_archive",
            PackedZIP([file]) { $0.zip64 = .init(entryCount: 0) }.bytes),
        HostileArchive(
            "Zip64 values without a Zip64 record", "malformed_archive",
            PackedZIP([file]) { $0.directoryOffset = .max }.bytes),
        HostileArchive("Zip64 size without its field", "malformed_archive", zip: file.with { $0.size = .max }),
        HostileArchive(
            "two Zip64 fields", "malformed_archive",
            zip: file.with {
                $0.size = .max; $0.method = 8; $0.extra = zip64(32) + zip64(64)
            }),
        HostileArchive(
            "encryption that the flags do not tell", "malformed_archive",
            zip: file.with { $0.extra = [0x01, 0x99, 7, 0, 2, 0, 0x41, 0x45, 3, 8, 0] }),
        HostileArchive(
            "Zip64 size that is absurd", "too_large",
            zip: file.with {
                $0.size = .max; $0.method = 8; $0.extra = zip64(.max >> 1)
            }),
        HostileArchive(
            "Zip64 size over the integers", "malformed_archive",
            zip: file.with {
                $0.size = .max; $0.method = 8; $0.extra = zip64(.max)
            }),
        HostileArchive(
            "Zip64 packed size that is absurd", "malformed_archive",
            zip: file.with {
                $0.packedSize = .max; $0.extra = zip64(.max >> 1)
            }),
    ]

    /// 4.5.3
    private static func zip64(_ value: UInt64) -> [UInt8] {
        LittleEndian.bytes(UInt16(1)) + LittleEndian.bytes(UInt16(8)) + LittleEndian.bytes(value)
    }

    /// As in David Fifield's "A better zip bomb": the first entry's data begins with the second entry's header.
    private static let nested: [UInt8] = {
        let inner = Array(PackedZIP(.init("b")).bytes.prefix(35))
        return PackedZIP(
            .init(Array("a".utf8), inner),
            PackedZIP.Entry("b").with {
                $0.isDirectoryOnly = true
                $0.offset = 31
            }
        ).bytes
    }()

    /// An entry that the directory does not list stands first.
    private static let hidden: [UInt8] = {
        let unlisted = Array(PackedZIP(.init("x")).bytes.prefix(35))
        let rest = PackedZIP([.init("b").with { $0.offset = 35 }]) { $0.directoryOffset = 70 }.bytes
        return unlisted + rest
    }()

    /// Bytes with no pattern, the same each time.
    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 42
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
