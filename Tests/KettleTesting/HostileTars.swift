import KettleSource

/// Tar archives, gzip files and other files whose structure lies.
package enum HostileTars {
    package static let all = sizes + cuts + surroundings + others

    private static let small = PackedTar(.init("a", "boo\n"), .init("b/c", "hoo\n"))

    private static let plain = PackedTar.Entry("a", "boo\n")

    /// Names of which programs take different ones, or that they read from different places. No bundle may have them; a source is
    /// what Kettle unpacks.
    package static let ambiguousNames: [HostileArchive] = [
        HostileArchive("unknown magic", "malformed_archive", tar: plain.with { $0.fields[257] = Array("ustaR".utf8) }),
        HostileArchive(
            "GNU tar with a prefix", "malformed_archive",
            tar: plain.with {
                $0.fields[257] = Array("ustar  \0".utf8)
                $0.fields[345] = Array("elsewhere".utf8)
            }),
        HostileArchive(
            "no magic, with a prefix", "malformed_archive",
            tar: plain.with {
                $0.fields[257] = [UInt8](repeating: 0, count: 8)
                $0.fields[345] = Array("elsewhere".utf8)
            }),
        HostileArchive("an empty pax path", "malformed_archive", tar: .pax(("path", "")), plain),
        HostileArchive("two pax headers", "malformed_archive", tar: .pax(("path", "b")), .pax(("path", "c")), plain),
        HostileArchive(
            "pax and a long name", "malformed_archive", tar: .pax(("path", "b")), .long("c", type: "L"), plain),
        HostileArchive(
            "a long name and pax", "malformed_archive", tar: .long("c", type: "L"), .pax(("path", "b")), plain),
        HostileArchive("two long names", "malformed_archive", tar: .long("b", type: "L"), .long("c", type: "L"), plain),
        HostileArchive("a name and no entry", "malformed_archive", tar: plain, .pax(("path", "b"))),
    ]

    private static let sizes: [HostileArchive] = [
        HostileArchive(
            "too large in sum", "too_large", tar: .init("a", "boo\n"), .init("b", "boo\n"),
            limits: SourceLimits(bytes: 7)),
        HostileArchive("one entry too large", "too_large", tar: .init("a", "boo\n"), limits: SourceLimits(bytes: 3)),
        HostileArchive(
            "too many entries", "too_many_entries", tar: .init("a"), .init("b"), .init("c"),
            limits: SourceLimits(entries: 2)),
        HostileArchive(
            "copies too large", "too_large", tar: .init("a", "boo\n"), .init("h", type: "1", link: "a"),
            limits: SourceLimits(bytes: 7)),
        HostileArchive(
            "declared larger than the archive", "cut_off", tar: .init("a", "boo\n").with { $0.size = 1 << 20 }),
        HostileArchive("declared 8 GiB", "cut_off", tar: .init("a", "boo\n").with { $0.size = 0o77777777777 }),
        HostileArchive(
            "declared smaller than it is", "malformed_archive",
            tar: .init("a", String(repeating: "boo\n", count: 256)).with { $0.size = 4 }),
        HostileArchive(
            "size that is no number", "malformed_archive",
            tar: .init("a", "boo\n").with { $0.fields[124] = Array("boo".utf8) }),
        HostileArchive(
            "negative size", "malformed_archive",
            tar: .init("a").with { $0.fields[124] = [UInt8](repeating: 0xFF, count: 12) }),
        HostileArchive(
            "pax size that is absurd", "malformed_archive", tar: .pax(("size", "9223372036854775807")),
            .init("a", "boo\n")),
        HostileArchive(
            "pax size that is negative", "malformed_archive", tar: .pax(("size", "-1")), .init("a", "boo\n")),
        HostileArchive(
            "pax size that is no number", "malformed_archive", tar: .pax(("size", "boo")), .init("a", "boo\n")),
        HostileArchive(
            "bad header checksum", "malformed_archive", tar: .init("a"), .init("b").with { $0.checksum = 1 }),
        HostileArchive("bad first header checksum", "malformed_archive", tar: .init("a").with { $0.checksum = 1 }),
        HostileArchive("GNU sparse file of 1 TiB", "too_large", tar: sparse(.init("a", "boo\n", type: "S"))),
        HostileArchive(
            "pax sparse file of 1 TiB", "too_large",
            tar: .pax(
                ("GNU.sparse.size", "1099511627776"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.name", "a"),
                ("GNU.sparse.map", "0,4,1099511627776,0")), .init("a", "boo\n")),
        HostileArchive(
            "pax sparse file of another version", "malformed_archive",
            tar: .pax(("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", "0,4")),
            .init("a", "boo\n")),
        HostileArchive(
            "pax sparse name that leads out", "entry_escapes_tree",
            tar: .pax(
                ("GNU.sparse.size", "4"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.name", "../evil"),
                ("GNU.sparse.map", "0,4")), .init("a", "boo\n")),
        HostileArchive(
            "left-out file too large", "too_large", tar: .init(".git/a", "boo\n"), limits: SourceLimits(bytes: 3)),
        HostileArchive(
            "pax header of 2 MiB", "malformed_archive", tar: .pax(("comment", String(repeating: "x", count: 2 << 20))),
            .init("a")),
        HostileArchive(
            "pax record of absurd length", "malformed_archive",
            tar: .init("p", "99999999999999999999 path=b\n", type: "x"), .init("a")),
        HostileArchive(
            "long name after long name, to the end", "malformed_archive", tar: .long("b", type: "L"),
            .long("c", type: "L")),
    ]

    private static let cuts: [HostileArchive] =
        [
            ("in the gzip header", 5), ("after the gzip header", 10), ("in the first header", 300),
            ("in the data", 540), ("before the second header", 1039), ("in the second header", 1100),
            ("before the gzip trailer", small.bytes.count - 8), ("in the gzip trailer", small.bytes.count - 1),
        ].map { HostileArchive("cut off \($0.0)", "cut_off", Array(small.bytes.prefix($0.1))) } + [
            HostileArchive("tar cut off in a header", "cut_off", PackedTar.gzip(Array(small.blocks.prefix(1300)))),
            HostileArchive("tar cut off in data", "cut_off", PackedTar.gzip(Array(small.blocks.prefix(514)))),
            HostileArchive("tar cut off in padding", "cut_off", PackedTar.gzip(Array(small.blocks.dropLast(100)))),
            HostileArchive("second gzip member cut off", "cut_off", small.bytes + small.bytes.prefix(12)),
        ]

    private static let surroundings: [HostileArchive] = [
        HostileArchive("bad gzip CRC", "malformed_archive", PackedTar.gzip(small.uncompressed, crc: 1)),
        HostileArchive("bad gzip size", "malformed_archive", PackedTar.gzip(small.uncompressed, size: 1)),
        HostileArchive(
            "bad deflate data", "malformed_archive", Array(small.bytes.prefix(10)) + [UInt8](repeating: 0xFF, count: 64)
        ),
        HostileArchive("reserved gzip flags", "malformed_archive", [0x1F, 0x8B, 8, 0xE0] + small.bytes.dropFirst(4)),
        HostileArchive("bytes after the gzip member", "trailing_bytes", small.bytes + Array("more".utf8)),
        HostileArchive(
            "zeros after the gzip member", "trailing_bytes", small.bytes + [UInt8](repeating: 0, count: 512)),
        HostileArchive(
            "bytes after the end of the tar", "trailing_bytes", PackedTar.gzip(small.uncompressed + Array("more".utf8))),
        HostileArchive(
            "another tar after its end", "trailing_bytes", PackedTar.gzip(small.uncompressed + small.uncompressed)),
        HostileArchive("another tar in a second member", "trailing_bytes", small.bytes + small.bytes),
        HostileArchive(
            "zeros without end", "trailing_bytes",
            PackedTar.gzip(small.uncompressed + [UInt8](repeating: 0, count: 2 << 20))),
        HostileArchive(
            "one block of zeros, then an entry", "trailing_bytes",
            PackedTar.gzip(small.blocks + [UInt8](repeating: 0, count: 512) + PackedTar(.init("d")).blocks)),
        HostileArchive("bytes before the gzip member", "not_an_archive", Array("more".utf8) + small.bytes),
        HostileArchive("gzip in gzip", "malformed_archive", PackedTar.gzip(small.bytes)),
        HostileArchive("gzip of a ZIP", "malformed_archive", PackedTar.gzip(PackedZIP(.init("a")).bytes)),
        HostileArchive(
            "gzip of noise", "malformed_archive",
            PackedTar.gzip((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 + 7) })),
        HostileArchive("gzip of a script", "malformed_archive", PackedTar.gzip(Array("#!/bin/sh\n".utf8))),
        HostileArchive("gzip of nothing", "empty_archive", PackedTar.gzip([])),
        HostileArchive("tar of nothing", "empty_archive", PackedTar().bytes),
        HostileArchive("only ./", "empty_archive", tar: .init("./", type: "5")),
        HostileArchive("only .git", "empty_archive", tar: .init(".git/", type: "5"), .init(".git/config", "a")),
    ]

    private static let others: [HostileArchive] = [
        HostileArchive("no bytes", "not_an_archive", []),
        HostileArchive("one byte", "not_an_archive", [0x50]),
        HostileArchive("text", "not_an_archive", Array("hello\n".utf8)),
        HostileArchive("plain tar", "not_an_archive", small.uncompressed),
        HostileArchive("RAR", "not_an_archive", [0x52, 0x61, 0x72, 0x21, 0x1A, 0x07, 0x01, 0x00]),
        HostileArchive("7z", "not_an_archive", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4]),
        HostileArchive("bzip2", "not_an_archive", Array("BZh91AY&SY".utf8)),
        HostileArchive("xz", "not_an_archive", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        HostileArchive("zstd", "not_an_archive", [0x28, 0xB5, 0x2F, 0xFD]),
        HostileArchive("spanned ZIP", "not_an_archive", Array("PK\u{7}\u{8}".utf8) + PackedZIP(.init("a")).bytes),
        HostileArchive("gzip of another method", "not_an_archive", [0x1F, 0x8B, 7, 0, 0, 0, 0, 0, 0, 255]),
    ]

    /// GNU tar's sparse header: one piece of 4 bytes at offset 386, the size it pretends to, 1 TiB, at 483.
    private static func sparse(_ entry: PackedTar.Entry) -> PackedTar.Entry {
        entry.with {
            $0.fields[257] = Array("ustar  \0".utf8)
            $0.fields[386] = Array("00000000000\u{0}00000000004\0".utf8)
            // In base 256, which the high bit says.
            $0.fields[483] = [0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
        }
    }
}
