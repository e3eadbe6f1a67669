import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// What people do on the pages, done with a real browser on a real service with real builds.
    @Suite(.enabled(if: WebDriver.isInstalled, "Chromium and its driver are not installed"))
    struct PageStoryTests {
        @Test func `a repository is built from the page, watched, and found in the list`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("project", Projects.hello)
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    try await WebDriver.run { browser in
                        try await browser.open("\(service.address)/")
                        try await browser.keepScreenshot("home")
                        try await browser.click("#send")
                        try await browser.wait(for: "#say") { $0.hasPrefix("Name a git repository") }
                        try await browser.type(repository.url, into: "#repo_url")
                        try await browser.type("main", into: "#ref")
                        try await browser.click("#send")
                        try await browser.wait(for: "#state") { $0 == "success" }
                        let build = try #require(try await browser.address.split(separator: "/").last.map(String.init))
                        try await browser.wait(for: "#outcome h2")
                        try await browser.wait(for: "#path li[data-phases=attest]") { $0.contains("done") }
                        try await browser.keepScreenshot("built")

                        #expect(try await browser.text("#facts")?.contains("main") == true)
                        let artifact = try await service.get("/v1/builds/\(build)/artifacts/hello")
                        let digest = ContentDigest(of: artifact.body).hex
                        #expect(try await browser.text("#outcome table")?.contains(digest) == true)
                        let commit = try await repository.git("rev-parse", "HEAD")
                        #expect(try await browser.text(".flow")?.contains(commit) == true)
                        let log = try #require(try await browser.text("#log"))
                        #expect(log.contains("Running cargo build --release"))
                        #expect(log.contains("Creating attestation"))
                        try await browser.click("#raw")
                        try await browser.wait(for: "#log") { $0.contains("Finished") && !$0.contains("Creating") }

                        // Its bundle is checked in the browser; whose word counts is for the person to say.
                        try await browser.click("#outcome a.button")
                        try await browser.wait(for: "#outcome") { $0 == "Rejected" }
                        let key = try #require(
                            contents(of: service.log.string).firstMatch(of: /key=([0-9a-f]{64})/)?.1)
                        try await browser.execute("document.querySelector('#questions').open = true")
                        try await browser.type(String(key), into: "#keys")
                        try await browser.click("#check")
                        try await browser.wait(for: "#outcome") { $0 == "Accepted" }
                        try await browser.keepScreenshot("verified")

                        try await browser.open("\(service.address)/builds")
                        try await browser.wait(for: "#builds tbody") { $0.contains("success") }
                        try await browser.type("nothing like it", into: "#filter")
                        try await browser.wait(for: "#filtered") { $0 == "0 of 1 on this page" }
                        try await browser.keepScreenshot("list")
                        #expect(try await browser.errors() == [])
                    }
                }
            }
        }

        @Test func `an archive is uploaded from the page, and a failure says where and why`() async throws {
            let scratch = try ScratchFolder()
            var broken = Projects.hello
            broken["src/main.rs"] = "fn main() { missing_function() }\n"
            let archive = scratch.path.appending("broken.zip")
            try await Data(Command.packed(scratch.write(broken, to: "broken"), as: "broken.zip"))
                .write(to: URL(filePath: archive.string))
            try await Service.run { service in
                try await WebDriver.run { browser in
                    try await browser.open("\(service.address)/")
                    try await browser.click("input[value=archive]")
                    try await browser.type(archive.string, into: "#source")
                    try await browser.click("#send")
                    try await browser.wait(for: "#state") { $0 == "failed" }
                    try await browser.wait(for: "#outcome h2") { $0 == "BuildFailedError" }
                    try await browser.wait(for: "#path li.failed .name") { $0 == "Build" }
                    try await browser.wait(for: "#log") { $0.contains("cannot find function `missing_function`") }
                    try await browser.keepScreenshot("failed")

                    // What the service refuses is said where it was asked for.
                    try await browser.open("\(service.address)/")
                    try await browser.click("input[value=archive]")
                    try await browser.type(
                        scratch.path.appending("broken").appending("Cargo.toml").string, into: "#source")
                    try await browser.click("#send")
                    try await browser.wait(for: "#say.bad") { !$0.isEmpty }
                    #expect(try await browser.address == "\(service.address)/")
                }
            }
        }

        @Test func `a build is cancelled from its page, once it is certain`() async throws {
            let scratch = try ScratchFolder()
            let source = try await Command.packed(
                scratch.write(Projects.slow(seconds: 600), to: "p"), as: "source.zip")
            try await Service.run { service in
                let build = try await service.startCompiling(source)
                try await WebDriver.run { browser in
                    try await browser.open("\(service.address)/builds/\(build)")
                    try await browser.wait(for: "#path li.now .name") { $0 == "Build" }
                    try await browser.click("#cancel")
                    try await browser.wait(for: "#cancel-dialog[open]")
                    try await browser.keepScreenshot("cancel")
                    try await browser.click("#cancel-dialog button[value='']")
                    #expect(try await browser.text("#state") == "running")
                    try await browser.click("#cancel")
                    try await browser.click("#cancel-dialog button[value=cancel]")
                    try await browser.wait(for: "#outcome h2") { $0 == "CancelledError" }
                    #expect(try await browser.text("#state") == "failed")
                    #expect(try await browser.execute("return document.getElementById('cancel').hidden") == true)
                }
            }
        }

        @Test func `a page outlives a restart of its service, and has every event once`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let source = try await Command.packed(
                scratch.write(Projects.slow(seconds: 20), to: "p"), as: "source.zip")
            try await WebDriver.run { browser in
                // Nobody's outgoing connection takes this port while no service has it: the page tries it again and again.
                let chosen = ["--port", "\(LoopbackListener.freePair())"]
                let (build, address) = try await Service.run(chosen, data: data) { service in
                    let build = try await service.startCompiling(source)
                    try await browser.open("\(service.address)/builds/\(build)")
                    try await browser.wait(for: "#log") { $0.contains("Compiling slow") }
                    service.send(SIGKILL)
                    try await eventually { !service.isAlive }
                    return (build, service.address)
                }
                try await browser.wait(for: "#trouble") { $0.contains("connection is lost") }
                let port = try #require(address.split(separator: ":").last.map(String.init))
                try await Service.run(["--port", port], data: data) { service in
                    try await browser.wait(for: "#outcome h2") { $0 == "Artifacts" }
                    #expect(try await browser.text("#trouble") == "")
                    let events = try await service.get("/v1/builds/\(build)/events").events()
                    let shown = try await browser.execute(
                        "return [...document.querySelectorAll('.log-lines li')].map(line => line.textContent)")
                    let lines = events.messages.enumerated().map { JSONValue.string("\($0.offset + 1)\($0.element)") }
                    #expect(shown == .array(lines))
                }
            }
        }

        @Test func `a page keeps up with a hundred thousand lines in little memory`() async throws {
            let scratch = try ScratchFolder()
            let count = 100_000
            var project = Projects.hello
            project["build.rs"] =
                "fn main() { for n in 0..\(count) { println!(\"cargo:warning=line number {n} of many\"); } }\n"
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
            try await Service.run { service in
                let build = try await service.start(FormData(source: source))
                try await WebDriver.run { browser in
                    try await browser.open("\(service.address)/builds/\(build)")
                    try await browser.wait(for: "#state") { $0 == "success" }
                    try await browser.wait(for: "#path li[data-phases=attest]") { $0.contains("done") }
                    // Followed to the last line, with few elements.
                    try await browser.wait(for: "#log") { $0.contains("Creating attestation") }
                    let elements = try await browser.execute("return document.querySelectorAll('*').length")
                        .integerValue
                    #expect(try #require(elements) < 1500)

                    try await browser.type("line number 4711 of many", into: "#find")
                    try await browser.wait(for: "#found") { $0 == "1 of 1" }
                    try await browser.wait(for: "#log mark") { $0 == "line number 4711 of many" }
                    #expect(
                        try await browser.execute("return document.querySelector('#follow').ariaPressed") == "false")
                    try await browser.keepScreenshot("hundred-thousand-lines")

                    try await browser.devTools("HeapProfiler.collectGarbage", [:])
                    let memory = try await browser.execute(
                        "return Math.ceil(performance.memory.usedJSHeapSize / 1e6)"
                    ).integerValue
                    #expect(try #require(memory) < 100)
                    let renderers = processes(with: "--type=renderer").compactMap { privateMegabytes(of: $0) }
                    #expect(try #require(renderers.max()) < 200)
                }
            }
        }

        @Test func `whoever gives the page a token sees what is private, and a stranger does not`() async throws {
            let scratch = try ScratchFolder()
            let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "hello.zip")
            try await Service.run(["--access", "tokens"]) { service in
                let token = try await service.token("alice", ["submit", "read"])
                let stream = try await service.build(
                    FormData(source: source, named: "hello.zip"), ["Authorization": "Bearer \(token)"])
                let build = try #require(stream.buildID)
                try await WebDriver.run { browser in
                    try await browser.open("\(service.address)/builds")
                    try await browser.wait(for: "main") { $0.contains("There is no build here yet") }
                    try await browser.open("\(service.address)/builds/\(build)")
                    try await browser.wait(for: "h1") { $0 == "Not Found" }
                    try await browser.click("details.access summary")
                    try await browser.type(token, into: "#token")
                    try await browser.click("form.access button")
                    try await browser.wait(for: "#outcome h2") { $0 == "Artifacts" }
                    try await browser.wait(for: "#log") { $0.contains("Creating attestation") }
                    try await browser.open("\(service.address)/builds")
                    try await browser.wait(for: "#builds tbody") { $0.contains("hello.zip") }
                    try await browser.type("hello", into: "#filter")
                }
            }
        }

        @Test func `without JavaScript the list, a build's page and its output still read`() async throws {
            let scratch = try ScratchFolder()
            try await Service.run { service in
                let stream = try await service.build(
                    FormData(
                        source: try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "hello.zip"),
                        named: "hello.zip"))
                let build = try #require(stream.buildID)
                let accept = ["Accept": "text/html,application/xhtml+xml"]
                let list = try await service.get("/builds", accept)
                #expect(list["Content-Type"] == "text/html; charset=utf-8")
                #expect(list["Vary"] == "Accept, Authorization")
                #expect(list.text.contains("<a href=\"builds/\(build)\">hello.zip</a>"))
                let page = try await service.get("/builds/\(build)", accept)
                #expect(page.text.contains("Compiling hello v0.1.0"))
                #expect(page.text.contains("href=\"\(build)/artifacts/hello\""))
                // What is sent for the first picture.
                var bytes = page.body.count
                for match in page.text.matches(of: /(?:src|href)="\.\.\/(web\/[^"]*)"/) {
                    bytes += try await service.get("/\(match.1)").body.count
                }
                for name in ["access", "events", "log", "ansi"] {
                    let folder = try #require(page.text.firstMatch(of: /(web\/[0-9a-f]{16}\/)/)).1
                    bytes += try await service.get("/\(folder)\(name).js").body.count
                }
                #expect(bytes < 100_000)

                let missing = try await service.get("/builds/000000000000000000000000", accept)
                #expect(missing.status == 404)
                #expect(missing["Content-Type"] == "text/html; charset=utf-8")
                let badge = try await service.get("/builds/\(build)/badge.svg")
                #expect(badge["Content-Type"] == "image/svg+xml")
                #expect(badge.text.contains(">attested</text>"))
                // An address with a slash behind it would be a folder for what the page refers to.
                for path in ["/builds/\(build)", "/builds", "/v1/verify"] {
                    let moved = try await service.get("\(path)/?limit=3", accept)
                    #expect(moved.status == 308)
                    #expect(moved["Location"] == "../\(path.split(separator: "/").last ?? "")?limit=3")
                }
                // What a page's cancelling asks for leaves alone what has ended meanwhile.
                let refused = try await service.send("DELETE", "/builds/\(build)?unfinished=true")
                #expect(refused.status == 409)
                #expect(try refused.json()["code"] == "build.ended")
                // Programs are answered as before.
                #expect(try await service.get("/builds/\(build)").json()["status"] == "success")
            }
        }
    }
}

/// The memory of a process that nobody else has, in megabytes; nil when it has ended.
private func privateMegabytes(of process: CInt) -> Int? {
    let lines = contents(of: "/proc/\(process)/smaps_rollup").split(separator: "\n")
    let kilobytes = lines.filter { $0.hasPrefix("Private_") }
        .compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
    return kilobytes.isEmpty ? nil : kilobytes.reduce(0, +) / 1000
}
