import KettleProvenance
import KettleTesting
import Testing

extension EndToEnd {
    /// Sources in which there is nothing to build, or not in a way that could be repeated.
    @Suite struct UnbuildableTests {
        @Test func `a source without a project is told what was found`() async throws {
            try await Service.run { service in
                let stream = try await service.build(Projects.unsupported)

                #expect(stream.isWhole())
                #expect(stream.messages.contains("Detecting project type"))
                #expect(stream.result?["error_type"] == "UnsupportedToolchainError")
                #expect(stream.result?["found_files"] == ["README.md", "main.f90"])
            }
        }

        @Test func `a project without a lockfile is refused`() async throws {
            var project = Projects.hello
            project["Cargo.lock"] = nil
            try await Service.run { [project] service in
                let stream = try await service.build(project)

                #expect(stream.result?["status"] == "failed")
                #expect(stream.result?["code"] == "toolchain.lockfile_missing")
                #expect(stream.result?["hint"]?.stringValue?.isEmpty == false)
            }
        }

        @Test func `files that came with the source are not taken for outputs`() async throws {
            var project = Projects.hello
            for folder in ["target/release", "target/debug"] {
                project["\(folder)/planted"] = "#!/bin/sh\n"
                project["\(folder)/hello"] = "#!/bin/sh\n"
            }
            try await Service.run { [project] service in
                let stream = try await service.build(project)

                #expect(stream.result?["status"] == "success")
                let artifacts = try #require(stream.result?["artifacts"]?.arrayValue)
                #expect(artifacts.map { $0["name"] } == ["hello"])
                let build = try #require(stream.buildID)
                let built = try await service.get("/v1/builds/\(build)/artifacts/hello")
                #expect(built.body.starts(with: [0x7F] + Array("ELF".utf8)))
            }
        }

        @Test func `the build has no network`() async throws {
            var project = Projects.hello
            project["build.rs"] = """
                fn main() {
                    let address = std::env::var("TARGET_ADDRESS").unwrap_or_else(|_| "127.0.0.1:PORT".into());
                    if std::net::TcpStream::connect(&address).is_ok() { panic!("the network is there"); }
                    println!("cargo:warning=no network");
                }
                """
            try await Service.run { [project] service in
                var project = project
                let port = try #require(service.address.split(separator: ":").last)
                project["build.rs"] = project["build.rs"]?.replacing("PORT", with: port)
                let stream = try await service.build(project)

                #expect(stream.result?["status"] == "success")
                #expect(stream.messages.contains { $0.contains("no network") })
            }
        }

        @Test func `control codes of a build do not reach a reader`() async throws {
            var project = Projects.hello
            project["build.rs"] = #"""
                fn main() { println!("cargo:warning=\u{1b}[31mred\u{1b}[0m \u{7}bell \u{202e}turned"); }
                """#
            try await Service.run { [project] service in
                let stream = try await service.build(project)

                let line = try #require(stream.messages.first { $0.contains("red") })
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || $0.value == 0x202E })
            }
        }
    }
}
