import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

/// The settings of a service, as `kettle config` sees them.
@Suite struct ConfigTests {
    private func config(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Command.Ended {
        try await Command.run(
            KettleExecutable.path.string, ["config"] + arguments,
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: environment.map { (.init(stringLiteral: $0.key), $0.value) })))
    }

    /// What `kettle config show` says of each setting.
    private func shown(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> [String: JSONValue] {
        let ended = try await config(["show", "--json"] + arguments, environment: environment)
        #expect(ended.status == 0, "\(ended.errors)")
        let rows = try JSONValue(parsing: Array(ended.output.utf8))["settings"]?.arrayValue ?? []
        return Dictionary(rows.map { ($0["name"]?.stringValue ?? "", $0) }) { one, _ in one }
    }

    private func uncommented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let isSetting = line.wholeMatch(of: /# ([a-z-]+ = .*|\[[a-z.]+\])/) != nil
            return isSetting ? String(line.dropFirst(2)) : String(line)
        }.joined(separator: "\n")
    }

    // MARK: - Documents

    @Test func `the packaged example is the one that kettle prints`() async throws {
        let file = contents(of: Corpus.checkout.appending("packaging/kettle.toml").string)
        #expect(try await config(["example"]).output == file)
    }

    @Test func `the documentation has every setting as kettle describes it`() async throws {
        let document = contents(of: Corpus.checkout.appending("docs/configuration.md").string)
        let reference = try await config(["reference"]).output
        #expect(document.contains(reference))
    }

    @Test func `the example settles nothing as it stands, and everything when uncommented`() async throws {
        let scratch = try ScratchFolder()
        let example = try await config(["example"]).output
        let folder = try scratch.write(["as-is.toml": example, "all.toml": uncommented(example)], to: "etc")
        let standard = try await shown()
        let asIs = try await shown(["--config", folder.appending("as-is.toml").string])
        #expect(asIs == standard)
        #expect(standard.values.allSatisfy { $0["origin"] == "default" })

        let all = try await shown(["--config", folder.appending("all.toml").string])
        #expect(all.keys.contains("oidc.example.issuer"))
        for (name, row) in all {
            #expect(row["origin"]?.stringValue?.contains(" in ") == true, "\(name)")
            // What has a standard value stands at it.
            if let value = standard[name]?["value"]?.stringValue, !["slots", "data-dir"].contains(name) {
                #expect(row["value"]?.stringValue == value, "\(name)")
            }
        }
    }

    @Test func `a limit's standard is the one that holds`() async throws {
        let scratch = try ScratchFolder()
        let example = uncommented(try await config(["example"]).output)
        let limits = try #require(example.split(separator: "[limits]\n").last?.split(separator: "[oidc").first)
        let file = try scratch.write(["kettle.toml": "[limits]\n\(limits)"], to: "etc").appending("kettle.toml")
        let report = { (options: [String]) in
            let ended = try await Command.run(KettleExecutable.path.string, ["doctor", "--json"] + options)
            return try JSONValue(parsing: Array(ended.output.utf8))["limits"]
        }
        let settled = try await report(["--config", file.string])
        #expect(settled?.arrayValue?.count == 10)
        #expect(try await report([]) == settled)
    }

    @Test func `the help of serve has every flag and what is said of it`() async throws {
        let help = try await Command.run(KettleExecutable.path.string, ["serve", "--help"]).output
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        // | `key` | `--flag VALUE` | `VARIABLE` | value | default | help |
        let rows = try await config(["reference"]).output.matches(
            of: /\| `[^`]+` \| `(--[a-z-]+)[^|]*\| `KETTLE_[^|]*\|.*\| ([^|]+) \|\n/)
        #expect(rows.count == (try await shown()).count)
        for row in rows {
            #expect(words.contains(row.output.1))
            if row.output.1 != "--limit" { #expect(words.contains(row.output.2), "\(row.output.1)") }
        }
    }

    // MARK: - Showing

    @Test func `show tells where each value comes from`() async throws {
        let scratch = try ScratchFolder()
        let text = "port = 1\nslots = 3\n[limits]\nmemory = \"1GiB\"\n[oidc.ci]\nissuer = \"https://ci.example\"\n"
        let file = try scratch.write(["kettle.toml": text], to: "etc").appending("kettle.toml").string
        let rows = try await shown(
            ["--config", file, "--limit", "processes=99", "--allow-url", "http://a", "--allow-url", "http://b"],
            environment: ["KETTLE_PORT": "2", "KETTLE_LIMIT_FILES": "5000", "KETTLE_HOST": ""])
        let row = { (value: JSONValue, origin: String) -> [JSONValue?] in [value, .string(origin)] }
        let found = { (name: String) in [rows[name]?["value"], rows[name]?["origin"]] }
        #expect(found("port") == row("2", "KETTLE_PORT"))
        #expect(found("slots") == row("3", "slots in kettle.toml"))
        #expect(found("limits.memory") == row("1GiB", "limits.memory in kettle.toml"))
        #expect(found("limits.files") == row("5000", "KETTLE_LIMIT_FILES"))
        #expect(found("limits.processes") == row("99", "--limit processes"))
        #expect(found("allow-url") == row(["http://a", "http://b"], "--allow-url"))
        #expect(found("host") == row("127.0.0.1", "default"))
        #expect(found("tls-cert") == row(.null, "default"))
        #expect(found("oidc.ci.issuer") == row("https://ci.example", "issuer in [oidc.ci] of kettle.toml"))
        #expect(found("oidc.ci.owner") == row(.null, "default"))
    }

    @Test func `as many builds run at once as the memory has room for`() async throws {
        #expect(try await shown(["--limit", "memory=64TiB"])["slots"]?["value"] == "1")
        let processors = ProcessInfo.processInfo.activeProcessorCount
        #expect(
            try await shown(["--limit", "memory=64MiB"])["slots"]?["value"] == .string("\(max(1, processors / 2))"))
    }

    // MARK: - Checking

    @Test func `check says all that is wrong, and makes nothing`() async throws {
        let scratch = try ScratchFolder()
        let text = """
            prot = 8080
            port = 70000
            slots = "many"
            allow-unconfined = ["network"]
            allow-url = ["nonsense"]
            tls-cert = "/nonexistent/cert.pem"
            tls-key = "/nonexistent/key.pem"
            cargo-vendor = "/nonexistent/crates"
            trust-roots = "/nonexistent/roots"
            data-dir = "/etc/passwd/data"
            [limits]
            memroy = "1GiB"
            [oidc.ci]
            isuer = "https://ci.example"
            jwks-url = "file:///etc/passwd"
            """
        let file = try scratch.write(["kettle.toml": text], to: "etc").appending("kettle.toml").string
        let ended = try await config(
            ["check", "--json", "--config", file], environment: ["KETTLE_LIMIT_PROCESES": "9", "KETTLE_PROT": "1"])
        #expect(ended.status == 1)
        let report = try JSONValue(parsing: Array(ended.output.utf8))
        #expect(report["usable"] == false)
        #expect(report["warnings"] == ["KETTLE_PROT is not a setting; KETTLE_PORT is"])
        let messages = (report["problems"]?.arrayValue ?? []).compactMap { $0["message"]?.stringValue }
        for part in [
            "\"prot\" (in kettle.toml)", "port in kettle.toml is \"70000\"", "slots in kettle.toml is \"many\"",
            "\"network\" (in allow-unconfined in kettle.toml)", "nonsense", "\"/nonexistent/cert.pem\" cannot be read",
            "\"/nonexistent/crates\", and must be a folder", "\"/nonexistent/roots\"",
            "data-dir in kettle.toml is \"/etc/passwd/data\"", "\"limits.memroy\" (in kettle.toml)",
            "\"isuer\" (in [oidc.ci] of kettle.toml)", "jwks-url in [oidc.ci] of kettle.toml is \"file:///etc/passwd\"",
            "\"KETTLE_LIMIT_PROCESES\" (in the environment)", "oidc.ci.scopes is \"\"",
        ] {
            #expect(messages.filter { $0.contains(part) }.count == 1, "\(part): \(messages)")
        }
        #expect(messages.count == 14, "\(messages)")
    }

    @Test func `what can be used is usable, and the data folder is not made`() async throws {
        let scratch = try ScratchFolder()
        let data = scratch.path.appending("a/b/data").string
        let ended = try await config(["check", "--data-dir", data])
        #expect(ended.status == 0)
        #expect(ended.output == "the configuration is usable\n")
        #expect(ended.errors.isEmpty)
        #expect(access(scratch.path.appending("a").string, F_OK) != 0)
    }

    @Test(arguments: [
        (["--tls-cert", "/etc/passwd"], 1, "given together with tls-key"),
        (["--tls-cert", "/etc/passwd", "--tls-key", "/etc/passwd"], 1, "holds no certificate in PEM"),
        (["--tls-cert", "a", "--tls-key", "b", "--tls-generate"], 1, "given without tls-cert and tls-key"),
        (["--hardware-root", "/nonexistent"], 1, "and must be a folder that is there"),
        (["--config", "/nonexistent.toml"], 2, "\"/nonexistent.toml\" cannot be read"),
        (["--host", "0.0.0.0"], 1, "without accounts, whoever reaches 0.0.0.0"),
        (["--host", "0.0.0.0", "--access", "tokens"], 0, "kettle: warning: sources travel in plain text to 0.0.0.0"),
    ])
    func `the exit status tells what check found`(options: [String], status: Int, message: String) async throws {
        let ended = try await config(["check"] + options)
        #expect(ended.status == status)
        #expect(ended.errors.contains(message), "\(ended.everything)")
    }

    @Test func `variables of others are left alone`() async throws {
        let ended = try await config(
            ["check"], environment: ["KETTLE_API": "http://x", "KETTLE_SOMETHING_ELSE": "1", "KETTLE_BENCH": "/b"])
        #expect(ended.errors.isEmpty)
    }
}
