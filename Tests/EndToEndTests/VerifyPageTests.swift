import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// The page `/verify` of a real service, in headless Chromium, on bundles of real builds.
    @Suite(.enabled(if: Browser.isInstalled, "Chromium is not installed")) struct VerifyPageTests {
        private static let nonce = "00112233445566778899aabbccddeeff"

        /// What `kettle verify --json` says of a file.
        private static func commandLine(_ bundle: [UInt8], _ options: [String]) async throws -> JSONValue {
            let scratch = try ScratchFolder()
            let path = scratch.path.appending("bundle")
            try Data(bundle).write(to: URL(filePath: path.string))
            let ended = try await Command.run(
                KettleExecutable.path.string, ["verify", path.string, "--json"] + options)
            return try JSONValue(parsing: Array(ended.output.utf8))
        }

        private static func fingerprint(_ service: Service, of bundle: [UInt8]) async throws -> String {
            let verdict = try await commandLine(bundle, ["--software-key", service.publicKey.string])
            return try #require(verdict["software_key"]?.stringValue)
        }

        @Test func `a build's bundle gets the command line's verdict, and a file of one's own is told apart`()
            async throws
        {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello, ["nonce": Self.nonce]).buildID)
                let zip = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let tarball = try await service.get("/v1/builds/\(build)/bundle.tar.gz").body
                let binary = try await service.get("/v1/builds/\(build)/artifacts/hello").body
                let key = try await Self.fingerprint(service, of: zip)
                let script = """
                    const field = id => document.getElementById(id);
                    const verdict = async (bundle, own) => {
                      field('answer').replaceChildren();
                      field('binary').value = '';
                      if (own) choose('binary', await file(own));
                      choose('bundle', await file(bundle));
                      await say((await element('#verdict')).textContent);
                      await say(document.querySelector('#own')?.textContent ?? 'nothing');
                    };
                    await verdict('bundle.zip');
                    field('keys').value = '\(key)';
                    field('nonce').value = '\(Self.nonce)';
                    await verdict('bundle.zip', 'hello');
                    await verdict('bundle.tar.gz', 'bundle.zip');
                    field('nonce').value = '\(String(Self.nonce.reversed()))';
                    await verdict('bundle.zip', 'hello');
                    await say('end');
                    """
                let (lines, paths) = try await Browser.visit(
                    "/verify", of: service,
                    files: ["bundle.zip": zip, "bundle.tar.gz": tarball, "hello": binary], script: script
                ) { line, _ in line != "end" }
                try #require(lines.count == 9, "\(lines)")
                let named = ["--software-key", service.publicKey.string, "--nonce"]
                let wanted = [
                    try await Self.commandLine(zip, []), try await Self.commandLine(zip, named + [Self.nonce]),
                    try await Self.commandLine(tarball, named + [Self.nonce]),
                    try await Self.commandLine(zip, named + [String(Self.nonce.reversed())]),
                ]
                for (index, verdict) in wanted.enumerated() {
                    #expect(lines[index * 2] == verdict.canonicalString())
                }
                #expect(
                    wanted.map { $0["outcome"]?.stringValue } == ["rejected", "accepted", "accepted", "rejected"])
                #expect(lines[1] == "nothing")
                #expect(lines[3].contains("Your file is the artifact \"hello\", byte for byte."))
                #expect(lines[5].contains("none of the artifacts"))
                #expect(lines[7].contains("the bundle is not accepted"))
                // The page and its files, and nothing else.
                #expect(paths.allSatisfy { $0 == "/verify" || $0.hasPrefix("/web/") }, "\(paths)")
            }
        }

        @Test func `a bundle is checked with the service gone`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let zip = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let verdict = try await Self.commandLine(zip, [])
                let script = """
                    const bundle = await file('bundle.zip');
                    addEventListener('load', () => say('loaded'));
                    if (document.readyState === 'complete') say('loaded');
                    await signal('gone');
                    choose('bundle', bundle);
                    await say((await element('#verdict')).textContent);
                    """
                let (lines, paths) = try await Browser.visit(
                    "/verify", of: service, files: ["bundle.zip": zip], script: script
                ) { line, signals in
                    guard line == "loaded" else { return false }
                    service.send(SIGKILL)
                    try await eventually { !service.isAlive }
                    signals.send("gone")
                    return true
                }
                #expect(lines.last == verdict.canonicalString())
                #expect(lines.count == 2)
                #expect(paths.allSatisfy { $0 == "/verify" || $0.hasPrefix("/web/") }, "\(paths)")
            }
        }

        private static func uploads(to service: Service) async throws -> Int {
            try await service.get("/metrics").text.split(separator: "\n").count {
                $0.hasPrefix("kettle_http_requests_total") && $0.contains("route=\"/verify\"")
                    && $0.contains("method=\"POST\"")
            }
        }

        @Test(.enabled(if: WebDriver.isInstalled, "chromedriver is not installed"))
        func `what the browser cannot find out, the service is asked for, once the person says so`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let build = try #require(try await service.build(Projects.hello, ["nonce": Self.nonce]).buildID)
                let zip = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let key = try await Self.fingerprint(service, of: zip)
                let wanted = try await Self.commandLine(
                    zip, ["--software-key", service.publicKey.string, "--nonce", Self.nonce])
                let bundle = try scratch.write(zip, to: "bundle.zip").string
                // A browser computes no digests for what comes over plain HTTP from elsewhere.
                try await WebDriver.run(otherName: "elsewhere.test") { browser in
                    try await browser.open(service.address.replacing("127.0.0.1", with: "elsewhere.test") + "/verify")
                    try await browser.execute("document.getElementById('questions').open = true")
                    try await browser.type(key, into: "#keys")
                    try await browser.type(Self.nonce, into: "#nonce")
                    try await browser.type(bundle, into: "#bundle")
                    try await browser.wait(for: "#outcome") { $0 == "Not found out" }
                    let json = "return document.getElementById('verdict').textContent"
                    #expect(try await browser.execute(json).stringValue?.contains("browser.crypto") == true)
                    try await browser.keepScreenshot("verify-offer")
                    #expect(try await Self.uploads(to: service) == 0)
                    try await browser.click("#send")
                    try await browser.wait(for: "#outcome") { $0 == "Accepted" }
                    let said = try await browser.execute(json).stringValue
                    #expect(said == wanted.canonicalString())
                    #expect(try await browser.text(".verdict")?.contains("So says elsewhere.test") == true)
                    #expect(try await Self.uploads(to: service) == 1)
                    try await browser.keepScreenshot("verify-by-service")

                    // A verdict stands beside what it was asked for, and beside nothing else.
                    try await browser.type("0", into: "#nonce")
                    #expect(try await browser.text("#answer") == "")
                }
            }
        }

        @Test(.enabled(if: WebDriver.isInstalled, "chromedriver is not installed"))
        func `a bundle that takes long is stopped, and the next one is checked`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let folder = try scratch.write(["provenance.json": "{}"], to: "slow")
                let large = folder.appending("large").string
                #expect(FileManager.default.createFile(atPath: large, contents: nil))
                try FileHandle(forWritingTo: URL(filePath: large)).truncate(atOffset: 900 << 20)
                let slow = try scratch.write(Array(try await Command.packed(folder, as: "slow.zip")), to: "slow.zip")
                    .string
                let build = try #require(try await service.build(Projects.hello).buildID)
                let zip = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let quick = try scratch.write(zip, to: "quick.zip").string
                try await WebDriver.run { browser in
                    try await browser.open(service.address + "/verify")
                    try await browser.type(slow, into: "#bundle")
                    try await browser.click("#stop")
                    #expect(try await browser.text("#state") == "Stopped. Nothing was found out.")
                    #expect(try await browser.text("#answer") == "")
                    try await browser.type(quick, into: "#bundle")
                    try await browser.wait(for: "#outcome") { $0 == "Rejected" }
                    #expect(try await browser.text("#state")?.contains("quick.zip") == true)
                }
            }
        }

        @Test func `a stranger's words stay text, and a question that is none is said to be`() async throws {
            let hostile = "<img src=x onerror=say('ran')>\u{202E}</script><script>say('ran')</script>"
            let statement: JSONValue = [
                "_type": .string(hostile), "predicateType": "x", "__proto__": ["polluted": true],
                "subject": [["name": .string(hostile), "digest": [:]]],
            ]
            let evidence: JSONValue = ["platform": .string(hostile), "evidence": ["__proto__": ["polluted": true]]]
            let scratch = try ScratchFolder()
            let folder = try scratch.write(
                [
                    "provenance.json": statement.canonicalString(), "evidence.json": evidence.canonicalString(),
                    "artifacts/<b onclick=x>hello": "x", "<script>alert(1)<": "x",
                ], to: "bundle")
            let packed = try await Command.packed(folder, as: "bundle.zip")
            try await Service.run { service in
                let bundle = Array(packed)
                let script = """
                    choose('bundle', new File([await file('bundle')], "<img src=x onerror=say('ran')>.zip"));
                    await say((await element('#verdict')).textContent);
                    const answer = document.getElementById('answer');
                    await say(String(answer.querySelectorAll('img, script, b, [onclick], [onerror]').length));
                    await say(String({}.polluted));
                    await say(answer.textContent);
                    document.getElementById('keys').value = 'no key';
                    document.getElementById('check').click();
                    await say((await element('#state p')).textContent);
                    await say(answer.textContent + document.activeElement.id);
                    await say('end');
                    """
                let (lines, _) = try await Browser.visit(
                    "/verify", of: service, files: ["bundle": bundle], script: script
                ) { line, _ in line != "end" }
                try #require(lines.count == 7, "\(lines)")
                #expect(lines[0] == (try await Self.commandLine(bundle, [])).canonicalString())
                #expect(lines[1] == "0")
                #expect(lines[2] == "undefined")
                #expect(lines[3].contains("<img src=x onerror=say('ran')>\\u{202e}</script>"))
                #expect(lines[4] == "\"no\" is not a fingerprint: 64 hexadecimal digits")
                #expect(lines[5] == "keys")
            }
        }
    }
}
