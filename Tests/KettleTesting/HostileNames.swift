import KettleSource

/// Archives whose entries have names, links and kinds that a source may not have. Most come as ZIP and as tar.gz.
package enum HostileNames {
    package static let all = paths + links + kinds + clashes + limits

    private static let paths: [HostileArchive] =
        both("..", "..", "entry_escapes_tree") + both("../evil", "../evil", "entry_escapes_tree")
        + both("a/../../b", "a/../../b", "entry_escapes_tree") + both("a/../b", "a/../b", "entry_escapes_tree")
        + both("a/..", "a/..", "entry_escapes_tree") + both("absolute", "/etc/passwd", "entry_absolute")
        + both("two slashes first", "//etc/passwd", "entry_absolute")
        + [
            HostileArchive("no name in ZIP", "entry_name_empty", zip: .init("")),
            HostileArchive("no name in tar", "entry_name_empty", tar: .init("")),
            HostileArchive("NUL in ZIP name", "entry_name_nul", zip: .init("a\0b")),
            HostileArchive("NUL after ZIP name", "entry_name_nul", zip: .init("a\0")),
            HostileArchive("backslashes that lead out", "entry_name_backslash", zip: .init("..\\evil")),
            HostileArchive("backslash beside a slash", "entry_name_backslash", zip: .init("a/b\\c")),
            HostileArchive(
                "backslash from DOS", "entry_name_backslash", zip: .init("a\\b").with { $0.madeBy = 20 }),
            HostileArchive(
                "not UTF-8, called UTF-8", "entry_name_unreadable",
                zip: .init([0x61, 0xFF, 0x62], [1]).with { $0.flags = 0x0800 }),
            HostileArchive("pax path that leads out", "entry_escapes_tree", tar: .pax(("path", "../evil")), .init("a")),
            HostileArchive("pax absolute path", "entry_absolute", tar: .pax(("path", "/evil")), .init("a")),
            HostileArchive(
                "GNU long path that leads out", "entry_escapes_tree", tar: .long("../evil", type: "L"), .init("a")),
            HostileArchive(
                "ustar prefix that leads out", "entry_escapes_tree",
                tar: .init("a").with { $0.prefix = Array("..".utf8) }),
            HostileArchive(
                "ustar prefix that is absolute", "entry_absolute", tar: .init("a").with { $0.prefix = Array("/b".utf8) }
            ),
        ]

    private static let links: [HostileArchive] =
        bothLinks("link out", [("l", "../evil")], "link_escapes_tree")
        + bothLinks("link out from below", [("a/l", "../../evil")], "link_escapes_tree")
        + bothLinks("link out and in again", [("l", "../source/a")], "link_escapes_tree")
        + bothLinks("absolute link", [("l", "/etc/passwd")], "link_absolute")
        + bothLinks("link out by a chain", [("a/up", ".."), ("l", "a/up/../evil")], "link_escapes_tree")
        + bothLinks("link out by a link that comes later", [("l", "a/up/../x"), ("a/up", "..")], "link_escapes_tree")
        + bothLinks("link to no name", [("l", "")], "link_target_invalid")
        + bothLinks("link to a long name", [("l", String(repeating: "x/", count: 2100))], "link_target_invalid")
        + bothLinks("two links of one name", [("l", "a"), ("l", "b")], "entry_duplicate")
        + [
            HostileArchive("NUL in ZIP link", "link_target_invalid", zip: .link("l", to: "a\0/../../b")),
            HostileArchive(
                "link that is a megabyte", "link_target_invalid",
                zip: .link("l", to: String(repeating: "x", count: 1 << 20))),
            HostileArchive("through a ZIP link", "entry_through_link", zip: .link("l", to: "a"), .init("l/b")),
            HostileArchive("through a later ZIP link", "entry_conflict", zip: .init("l/b"), .link("l", to: "a")),
            HostileArchive(
                "through a tar link", "entry_through_link", tar: .init("l", type: "2", link: "a"), .init("l/b")),
            HostileArchive(
                "through a tar link, far below", "entry_through_link", tar: .init("l", type: "2", link: "a"),
                .init("l/b/c/d")),
            HostileArchive(
                "folder through a tar link", "entry_through_link", tar: .init("l", type: "2", link: "a"),
                .init("l/b/", type: "5")),
            HostileArchive(
                "link through a tar link", "entry_through_link", tar: .init("l", type: "2", link: "a"),
                .init("l/b", type: "2", link: "c")),
            HostileArchive(
                "through a later tar link", "entry_conflict", tar: .init("l/b"), .init("l", type: "2", link: "a")),
            HostileArchive(
                "folder, then link of its name", "entry_conflict", tar: .init("l/", type: "5"),
                .init("l", type: "2", link: "a")),
            HostileArchive(
                "link, then folder of its name", "entry_conflict", tar: .init("l", type: "2", link: "a"),
                .init("l/", type: "5")),
            HostileArchive(
                "link, then file of its name", "entry_duplicate", tar: .init("l", type: "2", link: "a"), .init("l")),
            HostileArchive(
                "pax link out", "link_escapes_tree", tar: .pax(("linkpath", "../evil")),
                .init("l", type: "2", link: "a")),
            HostileArchive("hard link out", "hard_link_target", tar: .init("h", type: "1", link: "../evil")),
            HostileArchive("absolute hard link", "hard_link_target", tar: .init("h", type: "1", link: "/etc/passwd")),
            HostileArchive(
                "hard link to a later file", "hard_link_target", tar: .init("h", type: "1", link: "a"), .init("a")),
            HostileArchive(
                "hard link to nothing", "hard_link_target", tar: .init("a"), .init("h", type: "1", link: "b")),
            HostileArchive(
                "hard link below a file", "hard_link_target", tar: .init("a"), .init("h", type: "1", link: "a/b")),
            HostileArchive(
                "hard link to a link", "hard_link_target", tar: .init("a"), .init("l", type: "2", link: "a"),
                .init("h", type: "1", link: "l")),
            HostileArchive(
                "hard link through a link", "hard_link_target", tar: .init("d/a"), .init("l", type: "2", link: "d"),
                .init("h", type: "1", link: "l/a")),
            HostileArchive(
                "hard link to a folder", "hard_link_target", tar: .init("d/", type: "5"),
                .init("h", type: "1", link: "d")),
            HostileArchive("hard link to itself", "hard_link_target", tar: .init("h", type: "1", link: "h")),
            HostileArchive(
                "hard link over its file", "entry_duplicate", tar: .init("a"), .init("a", type: "1", link: "a")),
            HostileArchive(
                "pax hard link out", "hard_link_target", tar: .pax(("linkpath", "../evil")),
                .init("h", type: "1", link: "a")),
            HostileArchive(
                "hard link with bytes of its own", "entry_ambiguous", tar: .init("a", "a"), .pax(("size", "3")),
                .init("h", "boo", type: "1", link: "a")),
            HostileArchive(
                "hard link to a left-out file", "hard_link_target", tar: .init(".git/config", "a"),
                .init("h", type: "1", link: ".git/config")),
        ]

    private static let kinds: [HostileArchive] = [
        HostileArchive("character device in tar", "entry_device", tar: .init("d", type: "3")),
        HostileArchive("block device in tar", "entry_device", tar: .init("d", type: "4")),
        HostileArchive("FIFO in tar", "entry_fifo", tar: .init("d", type: "6")),
        HostileArchive("character device in ZIP", "entry_device", zip: .init("d", "", mode: 0o020666)),
        HostileArchive("block device in ZIP", "entry_device", zip: .init("d", "", mode: 0o060666)),
        HostileArchive("FIFO in ZIP", "entry_fifo", zip: .init("d", "", mode: 0o010666)),
        HostileArchive("socket in ZIP", "entry_socket", zip: .init("d", "", mode: 0o140666)),
        HostileArchive("unknown kind in ZIP", "entry_type_unknown", zip: .init("d", "", mode: 0o150666)),
        HostileArchive("GNU multi-volume entry", "entry_type_unknown", tar: .init("d", type: "M")),
    ]

    private static let clashes: [HostileArchive] =
        bothPairs("the same name twice", "a", "a", "entry_duplicate")
        + bothPairs("./a and a", "./a", "a", "entry_duplicate")
        + bothPairs("a//b and a/b", "a//b", "a/b", "entry_duplicate")
        + bothPairs("a/./b and a/b", "a/./b", "a/b", "entry_duplicate")
        + bothPairs("a file used as a folder", "a", "a/b", "entry_conflict")
        + bothPairs("a folder and a file of its name", "a/b", "a", "entry_conflict")
        + [
            HostileArchive("file, then folder, in tar", "entry_conflict", tar: .init("a"), .init("a/", type: "5")),
            HostileArchive(
                "file, then folder, in ZIP", "entry_conflict", zip: .init("a"), .init("a/", "", mode: 0o040755)),
            HostileArchive(
                "folder, then file, in ZIP", "entry_conflict", zip: .init("a/", "", mode: 0o040755), .init("a")),
        ]

    private static let limits: [HostileArchive] =
        both("long name", String(repeating: "n", count: 256), "entry_name_too_long")
        + both("long path", String(repeating: "p/", count: 2100) + "x", "entry_path_too_long")
        + both("deep path", String(repeating: "d/", count: 64) + "x", "entry_too_deep")
        + [
            HostileArchive(
                "long path of dots", "entry_path_too_long", zip: .init(String(repeating: "./", count: 2100) + "x")),
            HostileArchive(
                "pax path of a megabyte", "entry_path_too_long",
                tar: .pax(("path", String(repeating: "p/", count: 250_000))), .init("a")),
        ]

    /// One file of that path, as ZIP and as tar.gz.
    private static func both(_ name: String, _ path: String, _ code: String) -> [HostileArchive] {
        let tar: [PackedTar.Entry] = path.utf8.count > 100 ? [.long(path, type: "L"), .init("a")] : [.init(path)]
        return [
            HostileArchive("\(name) in ZIP", code, zip: .init(path)),
            HostileArchive("\(name) in tar", code, PackedTar(tar).bytes),
        ]
    }

    private static func bothLinks(
        _ name: String, _ links: [(path: String, target: String)], _ code: String
    ) -> [HostileArchive] {
        let tar = links.flatMap { link -> [PackedTar.Entry] in
            let entry = PackedTar.Entry(link.path, type: "2", link: link.target)
            return link.target.utf8.count > 100 ? [.long(link.target, type: "K"), entry] : [entry]
        }
        return [
            HostileArchive("\(name) in ZIP", code, PackedZIP(links.map { .link($0.path, to: $0.target) }).bytes),
            HostileArchive("\(name) in tar", code, PackedTar(tar).bytes),
        ]
    }

    private static func bothPairs(
        _ name: String, _ first: String, _ second: String, _ code: String
    ) -> [HostileArchive] {
        [
            HostileArchive("\(name) in ZIP", code, zip: .init(first), .init(second)),
            HostileArchive("\(name) in tar", code, tar: .init(first), .init(second)),
        ]
    }
}
