import KettleProvenance
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// What is asked of a binary cache, and what is fetched by its URL, for graphs of derivations.
@Suite struct DerivationNeedsTests {
    private static let digest = ContentDigest(of: "word".utf8)
    private static let word = StorePath(fixed: digest, isArchive: true, named: "word")
    private static let flat = StorePath(fixed: digest, isArchive: false, named: "flat")

    private static func path(_ name: String) -> StorePath? {
        // 32 characters that the name gives.
        StorePath(base: "\(NixBase32.encode(Array(ContentDigest(of: name.utf8).bytes.prefix(20))))-\(name)")
    }

    private static func derivation(_ name: String) -> StorePath? { path("\(name).drv") }

    private static func output(_ name: String) -> StorePath? {
        name.hasPrefix("word") ? word : name == "flat" ? flat : path(name)
    }

    /// - Parameter derivations: What each needs. Those called "word…" and "flat" are pinned files.
    private func graph(
        _ derivations: [String: [String]], roots: [String] = ["top"], attributes: [String: String] = [:],
        limitInBytes: Int = 1 << 20
    ) throws -> DerivationGraph {
        var files: [String: String] = [:]
        for (name, needed) in derivations {
            let inputs = try needed.map { #"("\#(try #require(Self.derivation($0)).text)",["out"])"# }
            let output = try #require(Self.output(name)).text
            let method = ["word": "r:sha256", "flat": "sha256"][name.prefix(4)]
            let pinned = #""\#(method ?? "")","\#(method == nil ? "" : Self.digest.hex)""#
            let attribute = attributes[name].map { ",\($0)" } ?? ""
            files["nix/store/\(try #require(Self.derivation(name)).base)"] = """
                Derive([("out","\(output)",\(pinned))],[\(inputs.joined(separator: ","))],[],"system",\
                "\(method != nil ? "builtin:fetchurl" : "/bin/sh")",[],[("url","https://words.example/word")\(attribute)])
                """
        }
        let scratch = try ScratchFolder()
        let target = try scratch.write(files, to: "target")
        return try DerivationGraph(
            from: Set(try roots.map { try #require(Self.derivation($0)) }), in: target, limitInBytes: limitInBytes)
    }

    /// - Parameters:
    ///   - present: What the cache has, and what of it needs which others.
    ///   - absent: What the cache does not have; of all others nothing is known yet.
    private func needs(
        _ graph: DerivationGraph, present: [String: [String]] = [:], absent: [String] = [],
        limits: DerivationNeeds.Limits = DerivationNeeds.Limits()
    ) throws -> DerivationNeeds {
        var answers: [StorePath: DerivationNeeds.Answer] = [:]
        for name in absent { answers[try #require(Self.output(name))] = .absent }
        for (name, needed) in present {
            let path = try #require(Self.output(name))
            let text = """
                StorePath: \(path.text)
                URL: nar/\(name)
                Compression: none
                NarHash: sha256:\(ContentDigest(of: name.utf8))
                NarSize: 8
                References: \(try needed.map { try #require(Self.output($0)).base }.joined(separator: " "))

                """
            answers[path] = .present(try #require(NarInfo(parsing: Array(text.utf8))))
        }
        var needs = try DerivationNeeds(of: graph, hasMirror: false, limits: limits)
        // In rounds, and in each of them everything is asked once.
        var unasked: Set<StorePath> = []
        repeat {
            unasked = needs.unasked
            var asked: Set<StorePath> = []
            try needs.follow { path throws(ToolchainError) in
                let isNew = asked.insert(path).inserted
                #expect(isNew || answers[path] == nil)
                return unasked.contains(path) ? answers[path] : nil
            }
        } while needs.unasked != unasked
        return needs
    }

    @Test func `where nothing fetches, no cache is asked`() throws {
        let needs = try needs(try graph(["top": ["a", "b"], "a": ["b"], "b": []]))
        #expect(needs.unasked.isEmpty && needs.substituted.isEmpty && needs.files.isEmpty)
    }

    @Test func `a cache is asked level by level, never for what is built, and never for what needs no fetch`() throws {
        let graph = try graph(["top": ["a", "plain"], "a": ["word"], "plain": [], "word": []])
        #expect(try needs(graph).unasked == [try #require(Self.path("a"))])
        #expect(try needs(graph, absent: ["a"]).unasked == [try #require(Self.word)])
        let built = try needs(graph, absent: ["a", "word"])
        #expect(built.unasked.isEmpty && built.substituted.isEmpty)
        #expect(built.files.values.map(\.digest) == [Self.digest])
        // What it needs at run time is asked for too, whoever made that.
        #expect(try needs(graph, present: ["a": ["a", "other"]]).unasked == [try #require(Self.path("other"))])
        let substituted = try needs(graph, present: ["a": ["a", "other"], "other": []])
        #expect(Set(substituted.substituted.keys.map(\.name)) == ["a", "other"])
        #expect(substituted.unasked.isEmpty && substituted.files.isEmpty)
        #expect(throws: ToolchainError.self) { try needs(graph, present: ["a": ["other"]], absent: ["other"]) }
    }

    @Test func `what must not be substituted is built`() throws {
        let graph = try graph(
            ["top": ["a"], "a": ["word"], "word": []], attributes: ["a": #"("allowSubstitutes","")"#])
        #expect(try needs(graph).unasked == [try #require(Self.word)])
    }

    @Test func `a cache that has something else than a derivation pins is refused`() throws {
        let graph = try graph(["top": ["word"], "word": []])
        // Of the same name as the digest is of, and with another digest.
        #expect(try needs(graph, present: ["word": []]).substituted.count == 1)
        let other = try self.graph(["top": ["word"], "word": []], attributes: ["word": #"("executable","")"#])
        let pinned = ContentDigest(of: "word".utf8).hex
        let actual = ContentDigest(of: "another".utf8)
        let text = """
            StorePath: \(try #require(Self.word).text)
            URL: nar/word
            Compression: none
            NarHash: sha256:\(actual)
            NarSize: 8
            References:

            """
        let info = try #require(NarInfo(parsing: Array(text.utf8)))
        #expect(throws: ToolchainError.checksumMismatch(package: "word", expected: pinned, actual: actual.hex)) {
            var needs = try DerivationNeeds(of: other, hasMirror: false)
            try needs.follow { _ throws(ToolchainError) in .present(info) }
        }
    }

    @Test func `long chains and circles come to an end`() throws {
        var chain = ["top": ["0"], "299": ["word"], "word": []]
        for number in 0..<299 { chain["\(number)"] = ["\(number + 1)"] }
        let all = try needs(try graph(chain), absent: (0..<300).map(String.init) + ["word"])
        #expect(all.files.count == 1)
        let circle = try graph(["top": ["a"], "a": ["b", "word"], "b": ["a"], "word": []])
        #expect(try needs(circle, absent: ["a", "b", "word"]).files.count == 1)
        #expect(throws: ToolchainError.self) { try graph(["top": ["absent"]]) }
    }

    @Test func `what is to be built is not a cache's, by whatever way`() throws {
        let graph = try graph(["a": ["word"], "b": ["c"], "c": ["a"], "word": []], roots: ["a", "b"])
        let refused = ToolchainError.cannotBeFetched(
            package: "a", reason: "it is to be built, and what the binary cache has needs the cache's")
        #expect(throws: refused) { try needs(graph, present: ["c": ["a"], "a": [], "word": []]) }
        #expect(Set(try needs(graph, present: ["c": [], "word": []]).substituted.keys.map(\.name)) == ["c", "word"])
    }

    @Test func `what two derivations pin is had once`() throws {
        let needs = try needs(
            try graph(
                ["top": ["word", "word-2", "a"], "word": [], "word-2": [], "a": ["word"]],
                attributes: ["word-2": #"("allowSubstitutes","")"#]), present: ["word": [], "a": ["word"]])
        #expect(needs.files.count == 1 && needs.substituted.keys.map(\.name) == ["a"])
    }

    @Test func `a limit says which it is`() throws {
        func expectRefusal(_ reason: String, _ body: () throws -> Void) {
            #expect {
                try body()
            } throws: { ($0 as? ToolchainError)?.message.contains(reason) == true }
        }
        let graph = try graph(["top": ["a", "b"], "a": ["word"], "b": ["word"], "word": []])
        let present = ["a": ["other"], "b": ["other"], "other": []]
        expectRefusal("more than 2 store paths") { _ = try needs(graph, present: present, limits: .init(paths: 2)) }
        // Also those that the cache does not have.
        expectRefusal("more than 2 store paths") {
            _ = try needs(graph, absent: ["a", "b", "word"], limits: .init(paths: 2))
        }
        expectRefusal("more than 1 times") { _ = try needs(graph, present: present, limits: .init(references: 1)) }
        expectRefusal("more than 23 bytes") { _ = try needs(graph, present: present, limits: .init(bytes: 23)) }
        #expect(
            try needs(graph, present: present, limits: .init(paths: 3, references: 2, bytes: 24)).substituted.count
                == 3)
        expectRefusal("derivations of more than 300 bytes") {
            _ = try self.graph(["top": ["a"], "a": []], limitInBytes: 300)
        }
        let fetches = { (limit: Duration) in
            try FlakeFetches(graph, try Self.layout(try ScratchFolder()), NixConfiguration(), timeLimit: limit)
        }
        expectRefusal("takes more than 0 s") { _ = try fetches(.zero).steps(round: 0) }
        expectRefusal("nested more than 200 deep") { _ = try fetches(.seconds(60)).steps(round: 200) }
    }

    private static func layout(_ scratch: ScratchFolder) throws -> BuildLayout {
        let folder = try scratch.write(["dependencies/x": "", "inputs/x": ""], to: "layout")
        return BuildLayout(
            source: folder, project: "", target: folder, dependencies: folder.appending("dependencies"),
            inputs: folder.appending("inputs"))
    }

    @Test func `a project's URL has no way to the operator's mirror`() throws {
        let graph = try graph(["top": ["flat"], "flat": []])
        let scratch = try ScratchFolder()
        let configuration = NixConfiguration(hashedMirror: "http://127.0.0.1:1/")
        let steps = try FlakeFetches(graph, try Self.layout(scratch), configuration).steps(round: 0)
        #expect(steps.map { $0.command.network.policy?.endpoints.map(\.name) } == [["127.0.0.1:1"]])
        // Where there is a mirror, nothing is asked for at the URLs that the flake's code chose.
        let other = try self.graph(["top": ["word"], "word": []])
        #expect(throws: ToolchainError.self) {
            try FlakeFetches(other, try Self.layout(ScratchFolder()), configuration).steps(round: 0)
        }
        for (url, isTaken) in [
            ("https://a.example/b", true), ("https://Cache.example/b", false), ("https://github.example./b", false),
            ("https://mirror.example/b", true),
        ] {
            let configuration = NixConfiguration(
                github: "https://github.example/", binaryCacheURL: "https://cache.example/",
                binaryCacheKey: NixCache.standardKey, hashedMirror: "https://mirror.example:8443/")
            #expect((try configuration.publicHost(of: url) != nil) == isTaken, "\(url)")
        }
    }
}
