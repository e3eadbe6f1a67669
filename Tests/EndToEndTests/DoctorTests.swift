import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// What a machine can hold, and what settings make of it.
    @Suite struct DoctorTests {
        private func doctor(
            _ options: [String] = [], environment: [String: String] = [:]
        ) async throws -> (status: Int, report: JSONValue, errors: String) {
            let ended = try await Command.run(
                KettleExecutable.path.string, ["doctor", "--json"] + options,
                environment: .inherit.updating(
                    Dictionary(uniqueKeysWithValues: environment.map { (.init(stringLiteral: $0.key), $0.value) })))
            let report = ended.output.isEmpty ? .null : try JSONValue(parsing: Array(ended.output.utf8))
            return (ended.status, report, ended.errors)
        }

        private func limit(_ name: String, in report: JSONValue) -> String? {
            report["limits"]?.arrayValue?.first { $0["name"]?.stringValue == name }?["value"]?.stringValue
        }

        private func states(_ section: String, in report: JSONValue) -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: (report[section]?.arrayValue ?? []).map {
                    ($0["name"]?.stringValue ?? "", $0["state"]?.stringValue ?? "")
                })
        }

        @Test func `it tells what holds each limit, which toolchains there are, and that there is no trusted hardware`()
            async throws
        {
            let allowed = geteuid() == 0 ? [] : ["--allow-unconfined", "memory", "--allow-unconfined", "disk"]
            let (status, report, errors) = try await doctor(allowed)
            #expect(status == 0, "\(report) \(errors)")
            #expect(report["ready"] == true)
            #expect(report["problems"] == [])
            let limits = states("limits", in: report)
            #expect(
                Set(limits.keys) == [
                    "wall clock", "processor time", "memory", "processes", "disk", "files", "open files",
                    "output bytes",
                    "output lines", "artifact bytes",
                ])
            #expect(limits.values.allSatisfy { ["held", "watched"].contains($0) })
            let confinement = states("confinement", in: report)
            #expect(confinement["namespaces"] == "held")
            #expect(confinement["system calls"] == "held")
            #expect(confinement["start and end"]?.hasSuffix(" ms") == true)
            #expect(states("toolchains", in: report)["cargo"] == "ready")
            let attestation = states("attestation", in: report)
            #expect(attestation["software"] == "ready")
            for platform in ["sev-snp", "tdx", "az-snp", "az-tdx"] {
                #expect(["ready", "absent"].contains(attestation[platform] ?? "missing"), "\(platform)")
            }
            // Nothing is left of what was tried.
            #expect(!contents(of: "/proc/self/mountinfo").contains("kettle-doctor"))
        }

        @Test func `a person gets a table, and the exit status`() async throws {
            let ended = try await Command.run(KettleExecutable.path.string, ["doctor", "--limit", "memory=4GiB"])
            #expect(ended.output.contains("\nlimits\n"))
            #expect(ended.output.contains("4294967296 bytes"))
            #expect(!ended.output.contains("\u{1B}"))
        }

        @Test func `flags win over the environment, and that over the file`() async throws {
            let scratch = try ScratchFolder()
            let text = "port = 8081\n\n[limits]\nmemory = \"1GiB\"\nprocesses = 100\nwall-clock = \"10min\"\n"
            let file = try scratch.write(["kettle.toml": text], to: "etc").appending("kettle.toml")
            let environment = [
                "KETTLE_CONFIG": file.string, "KETTLE_LIMIT_PROCESSES": "200", "KETTLE_LIMIT_MEMORY": "2GiB",
            ]
            let (_, report, _) = try await doctor(["--limit", "memory=3 GiB"], environment: environment)
            #expect(limit("memory", in: report) == "\(3 << 30) bytes")
            #expect(limit("processes", in: report) == "200 at one time")
            #expect(limit("wall clock", in: report) == "600 s")
            #expect(limit("output lines", in: report) == "1000000")
            let (_, other, _) = try await doctor(["--config", file.string])
            #expect(limit("memory", in: other) == "\(1 << 30) bytes")
        }

        @Test(
            arguments: [
                ("nonsense = 1\n", "there is no setting \"nonsense\" (in kettle.toml)"),
                ("[limits]\nmemroy = \"1GiB\"\n", "there is no setting \"limits.memroy\" (in kettle.toml)"),
                ("port = \"many\"\n", "port in kettle.toml is \"many\""),
                ("port = 70000\n", "port in kettle.toml is \"70000\""),
                ("port = true\n", "port in kettle.toml"),
                ("slots = [\"1\", \"2\"]\n", "slots in kettle.toml is \"1 2\""),
                ("[limits]\nmemory = \"1 bushel\"\n", "limits.memory in kettle.toml is \"1 bushel\""),
                ("[limits]\nmemory = \"1kB\"\n", "and must be a size such as 512MiB"),
                ("[limits]\nwall-clock = \"9999999999999999999h\"\n", "and must be a time such as 90s"),
                ("port = \n", "kettle.toml, line 1"),
                ("allow-unconfined = [\"network\"]\n", "there is no setting \"network\""),
            ])
        func `a file that cannot be used is named with the place`(text: String, message: String) async throws {
            let scratch = try ScratchFolder()
            let file = try scratch.write(["kettle.toml": text], to: "etc").appending("kettle.toml")
            let ended = try await Command.run(KettleExecutable.path.string, ["serve", "--config", file.string])
            #expect(ended.status == 2)
            #expect(ended.output.isEmpty)
            #expect(ended.errors.hasPrefix("kettle: error: "), "\(ended.errors)")
            #expect(ended.errors.contains(message), "\(ended.errors)")
        }

        @Test(
            arguments: [
                (["--limit", "memory"], "there is no setting \"memory\" (in --limit NAME=VALUE)"),
                (["--limit", "patience=1h"], "there is no setting \"patience=1h\""),
                (["--limit", "memory=1GiB", "--limit", "memory=2GiB"], "--limit memory is \"1GiB 2GiB\""),
                (["--port", "-1"], "--port"),
                (["--config", "/nonexistent.toml"], "\"/nonexistent.toml\" cannot be read"),
                (["--slots", "0"], "--slots is \"0\", and must be a number from 1 to 1024"),
            ])
        func `an option that cannot be used is named`(options: [String], message: String) async throws {
            let ended = try await Command.run(KettleExecutable.path.string, ["serve"] + options)
            #expect(ended.status != 0)
            #expect(ended.errors.contains(message), "\(ended.errors)")
        }

        @Test func `a limit in the environment that there is not is an error`() async throws {
            let (status, _, errors) = try await doctor(environment: ["KETTLE_LIMIT_MEMROY": "1GiB"])
            #expect(status == 2)
            #expect(errors.contains("there is no setting \"KETTLE_LIMIT_MEMROY\""))
            #expect(errors.contains("KETTLE_LIMIT_MEMORY"))
        }

        @Test func `a service that cannot hold its limits does not start, and says why and what to do`() async throws {
            await #expect {
                try await Service.run(as: .ordinary) { _ in }
            } throws: { error in
                let said = "\(error)"
                return said.contains("this machine cannot fully confine builds")
                    && said.contains("disk is only watched")
                    && said.contains("--allow-unconfined disk")
            }
        }

        @Test func `a limit of the operator's ends a build by name and value`() async throws {
            try await Service.run(["--limit", "wall-clock=2s"]) { service in
                let stream = try await service.build(Projects.slow(seconds: 60))
                #expect(stream.isWhole())
                #expect(stream.result?["error_type"] == "LimitExceededError")
                #expect(stream.result?["code"] == "sandbox.limit_exceeded")
                #expect(stream.result?["limit"] == "wall clock")
                #expect(stream.result?["limit_value"] == "2 s")
                let build = try #require(stream.buildID)
                #expect(try await service.get("/v1/builds/\(build)/build.log").status == 200)
            }
        }
    }
}
