import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Synchronization
import SystemPackage
import Testing

extension EndToEnd {
    /// Real projects whose build scripts attack, each through a service of its own: see `Tests/Attacks/README.md`.
    ///
    /// Whatever an attack is about: none of its attempts may succeed, no process of it may be alive afterwards, and nothing of
    /// its workspace may be left.
    @Suite(.enabled(if: isX86, "the attacks make system calls of x86-64 by number"))
    struct AttackTests {
        /// Kept over all attacks: the digests of the toolchain are in it.
        private static let data = Mutex<[ServiceUser: ScratchFolder]>([:])

        @Test(.enabled(if: geteuid() == 0, "not root"), arguments: Attack.all)
        func `an attack on a service that is root is contained`(attack: Attack) async throws {
            try await run(attack, as: .current)
        }

        @Test(arguments: Attack.all)
        func `an attack on a service that is not root is contained`(attack: Attack) async throws {
            try await run(attack, as: .ordinary)
        }

        private func run(_ attack: Attack, as user: ServiceUser) async throws {
            let scratch = try Self.data.withLock { folders in
                if let folder = folders[user] { return folder }
                let folder = try ScratchFolder()
                folders[user] = folder
                return folder
            }
            let host = try AttackedHost()
            var options = ["--slots", "2"] + attack.limits.flatMap { ["--limit", $0] }
            if user == .ordinary { options += ["memory", "disk"].flatMap { ["--allow-unconfined", $0] } }
            try await Service.run(options, data: scratch.path.appending("data"), as: user) { service in
                try host.prepare(service)
                let other = attack.uses("OTHER_WORKSPACE") ? try await runningBuild(service) : nil
                for _ in 0..<(attack.isTwice ? 2 : 1) {
                    host.changeMark()
                    let project = try ScratchFolder()
                    try attack.write(to: project.path, facts: host.facts(service, otherBuild: other))
                    let stream = try await service.build(folder: project.path)
                    try await check(attack, stream, user, service, host, other: other)
                }
                // It would go on beside the next attack.
                if let other { _ = try await service.send("DELETE", "/v1/builds/\(other)") }
            }
            host.close()
        }

        private func runningBuild(_ service: Service) async throws -> String {
            let project = try ScratchFolder()
            let folder = try project.write(Projects.slow(seconds: 600), to: "slow")
            // In the command that does not end: before it there are moments without a control group.
            return try await service.startCompiling(try await Command.packed(folder, as: "slow.zip"))
        }

        // MARK: - What must be so

        private func check(
            _ attack: Attack, _ stream: ServerSentEvents, _ user: ServiceUser, _ service: Service, _ host: AttackedHost,
            other: String?
        ) async throws {
            let isRoot = user == .current && geteuid() == 0
            let result = try #require(stream.result)
            let tail = stream.messages.suffix(20).joined(separator: "\n")
            #expect(stream.isWhole())
            let ending = isRoot ? attack.ending : attack.endingWithoutRoot ?? attack.ending
            switch ending {
            case .success: #expect(result["status"] == "success", "\(result)\n\(tail)")
            case .limit(let limit):
                #expect(result["error_type"] == "LimitExceededError", "\(result)\n\(tail)")
                #expect(result["limit"]?.stringValue == limit, "\(result)")
            case .failure(let code): #expect(result["code"]?.stringValue == code, "\(result)\n\(tail)")
            }
            #expect(!stream.messages.contains { $0.contains("ESCAPED") }, "\(tail)")
            let said = stream.messages.compactMap { Attack.verdict(in: $0) }
            // One that is ended before it could say anything says nothing.
            let isCutShort = !isRoot && attack.endingWithoutRoot != nil
            let verdicts = isRoot ? attack.verdicts : attack.verdictsWithoutRoot ?? (isCutShort ? [] : attack.verdicts)
            #expect(said == verdicts, "\(tail)")
            let codes = CharacterSet(charactersIn: "\u{0}"..."\u{1F}").union(.init(charactersIn: "\u{7F}"..."\u{9F}"))
                .subtracting(.init(charactersIn: "\t"))
            #expect(!stream.messages.contains { $0.unicodeScalars.contains { codes.contains($0) } })

            // However it ended.
            try await eventually { workspaces(service, but: other).isEmpty }
            #expect(processes(with: host.mark).isEmpty)
            let runs = Set(controlGroups(madeBy: service.processID).compactMap { $0.split(separator: "-").last })
            #expect(runs.count == (other != nil && isRoot ? 1 : 0))
            for condition in attack.conditions {
                try await check(condition, stream, result, service, host)
            }
        }

        private func check(
            _ condition: String, _ stream: ServerSentEvents, _ result: JSONValue, _ service: Service,
            _ host: AttackedHost
        ) async throws {
            let words = condition.split(separator: " ").map(String.init)
            let artifacts = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            let build = try #require(stream.buildID)
            if condition == "no connection" {
                #expect(host.connections == 0)
            } else if condition == "host files unchanged" {
                #expect(try host.filesAreUnchanged())
                #expect(try await service.get("/v1/builds").status == 200)
            } else if condition == "bundle verifies" {
                let accepted = try await verify(build, of: service, ["--software-key", service.publicKey.string])
                #expect(accepted.status == 0, "\(accepted.everything)")
            } else if condition == "lockfile as uploaded" {
                let lockfile = try await service.get("/v1/builds/\(build)/build-config/Cargo.lock")
                #expect(lockfile.text == Projects.lockfile("attack"))
            } else if condition.hasPrefix("artifacts are ") {
                let named = condition.dropFirst("artifacts are ".count).split(separator: ",")
                    .map { $0.trimmingCharacters(in: .whitespaces) }
                #expect(artifacts == named)
            } else if condition.hasPrefix("artifact is "), words.count > 4, words[3] == "containing" {
                let answer = try await service.get("/v1/builds/\(build)/artifacts/\(words[2])")
                let text = words.dropFirst(4).joined(separator: " ")
                #expect(answer.body.firstRange(of: Array(text.utf8)) != nil, "\(condition)")
            } else {
                // Those that hold for every attack.
                #expect(
                    ["nothing alive", "workspace gone", "no control codes"].contains(condition),
                    "unknown condition: \(condition)")
            }
        }

        /// Workspaces that are there or mounted.
        private func workspaces(_ service: Service, but other: String?) -> [String] {
            let work = service.dataFolder.appending("work").string
            let names = (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? []
            let mounted = ((try? String(contentsOfFile: "/proc/\(service.processID)/mountinfo", encoding: .utf8)) ?? "")
                .split(separator: "\n").filter { $0.contains(work + "/") }.map(String.init)
            return (names + mounted).filter { name in other.map { !name.contains($0) } ?? true }
        }
    }
}

#if arch(x86_64)
    private let isX86 = true
#else
    private let isX86 = false
#endif
