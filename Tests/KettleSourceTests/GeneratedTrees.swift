import Foundation
import Glibc
import SystemPackage
import Testing

@testable import KettleSource

/// Folders that are as odd as Linux and git allow, from a seed.
struct GeneratedTrees {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(state: seed) }

    /// Names that sort differently as text, as bytes, and as folders; that shells, Windows and terminals choke on; no text.
    private static let names: [[UInt8]] =
        [
            "a", "a.b", "a-", "a0", "a b", "A", "z", "a.c", "-rf", "--", "~", "*", "?", "[a]", "$(x)", "`x`", "\"", "'",
            "\\",
            "a\\b", " lead", "trail ", "tab\t", "line\nbreak", "return\r", "\u{1B}[31m", "\u{E9}", "e\u{301}",
            "\u{1F600}", "b\u{FC}cher", "\u{202E}txt", "con", "NUL", "a:b", "a;b", "a&b", "a|b", "a<b", "a>b", "...",
            "..a",
            ".a", "%2e", "#", "!", "a=b", "a,b", "a+b", "a@b", "{a}", "git", ".gitx", "gitmodules",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xFE, 0x61], [0x61, 0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0x01],
            [0x7F], [UInt8](repeating: 0x6C, count: 255), [UInt8](repeating: 0xE9, count: 254),
        ]

    mutating func write(to folder: FilePath) throws {
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        // A folder without files is no entry of git's, and would not be compared.
        try file(FileName("always".utf8), in: descriptor)
        try fill(descriptor, depth: 0)
    }

    private mutating func fill(_ folder: CInt, depth: Int) throws {
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let name = FileName(Self.names.randomElement(using: &generator) ?? [])
            var status = stat()
            let isTaken = name.withCString { fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
            if isTaken { continue }
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5: try file(name, in: folder)
            case 5..<7:
                let targets: [[UInt8]] = Self.names + [Array("../..".utf8), Array("/nowhere".utf8), Array("a/b".utf8)]
                let target = FileName(targets.randomElement(using: &generator) ?? [])
                let made = target.withCString { target in name.withCString { symlinkat(target, folder, $0) } }
                try #require(made == 0)
            default:
                guard depth < 4 else { continue }
                try #require(name.withCString { mkdirat(folder, $0, 0o755) } == 0)
                let child = name.withCString { openat(folder, $0, O_RDONLY | O_DIRECTORY) }
                try #require(child >= 0)
                defer { close(child) }
                try fill(child, depth: depth + 1)
            }
        }
    }

    private mutating func file(_ name: FileName, in folder: CInt) throws {
        let modes: [mode_t] = [0o644, 0o755, 0o600, 0o700, 0o444, 0o654]
        let file = name.withCString { openat(folder, $0, O_WRONLY | O_CREAT | O_EXCL, 0o600) }
        try #require(file >= 0)
        defer { close(file) }
        let size = [0, 1, 20, 4096, 70_000].randomElement(using: &generator) ?? 0
        let content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try #require(Glibc.write(file, content, content.count) == content.count)
        try #require(fchmod(file, modes.randomElement(using: &generator) ?? 0o644) == 0)
    }
}

/// Sebastiano Vigna's SplitMix64: the same numbers from the same seed everywhere.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
