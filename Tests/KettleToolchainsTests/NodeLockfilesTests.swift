import Foundation
import KettleProvenance
import KettleTesting
import KettleToolchains
import SystemPackage
import Testing

/// Lockfiles of other people's projects.
@Suite(.timeLimit(.minutes(30)))
struct NodeLockfilesTests {
    private struct Expected: Decodable {
        var version: String
        var packages: Int
    }

    private func expected() throws -> [String: Expected] {
        let file = NodeCorpus.lockfiles.appending("expected.json").string
        return try JSONDecoder().decode([String: Expected].self, from: Data(contentsOf: URL(filePath: file)))
    }

    private func read(_ path: String) throws -> [UInt8] {
        let file = NodeCorpus.lockfiles.appending("files").appending(FilePath(path).components)
        return Array(try Data(contentsOf: URL(filePath: file.string)))
    }

    @Test(.enabled("needs PyPI") { await NodeCorpus.hasLockfiles })
    func `real lockfiles pin what another reader counts in them`() throws {
        let expected = try expected()
        #expect(expected.count >= 18)
        for (path, count) in expected {
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            let packages = try NodeLockfiles.packages(in: try read(path), named: name)
            #expect(packages.count == count.packages, "\(path)")
            #expect(packages.allSatisfy { $0.digest["sha512"]?.count == 128 })
        }
        #expect(Set(expected.values.map(\.version)) == ["2", "3", "9.0"])
    }

    @Test(.enabled("needs npm and Debian's packages") { await NodeCorpus.isAvailable })
    func `lockfiles that npm writes here pin every package once`() throws {
        for (project, count) in [("bundled", 5), ("glob", 8), ("semver", 1), ("workspace", 3)] {
            let file = NodeCorpus.project(project).appending("package-lock.json")
            let bytes = Array(try Data(contentsOf: URL(filePath: file.string)))
            #expect(try NodeLockfiles.packages(in: bytes, named: "package-lock.json").count == count, "\(project)")
        }
    }

    /// What a lockfile becomes when anybody may change it: read, or refused with a reason; never anything else.
    @Test(arguments: ["package-lock.json", "pnpm-lock.yaml"])
    func `a lockfile that was changed anywhere is read or refused`(name: String) throws {
        let folder = Corpus.checkout.appending("Fuzzing").appending(
            name == "pnpm-lock.yaml" ? "fuzz-pnpm-lock" : "fuzz-npm-lock")
        let seeds = try FileManager.default.contentsOfDirectory(atPath: folder.appending("seeds").string).sorted()
        let words = try String(contentsOfFile: folder.appending("dictionary").string, encoding: .utf8)
            .split(separator: "\n").map { Array($0.dropFirst().dropLast().utf8) }
        let seed = UInt64.random(in: 0 ... .max)
        var random = Generator(state: seed)
        var (wasRead, wasRefused) = (0, 0)
        for seedFile in seeds {
            let path = folder.appending("seeds").appending(seedFile).string
            let original = Array(try Data(contentsOf: URL(filePath: path)))
            #expect(try !NodeLockfiles.packages(in: original, named: name).isEmpty, "\(seedFile)")
            for _ in 0..<1500 {
                var changed = original
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0..<changed.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: changed[place] = UInt8.random(in: 0 ... .max, using: &random)
                    case 1: changed.remove(at: place)
                    case 2: changed.insert(contentsOf: words.randomElement(using: &random) ?? [], at: place)
                    default:
                        let end = min(changed.count, place + 40)
                        changed.insert(contentsOf: changed[place..<end], at: place)
                    }
                }
                do throws(ToolchainError) {
                    let packages = try NodeLockfiles.packages(in: changed, named: name)
                    wasRead += 1
                    for package in packages {
                        let uri = package.uri ?? ""
                        #expect(PackageURL(parsing: uri)?.text == uri, "seed \(seed): \(uri)")
                    }
                } catch {
                    wasRefused += 1
                    #expect(!error.message.isEmpty, "seed \(seed)")
                }
            }
        }
        #expect(wasRead > 0 && wasRefused > 0, "seed \(seed)")
    }

    /// xorshift64*: the same inputs again for a printed seed.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            if state == 0 { state = 1 }
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return state &* 2_685_821_657_736_338_717
        }
    }
}
