import Testing

@testable import KettleToolchains

@Suite struct LockfileYAMLTests {
    private func read(_ text: String) throws -> LockfileYAML { try LockfileYAML(parsing: Array(text.utf8)) }

    @Test func `what pnpm writes is read`() throws {
        let document = try read(
            """
            lockfileVersion: '9.0'

            settings:
              autoInstallPeers: true

            importers:

              .:
                dependencies:
                  '@scope/x':
                    specifier: ^1.0.0
                    version: 1.10(y@2.0.0)

            packages:

              '@scope/x@1.10':
                resolution: {integrity: sha512-a+b/c==}
                engines: {node: '>=10', npm: "a\\"b"}
                cpu: [x64, arm64]
                bundledDependencies:
                - a
                - 'it''s'
                deprecated: |-
                  Use another: one.
                    Really. # yes

                hasBin: true

              empty@1.0.0: {}
            snapshots:
            """)
        #expect(document["lockfileVersion"] == .text("9.0"))
        #expect(document["importers"]?["."]?["dependencies"]?["@scope/x"]?["version"] == .text("1.10(y@2.0.0)"))
        let package = document["packages"]?["@scope/x@1.10"]
        #expect(package?["resolution"] == .map(["integrity": .text("sha512-a+b/c==")]))
        #expect(package?["engines"] == .map(["node": .text(">=10"), "npm": .text("a\"b")]))
        #expect(package?["cpu"] == .list([.text("x64"), .text("arm64")]))
        #expect(package?["bundledDependencies"] == .list([.text("a"), .text("it's")]))
        #expect(package?["deprecated"] == .text("Use another: one.\n  Really. # yes"))
        #expect(package?["hasBin"] == .text("true"))
        #expect(document["packages"]?["empty@1.0.0"] == .map([:]))
        #expect(document["snapshots"] == .text(""))
    }

    @Test(arguments: [
        ("? 'a key'\n: b: c\n  d: e\nf: g", ["a key", "f"]), ("? key\n:\n  b: c\nf: g", ["key", "f"]),
        ("---\na: b", ["a"]), ("a:\n- b\nc: d", ["a", "c"]), ("a: 'x: y'\n# no\n\nb: \"\\x41\\u00e9\"", ["a", "b"]),
        ("/a@1.0.0(b@2): {}\nregistry.example/a/1.0.0: c", ["/a@1.0.0(b@2)", "registry.example/a/1.0.0"]),
        ("a:\n- b: c\n  d:\n  - e: f\n- {g: h}\ni: j", ["a", "i"]),
        ("a: >-\n  [[ b\n\n  'c\nd: |2\n     * e", ["a", "d"]),
    ])
    func `other forms of the same are read`(text: String, keys: [String]) throws {
        #expect(try read(text).mapValue.map { $0.keys.sorted() } == keys.sorted())
    }

