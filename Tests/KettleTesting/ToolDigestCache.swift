import Foundation
import SystemPackage

/// The digests of this machine's toolchains, which each service of a test would otherwise compute for itself: gigabytes, beside
/// whatever the test is about. A service takes a digest from here only for a file in the state in which it was hashed.
enum ToolDigestCache {
    private static let folder = Corpus.checkout.appending(".build").appending("tool-digests")

    /// Gives a data folder that is to be made the digests that are known.
    static func lend(to data: FilePath) {
        let cache = data.appending("cache")
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: folder.string),
            !files.fileExists(atPath: data.string),
            (try? files.createDirectory(
                atPath: cache.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])) != nil
        else { return }
        try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: data.string)
        for name in names where name.hasSuffix("-digests") {
            try? files.copyItem(atPath: folder.appending(name).string, toPath: cache.appending(name).string)
        }
    }

    /// Keeps what a service has computed.
    static func take(from data: FilePath) {
        let cache = data.appending("cache")
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: cache.string)) ?? [] where name.hasSuffix("-digests") {
            guard let learnt = files.contents(atPath: cache.appending(name).string),
                learnt.count > files.contents(atPath: folder.appending(name).string)?.count ?? 0
            else { continue }
            try? files.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
            // Whole or not at all: tests run at the same time.
            try? learnt.write(to: URL(filePath: folder.appending(name).string), options: .atomic)
        }
    }
}
