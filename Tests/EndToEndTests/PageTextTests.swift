import Foundation
import KettleProvenance
import KettleStore
import KettleTesting
import Testing

@testable import KettleServer

extension EndToEnd {
    /// Whatever a stranger wrote is text on the pages, and nothing else.
    @Suite(.enabled(if: WebDriver.isInstalled, "Chromium and its driver are not installed"))
    struct PageTextTests {
        /// Ends text, an attribute and a script's string. The accent makes one character of the quotation mark and itself, for
        /// whoever looks at characters and not at what a browser reads.
        private static let attack = "\"\u{301}'><img src=x onerror=attacked()><script>attacked()</script>&lt;b&gt;"

        /// How many elements the attack made of a page, and whether it stands there as text.
        private static let look = """
            return arguments[0].map(html => {
              const page = new DOMParser().parseFromString(html, 'text/html');
              const made = page.querySelectorAll('img[src=x], script:not([src]), [onerror]').length;
              const values = [...page.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => a.value));
              return [made, page.documentElement.textContent.includes(arguments[1]) || values.some(v => v.includes(arguments[1]))];
            })
            """

        @Test func `every text of a build's result stays text on its page`() async throws {
            let scratch = try ScratchFolder()
            var project = Projects.hello
            project["kettle.toml"] = "toolchain = \"cargo\"\n"
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "hello.zip")
            let results = try await Service.run { service in
                let built = try await service.build(FormData(source: source, named: "hello.zip"))
                let refused = try await service.build(
                    FormData(
                        source: try await Command.packed(scratch.write(Projects.unsupported, to: "u"), as: "u.zip")))
                return try [built, refused].map { try #require($0.result) }
            }
            var pages: [JSONValue] = [], places: [String] = []
            func add(_ place: String, _ record: BuildRecord) throws {
                let page = BuildPage(
                    of: record, isQueued: false, address: "http://127.0.0.1", takesTokens: true, graph: nil,
                    logTail: nil)
                places.append(place)
                pages.append(.string(try PageTemplates.render("build.mustache", page)))
            }
            var shown: Set<String> = []
            for result in results {
                for (place, changed) in Self.attacked(result) where shown.insert(place).inserted {
                    var record = Self.record
                    record.state = result["status"] == "success" ? .success : .failed
                    record.result = changed.canonicalBytes()
                    try add(place, record)
                }
            }
            for (place, change) in Self.recordFields {
                var record = Self.record
                change(&record)
                try add(place, record)
            }
            let answers = try await WebDriver.run { browser in
                // The page that a browser begins with takes no HTML from scripts.
                try await browser.open("about:blank")
                return try await browser.execute(Self.look, .array(pages), .string(Self.attack))
            }
            var asText: Set<String> = []
            for (place, answer) in zip(places, try #require(answers.arrayValue)) {
                #expect(answer.arrayValue?.first?.integerValue == 0, "\(place)")
                if answer.arrayValue?.last == true { asText.insert(place) }
            }
            #expect(answers.arrayValue?.count == places.count)
            // The attack was there to be seen, in each of what a page shows.
            #expect(
                asText.isSuperset(of: [
                    "source", "ref", "buildSystem", "error", "error_type", "code", "hint", "artifacts.name",
                    "provenance.predicate.buildDefinition.resolvedDependencies.uri",
                    "provenance.predicate.buildDefinition.resolvedDependencies.annotations.version",
                    "provenance.predicate.buildDefinition.internalParameters.commands.arguments",
                    "provenance.predicate.runDetails.builder.id",
                ]), "\(asText.sorted())")
        }

        @Test func `a build that tries every place at once stays text, live and in the list`() async throws {
            let scratch = try ScratchFolder()
            var project = Projects.hello
            project["build.rs"] = """
                fn main() {
                    println!("cargo:warning=<img src=x onerror=attacked()>");
                    println!("cargo:warning=\\x1b[31m<script>attacked()</script>\\x1b[0m");
                    println!("cargo:warning=\\u{202e}turned");
                }

                """
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
            let name = "<img src=x onerror=attacked()>.zip"
            try await Service.run { service in
                let build = try await service.start(FormData(source: source, named: name))
                try await WebDriver.run { browser in
                    for page in ["builds/\(build)", "builds"] {
                        try await browser.open("\(service.address)/\(page)")
                        try await browser.wait(for: page == "builds" ? "#builds" : "#outcome h2")
                        let made = try await browser.execute(
                            "return document.querySelectorAll('img[src=x], script:not([src]), [onerror]').length")
                        #expect(made == 0)
                        #expect(try await browser.text("main")?.contains(name) == true)
                    }
                    try await browser.open("\(service.address)/builds/\(build)")
                    try await browser.wait(for: "#log") { $0.contains("<script>attacked()</script>") }
                    #expect(try await browser.text("#log")?.contains("\u{202e}") == false)
                    try await browser.click("#raw")
                    try await browser.wait(for: "#log") { $0.contains("turned") && !$0.contains("Creating") }
                    #expect(try await browser.text("#log")?.contains("\u{202e}") == false)
                    // Cargo takes colours out of what it passes on; other tools do not.
                    let runs = try await browser.execute(
                        """
                        const scripts = [...document.scripts].map(script => script.src);
                        return import(new URL('ansi.js', scripts[0])).then(ansi => ansi.runs(arguments[0]).runs);
                        """, "a\u{1B}[1;31m<b>\u{1B}[0m\u{1B}[?25l\u{1B}(B\u{1B}]0;title\u{7}\u{202E}c")
                    #expect(
                        runs == [
                            ["text": "a", "classes": ""], ["text": "<b>", "classes": "ansi-1 ansi-bold"],
                            ["text": "\u{FFFD}c", "classes": ""],
                        ])
                    #expect(try await browser.errors() == [])
                }
            }
        }

        // MARK: - Attacks

        private static let record = BuildRecord(
            id: BuildID("b4f55bd91a0978cbfd91c457") ?? BuildID(), source: "hello.zip", ref: nil, createdAt: 0)

        private static let recordFields: [(String, @Sendable (inout BuildRecord) -> Void)] = [
            ("source", { $0.source = attack }), ("ref", { $0.ref = attack }),
            ("buildSystem", { $0.buildSystem = attack }),
        ]

        /// A value with the attack in the place of one text, for each text, by where it stands; those of a list count as one.
        private static func attacked(_ value: JSONValue, at place: String = "") -> [(String, JSONValue)] {
            switch value {
            case .string: [(place, .string(attack))]
            case .array(let values):
                values.enumerated().flatMap { index, element in
                    attacked(element, at: place).map { found, changed in
                        var copy = values
                        copy[index] = changed
                        return (found, .array(copy))
                    }
                }
            case .object(let members):
                members.keys.sorted().flatMap { key in
                    attacked(members[key] ?? .null, at: place.isEmpty ? key : "\(place).\(key)").map { found, changed in
                        (found, .object(members.merging([key: changed]) { $1 }))
                    }
                }
            default: []
            }
        }
    }
}