    @Test func `scalars stay what was written`() throws {
        let document = try read("a: 0o12\nb: no\nc: 1.10\nd: ~\ne: 2001-01-01\nf: http://x/y\ng: '>=1 <2 || *'")
        #expect(
            document
                == .map([
                    "a": .text("0o12"), "b": .text("no"), "c": .text("1.10"), "d": .text("~"), "e": .text("2001-01-01"),
                    "f": .text("http://x/y"), "g": .text(">=1 <2 || *"),
                ]))
    }

    @Test(arguments: [
        // Anchors, aliases, tags, directives, merges.
        "a: &x b", "a: *x", "a: !!binary b", "%YAML 1.2", "a: {b: *x}", "a: [&x b]", "<<: *x", "? *x\n: b",
        "<<: {a: b}", "a: {<<: {b: c}}", "- &x a", "'a': &x b", "&x a: b", "a: {'b': !c d}", "a: >-\n  b\nc: *x",
        // What readers differ about.
        "a: b: c", "a: b # c", "a: b\n  c", "a: 'b\n  c'", "a: \"b", "a: {b: c", "a: [b\n]", "a: b\na: c",
        "a: {b: c, b: d}", "1: a\n'1': b", "a: b\n 'c #d': |\n    [[[", "a: {'b':c}", "a: {'b':'c'}",
        "a: {b: {c: d}: e}",
        "\ta: b", "a:\tb", "a: b\r\nb: c", "a: b\n---\nc: d", "a: b\n...", "a: \"\\q\"", "a: \"\\ud800\"",
        "... a: b", "--- a: b", "a: b\u{85}c: d", "a: b\u{2028}c: d", "\u{FEFF}a: b",
        "a: |20\n  b", "a: |1\n b\n  - c\nd", "a: |\n      \n  b: c", "- - a", "-   a", "-   a: |\n  - b", "? - a",
        "? a: b",
        "[a]: b", "{a: b}: c", "[a]", "a: - b", "a: ? b",
        "a:\n    b: c\n  d: e", "  a: b\nc: d", "a: @b", "a: `b", "- a\nb: c", "a", "", "# no", "a:b",
        "a: {b: c}}", "a: [b}", "a: 'b' c", "a: [? b]", "a: [b, -, c]",
    ])
    func `what pnpm does not write is refused`(text: String) {
        #expect {
            try read(text)
        } throws: { error in
            guard let error = error as? LockfileYAML.Malformed else { return false }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
            // What has nothing in it has no line to name.
            return !error.reason.isEmpty
                && error.line.map { $0 >= 1 && $0 <= lines + 1 } ?? ["", "# no"].contains(text)
        }
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", ": ", "[{", "a: ", "- a: ", "'a': [", "&a [", "!!seq ["])
    func `depth without end is refused`(opening: String) {
        // The smaller number is within what one line may have.
        for count in [1000, 100_000] {
            let opened = String(repeating: opening, count: count)
            for text in [opened, "a: " + opened, "a:\n  " + opened, "- " + opened] {
                #expect(throws: LockfileYAML.Malformed.self) { try read(text) }
            }
        }
    }

    @Test(arguments: ["a:", "-", "- a:", "?", "? a", "'a':"])
    func `depth by indents is limited`(line: String) {
        for step in [1, 2, 3] {
            let text = (0..<1000).map { String(repeating: " ", count: step * $0) + line }.joined(separator: "\n")
            #expect(throws: LockfileYAML.Malformed.self) { try read(text) }
        }
    }

    @Test func `aliases of aliases are refused before anything is made of them`() {
        let bomb = (1..<30).map {
            "a\($0): &a\($0) [" + Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ", ") + "]"
        }
        let text = "a0: &a0 x\n" + bomb.joined(separator: "\n")
        #expect(throws: LockfileYAML.Malformed(line: 1, reason: "a string begins with a sign of YAML")) {
            try read(text)
        }
    }

    @Test func `signs in quotes and in texts of their own are no structure`() throws {
        let signs = String(repeating: "[{- ? ", count: 1000)
        let document = try read(
            "a: '\(signs)'\nb: \"\\\"\(signs)\"\nc: |-\n  \(signs)x\nd: x\(signs)x\n# \(signs)\ne: ['it''s [', \"{\"]")
        #expect(
            document
                == .map([
                    "a": .text(signs), "b": .text("\"" + signs), "c": .text(signs + "x"), "d": .text("x\(signs)x"),
                    "e": .list([.text("it's ["), .text("{")]),
                ]))
    }

    @Test func `length and number are limited`() {
        let reasons = [
            "a: " + String(repeating: "b", count: 20_000): "it has a line that is too long",
            String(repeating: "\n", count: 600_000) + "a: b": "it has too many values",
            String(repeating: "- [a,a,a,a,a,a,a,a,a]\n", count: 60_000): "it has too many values",
            "a: b\n" + String(repeating: "# " + String(repeating: "c", count: 10_000) + "\n", count: 1700):
                "it is too long",
        ]
        for (text, reason) in reasons {
            #expect {
                try read(text)
            } throws: {
                ($0 as? LockfileYAML.Malformed)?.reason == reason
            }
        }
    }

    /// The limits hold if nothing is structure for Yams that the guard takes for text.
    @Test func `the guard misses no value of what it lets through`() throws {
        let many = "[" + Array(repeating: "x", count: 30).joined(separator: ", ") + "]"
        let indents = ["", " ", "  ", "    ", "      "]
        let heads = ["a: ", "b:", "'c': ", "- ", "- d: ", "? ", "? e", ": ", "# ", "-   f: ", "'g #h': ", ""]
        let bodies = [
            "", many, "{i: \(many)}", "j", "'k", "\"", "'l'", "|", ">-", "|2", "m #", "...", "\\", "n: ", ",",
            "['o\\', \(many), 'p']", "[\"q\\\", \(many), \"r\"]", "['s''', \(many), 't']", "[u'v, \(many), w']",
            "[x?'y, \(many), z']",
        ]
        let seed = UInt64.random(in: 0 ... .max)
        var random = NodeLockfilesTests.Generator(state: seed)
        var wasRead = 0
        for _ in 0..<100_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                for part in [indents, heads, bodies, Bool.random(using: &random) ? [""] : bodies] {
                    text += part.randomElement(using: &random) ?? ""
                }
                text += "\n"
            }
            var yamlGuard = LockfileYAMLGuard()
            guard (try? yamlGuard.check(text)) != nil, let document = try? read(text) else { continue }
            wasRead += 1
            #expect(Self.values(document) <= 1 + 3 * yamlGuard.signs, "seed \(seed): \(text.debugDescription)")
        }
        #expect(wasRead > 1000, "seed \(seed)")
    }

    private static func values(_ document: LockfileYAML) -> Int {
        switch document {
        case .text: 1
        case .list(let list): list.reduce(1) { $0 + values($1) }
        case .map(let members): members.values.reduce(1 + members.count) { $0 + values($1) }
        }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: LockfileYAML.Malformed.self) { try LockfileYAML(parsing: [0x61, 0x3A, 0x20, 0xFF]) }
    }
}
