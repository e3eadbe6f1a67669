import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// `kettle submit` before a person, and the commands for builds that there are.
    @Suite struct ClientCommandTests {
        private let scratch: ScratchFolder

        init() throws {
            scratch = try ScratchFolder()
        }

        private func kettle(
            _ arguments: [String], of service: Service, _ environment: [Environment.Key: String] = [:]
        ) async throws -> Command.Ended {
            var variables = environment
            variables["KETTLE_API"] = service.address
            return try await Command.run(
                KettleExecutable.path.string, arguments, in: scratch.path,
                environment: .inherit.updating(variables.mapValues { $0 }))
        }

        private func atTerminal(
            _ arguments: [String], of service: Service, columns: Int = 80, _ environment: [String: String] = [:],
            _ person: (PseudoTerminal) async throws -> Void = { _ in }
        ) async throws -> PseudoTerminal.Ended {
            try await PseudoTerminal.run(
                KettleExecutable.path.string, arguments, columns: columns, in: scratch.path,
                environment.merging(["KETTLE_API": service.address]) { $1 }, person)
        }

        private static let slow = ["submit", "slow", "-o", "out"]

        private func onlyBuild(_ service: Service) async throws -> String {
            let builds = try await service.get("/v1/builds").json()["builds"]?.arrayValue
            #expect(builds?.count == 1)
            return try #require(builds?.first?["build_id"]?.stringValue)
        }

        private func state(_ build: String, _ service: Service) async throws -> String? {
            try await service.get("/v1/builds/\(build)").json()["status"]?.stringValue
        }

        // MARK: - At a terminal

        @Test func `a line writes itself over within the terminal, and each phase leaves one`() async throws {
            let long = String(repeating: "very_", count: 40) + "long"
            var project = Projects.slow(seconds: 1)
            project["src/main.rs"] = "fn \(long)() {}\nfn main() {}\n"
            try scratch.write(project, to: "slow")
            try await Service.run { service in
                let arguments = Self.slow + ["--software-key", service.publicKey.string]
                let ended = try await atTerminal(arguments, of: service, columns: 50)
                #expect(ended.status == 0, "\(ended.screen)")
                #expect(ended.screen.contains("\u{1B}[32m✓\u{1B}[0m build"))
                #expect(ended.screen.contains("\u{1B}[32maccepted\u{1B}[0m: out"))
                let overwritten = ended.screen.components(separatedBy: "\r\u{1B}[K").dropFirst()
                    .map { $0.prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" } }
                    .filter { !$0.contains("\u{1B}") }
                #expect(overwritten.contains { $0.hasPrefix("build  ") })
                #expect(overwritten.allSatisfy { $0.count < 50 }, "\(overwritten)")
                // The build's lines go by.
                #expect(!ended.screen.contains(long))
            }
        }

        @Test func `what a terminal cannot show is not written`() async throws {
            try scratch.write(Projects.hello, to: "slow")
            try await Service.run { service in
                let key = ["--software-key", service.publicKey.string]
                let dumb = try await atTerminal(Self.slow + key, of: service, ["TERM": "dumb"])
                #expect(dumb.status == 0)
                #expect(!dumb.screen.contains("\u{1B}"))
                #expect(dumb.screen.contains("Compiling hello"))
                let plain = try await atTerminal(
                    ["submit", "slow", "-o", "plain"] + key, of: service, ["NO_COLOR": "1"])
                #expect(!plain.screen.contains("\u{1B}[3"))
                #expect(plain.screen.contains("✓ build"))
                let latin = try await atTerminal(
                    ["submit", "slow", "-o", "latin"] + key, of: service,
                    ["LC_ALL": "de_DE.ISO-8859-1", "NO_COLOR": "1"])
                #expect(latin.screen.contains("ok build"))
                #expect(latin.screen.utf8.allSatisfy { $0 < 0x80 })
                let verbose = try await atTerminal(["submit", "slow", "-v", "-o", "all"] + key, of: service)
                #expect(verbose.screen.contains("Compiling hello"))
                #expect(!verbose.screen.contains("\u{1B}[K"))
                let forced = try await kettle(
                    ["submit", "slow", "-o", "forced"] + key, of: service, ["CLICOLOR_FORCE": "1"])
                #expect(forced.output.contains("\u{1B}[32maccepted\u{1B}[0m"))
                #expect(forced.errors.contains("Compiling hello"))
            }
        }

        @Test func `a build that fails shows the end of its output`() async throws {
            try scratch.write(["src/main.rs": "fn main() { nothing }\n"], to: "slow")
            try scratch.write(
                ["Cargo.toml": Projects.manifest("slow"), "Cargo.lock": Projects.lockfile("slow")], to: "slow")
            try await Service.run { service in
                let ended = try await atTerminal(Self.slow, of: service)
                #expect(ended.status == 1)
                #expect(ended.screen.contains("✗\u{1B}[0m build"))
                #expect(ended.screen.contains("cannot find value `nothing`"))
                #expect(ended.screen.contains("kettle: \u{1B}[31merror:\u{1B}[0m"))
            }
        }

        @Test func `Ctrl-C asks, and a second one cancels the build on the service`() async throws {
            try scratch.write(Projects.slow(seconds: 600), to: "slow")
            try await Service.run { service in
                let ended = try await atTerminal(Self.slow, of: service) { terminal in
                    try await terminal.wait(for: "build  ")
                    try terminal.type("\u{3}")
                    try await terminal.wait(for: "Ctrl-C again cancels it")
                    #expect(try await state(onlyBuild(service), service) == "running")
                    try terminal.type("\u{3}")
                }
                #expect(ended.status == 130)
                let build = try await onlyBuild(service)
                #expect(ended.screen.contains("kettle: the build \(build) is cancelled"))
                #expect(!ended.screen.contains("may go on"))
                try await eventually { try await state(build, service) == "failed" }
                #expect(access(scratch.path.appending("out").string, F_OK) != 0)
            }
        }

        @Test func `Enter leaves a build to the service, and no answer goes on watching`() async throws {
            try scratch.write(Projects.slow(seconds: 600), to: "slow")
            try await Service.run { service in
                let ended = try await atTerminal(Self.slow, of: service) { terminal in
                    try await terminal.wait(for: "build  ")
                    try terminal.type("\u{3}")
                    try await terminal.wait(for: "Ctrl-C again cancels it")
                    let before = terminal.screen.count
                    try await eventually { terminal.screen.count > before }
                    try terminal.type("\n")
                }
                #expect(ended.status == 130)
                let build = try await onlyBuild(service)
                #expect(ended.screen.contains("kettle: the build may go on at \(service.address)/v1/builds/\(build)"))
                #expect(try await state(build, service) == "running")
                let cancelled = try await kettle(["cancel", build, "--json"], of: service)
                #expect(cancelled.status == 0, "\(cancelled.everything)")
                #expect(try JSONValue(parsing: Array(cancelled.output.utf8.dropLast()))["status"] == "failed")
            }
        }

        // MARK: - Builds that there are

        @Test func `builds are listed, shown, fetched and verified`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let failed = try #require(try await service.build(Projects.unsupported).buildID)
                let list = try await kettle(["builds"], of: service)
                let lines = list.output.split(separator: "\n")
                #expect(lines.count == 2, "\(list.everything)")
                #expect(lines.first?.hasPrefix("\(failed)  failed ") == true)
                #expect(lines.last?.hasPrefix("\(build)  success   cargo  ") == true)
                #expect(lines.last?.hasSuffix("  source.zip") == true)
                let first = try await kettle(["builds", "-n", "1"], of: service)
                #expect(first.errors == "kettle: more with --before \(failed)\n")
                let second = try await kettle(["builds", "--before", failed, "--json"], of: service)
                let answer = try JSONValue(parsing: Array(second.output.utf8.dropLast()))
                #expect(answer["builds"]?.arrayValue?.first?["build_id"]?.stringValue == build)

                let messages = try await service.get("/v1/builds/\(build)/events").events().messages
                for options in [[], ["-f"]] {
                    let logs = try await kettle(["logs", build] + options, of: service)
                    #expect(logs.status == 0)
                    #expect(logs.output == messages.joined(separator: "\n") + "\n")
                }
                let why = try await kettle(["logs", "--follow", failed], of: service)
                #expect(why.status == 1)
                #expect(why.errors.hasPrefix("kettle: error: "))

                let key = ["--software-key", service.publicKey.string]
                let download = try await kettle(["download", build] + key, of: service)
                #expect(download.status == 0, "\(download.everything)")
                #expect(download.output.hasSuffix("accepted: \(build)\n"))
                let ran = try await Command.run(scratch.path.appending("\(build)/artifacts/hello").string, [])
                #expect(ran.output == "hello\n")
                let stranger = try await kettle(["download", build, "-o", "b.zip", "--json"], of: service)
                #expect(stranger.status == 1)
                let verdict = try JSONValue(parsing: Array(stranger.output.utf8.dropLast()))
                #expect(verdict["bundle"] == "b.rejected.zip")
                #expect(verdict["outcome"] == "rejected")
                #expect(try await kettle(["download", build] + key, of: service).status == 2)

                let late = try await kettle(["cancel", build], of: service)
                #expect(late.status == 1)
                #expect(late.errors.hasPrefix("kettle: error: the build has ended already\n"))
                for command in ["logs", "cancel", "download"] {
                    let none = try await kettle([command, "../health"], of: service)
                    #expect(none.status == 2)
                    #expect(none.errors.hasPrefix("kettle: error: \"../health\" is not the id of a build\n"))
                    let unknown = try await kettle([command, String(repeating: "0", count: 24)], of: service)
                    #expect(unknown.status == 1)
                    #expect(unknown.errors.contains("the service answered 404: there is no build"))
                }
            }
        }

        @Test func `a service's words do not reach the terminal as they are`() async throws {
            let hostile = "evil \u{1B}]0;title\u{7}\u{1B}[2J\u{202E}\r\nkettle: accepted"
            let problem = JSONValue.object(["detail": .string(hostile), "hint": .string(hostile)]).canonicalBytes()
            let id = String(repeating: "a", count: 24)
            let refusal = SubmitTests.http(problem, status: "500 Internal Server Error")
            try await Interceptor.run([.answer(refusal, as: nil)]) { proxy in
                for command in [["cancel", id], ["logs", id], ["builds"], ["download", id]] {
                    let ended = try await Command.run(
                        KettleExecutable.path.string, command + ["--api", "http://127.0.0.1:\(proxy.port)"],
                        in: scratch.path)
                    #expect(ended.status != 0)
                    #expect(ended.everything.contains("evil \\u{1b}"))
                    #expect(
                        !ended.everything.unicodeScalars.contains {
                            "\u{1B}\u{7}\r\u{202E}".unicodeScalars.contains($0)
                        })
                    #expect(!ended.everything.contains("\nkettle: accepted"))
                }
            }
        }

        @Test func `the logs of a build that runs end where it is, or follow it`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let folder = try scratch.write(Projects.slow(seconds: 600), to: "slow")
                let build = try await service.startCompiling(try await Command.packed(folder, as: "source.zip"))
                let logs = try await kettle(["logs", build], of: service)
                #expect(logs.status == 0)
                #expect(logs.output.hasPrefix("Initializing build environment\n"))
                #expect(logs.output.contains("Compiling slow"))
                async let followed = kettle(["logs", "-f", build, "--json"], of: service)
                #expect(try await kettle(["cancel", build], of: service).output == "cancelled: \(build)\n")
                let ended = try await followed
                #expect(ended.status == 2, "a cancelled build says nothing of its source")
                let events = try await service.get("/v1/builds/\(build)/events").events().events
                #expect(ended.output.split(separator: "\n").count == events.count)
            }
        }

        // MARK: - What is sent

        @Test func `what is not as it was committed is said, and sent`() async throws {
            let folder = try scratch.write(Projects.hello, to: "hello")
            @Sendable func git(_ arguments: String...) async throws {
                let identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
                let ended = try await Command.run("git", identity + arguments, in: folder)
                #expect(ended.status == 0, "\(ended.everything)")
            }
            try await git("init", "-q")
            try await git("add", "-A")
            try await git("commit", "-qm", "first")
            try await Service.run { service in
                let arguments = ["submit", "hello", "--software-key", service.publicKey.string, "-o"]
                let clean = try await kettle(arguments + ["clean"], of: service)
                #expect(clean.status == 0, "\(clean.everything)")
                #expect(!clean.errors.contains("not as in commit"))
                try scratch.write(["src/main.rs": "fn main() { println!(\"changed\"); }\n", "new": ""], to: "hello")
                let changed = try await kettle(arguments + ["changed"], of: service)
                #expect(changed.errors.contains("kettle: 2 files are not as in commit "))
                #expect(changed.errors.contains(", and sent as they are here\n"))
                let ran = try await Command.run(scratch.path.appending("changed/artifacts/hello").string, [])
                #expect(ran.output == "changed\n")

                // A copy has another place on the disk and other times, and is what was committed.
                try await git("checkout", "-q", ".")
                try await git("clean", "-qfd")
                _ = try await Command.run("cp", ["-r", "hello", "copy"], in: scratch.path)
                let copy = try await kettle(["submit", "copy", "-o", "c"] + arguments[2...3], of: service)
                #expect(!copy.errors.contains("not as in commit"))
                // What a repository names runs for nobody but those who use git in it.
                let witness = scratch.path.appending("witness").string
                try await git("config", "filter.evil.clean", "touch \(witness); cat")
                try scratch.write(["attributes": "* filter=evil\n"], to: "hello/.git/info")
                _ = try await Command.run("touch", ["Cargo.toml", "src/main.rs"], in: folder)
                let filtered = try await kettle(arguments + ["filtered"], of: service)
                #expect(filtered.status == 0)
                #expect(!filtered.errors.contains("not as in commit"))
                #expect(access(witness, F_OK) != 0)
            }
        }
    }
}
