import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct PublishedPageTests {
        private let page: PublishedPage

        init() throws {
            page = try PublishedPage()
        }

        private static let progress = [
            "Initializing build environment", "Detecting project type", "Running cargo build --release",
            "Generating provenance", "Creating attestation",
        ]

        @Test func `the page still reads as these tests expect`() throws {
            #expect(page.zipCommand.hasPrefix("curl -X POST -N https://api.kettle.build/v1/build/stream"))
            #expect(page.gitCommand.contains(#"-F "repo_url=https://github.com/owner/repo""#))
            #expect(page.clientExample.hasPrefix("const formData"))
            #expect(page.clientExample.hasSuffix("}"))
            let events = try page.progressEvents.map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(events.map { $0["message"]?.stringValue } == Self.progress)
            #expect(page.responseHeaders.count == 3)
        }

        @Test func `the curl command for a ZIP gives the events that the page shows`() async throws {
            try await Service.run { [page] service in
                let scratch = try ScratchFolder()
                try await Command.pack(
                    scratch.write(Projects.hello, to: "project"), as: scratch.path.appending("source.zip"))
                let command = page.zipCommand.replacing("https://api.kettle.build", with: service.address)

                let ended = try await Command.run("bash", ["-c", command], in: scratch.path)

                try expectPublishedStream(ended.output)
            }
        }

        @Test func `the curl command for a git repository gives the events that the page shows`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("repo", Projects.hello)
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { [page] service in
                    let command = page.gitCommand.replacing("https://api.kettle.build", with: service.address)
                        .replacing("https://github.com/owner/repo", with: repository.url)

                    let ended = try await Command.run("bash", ["-c", command])

                    try expectPublishedStream(ended.output)
                }
            }
        }

        private func expectPublishedStream(_ output: String) throws {
            let stream = try ServerSentEvents(reading: output.utf8)
            #expect(stream.isWhole())
            var rest = stream.messages[...]
            for message in Self.progress {
                let index = try #require(rest.firstIndex(of: message), "\(message) is missing or out of order")
                rest = rest[(index + 1)...]
            }
            let result = try #require(stream.result)
            #expect(result["status"] == "success")
            #expect(result["build_id"]?.stringValue == stream.buildID)
        }

        @Test func `the response headers are those of the page`() async throws {
            try await Service.run { [page] service in
                let scratch = try ScratchFolder()
                let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "source.zip")
                let answer = try await service.post("/v1/build/stream", FormData(source: source))
                for (name, value) in page.responseHeaders {
                    #expect(answer[name] == value)
                }
            }
        }

        @Test(.enabled(if: Browser.isInstalled, "Chromium is not installed"))
        func `the client example runs unchanged on a page of another origin`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("repo", Projects.hello)
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { [page] service in
                    // The script is the page's own, so the repository is changed where the form takes it in.
                    let lines = try await Browser.run(
                        page.clientExample, base: service.address,
                        preparation: """
                            const append = FormData.prototype.append;
                            FormData.prototype.append = function (name, value) {
                                append.call(this, name, value === 'https://github.com/owner/repo' ? '\(repository.url)' : value);
                            };
                            """, until: { $0.hasPrefix("Build result:") })

                    for message in Self.progress {
                        #expect(lines.contains("[info] \(message)"))
                    }
                    let last = try #require(lines.last)
                    let result = try JSONValue(parsing: Array(last.dropFirst("Build result: ".count).utf8))
                    #expect(result["status"] == "success")
                    #expect(!lines.contains { $0.contains("uncaught") })
                }
            }
        }

        @Test(.enabled(if: Browser.isInstalled, "Chromium is not installed"))
        func `the client example reads the end of a build that fails`() async throws {
            try await Service.run { [page] service in
                // github.com/owner/repo does not exist, and need not be reachable.
                let lines = try await Browser.run(
                    page.clientExample, base: service.address, until: { $0.hasPrefix("Build result:") })

                #expect(lines.first == "[info] Initializing build environment")
                #expect(lines.last?.contains(#""error_type":"SourceError""#) == true)
            }
        }
    }
}
