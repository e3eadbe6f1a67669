import Foundation
import KettleProvenance
import KettleServer
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct RouteTests {
        @Test func `every route answers alike under v1, api and the root`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let routes = [
                    "/health", "/ready", "/openapi.json", "/builds", "/builds/\(build)", "/builds/\(build)/events",
                    "/builds/\(build)/artifacts/hello", "/builds/\(build)/build-config/Cargo.lock",
                    "/builds/\(build)/provenance.json", "/builds/\(build)/evidence.json", "/builds/\(build)/build.log",
                    "/builds/\(build)/bundle.zip", "/builds/\(build)/bundle.tar.gz",
                ]
                for route in routes {
                    let plain = try await service.get(route)
                    #expect(plain.status == 200, "\(route): \(plain.text.prefix(200))")
                    for prefix in ["/v1", "/api"] {
                        let answer = try await service.get(prefix + route)
                        #expect(answer.status == 200, "\(prefix + route)")
                        #expect(answer.body == plain.body, "\(prefix + route)")
                        #expect(answer["Content-Type"] == plain["Content-Type"])
                    }
                }
            }
        }

        @Test func `every path and method of the OpenAPI document is served`() async throws {
            try await Service.run { service in
                let stream = try await service.build(Projects.hello)
                let build = try #require(stream.buildID)
                let digest = try #require(stream.result?["artifacts"]?.arrayValue?.first?["sha256"]?.stringValue)
                let document = try await service.get("/openapi.json")
                #expect(document["Content-Type"]?.hasPrefix("application/json") == true)
                for (path, operations) in try #require(document.json()["paths"]?.objectValue) {
                    let name = path.contains("build-config") ? "Cargo.lock" : "hello"
                    let route = path.replacing("{id}", with: build).replacing("{name}", with: name)
                        .replacing("{digest}", with: digest)
                    for method in operations.keys.subtracting(["parameters", "delete"]) {
                        let answer = try await service.send(method.uppercased(), "/v1" + route)
                        // This service speaks no TLS, and its pages have no file named as the build's.
                        let isMissing = path == "/attestation" || path.hasPrefix("/web/")
                        let expected = isMissing ? 404 : method == "post" ? 415 : 200
                        #expect(answer.status == expected, "\(method) \(path)")
                    }
                }
                #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 204)
            }
        }

        @Test func `the OpenAPI document has every path and method that is served`() async throws {
            try await Service.run { service in
                let paths = try #require(try await service.get("/openapi.json").json()["paths"]?.objectValue)
                for route in HTTPService.routes {
                    let path = route.path.replacing(/:([a-z]+)/) { "{\($0.1)}" }
                    #expect(paths[path]?[route.method.lowercased()] != nil, "\(route)")
                }
            }
        }

        @Test func `a result holds the keys of the contract and nothing else`() async throws {
            try await Service.run { service in
                let nonce = "00112233-4455-6677-8899-aabbccddeeff"
                let stream = try await service.build(Projects.hello, ["nonce": nonce])
                let result = try #require(stream.result)
                #expect(
                    result.keys == [
                        "build_id", "status", "build_system", "artifacts", "build_config", "provenance", "attestation",
                        "attestation_status", "platform", "bundle_url", "duration_ms",
                    ])
                #expect(result["build_system"] == "cargo")
                #expect(result["platform"] == "software")
                #expect(result["attestation_status"] == "success")
                let build = try #require(result["build_id"]?.stringValue)
                #expect(build.count >= 24 && build.allSatisfy { $0.isHexDigit && !$0.isUppercase })
                let artifact = try #require(result["artifacts"]?.arrayValue?.first)
                #expect(artifact.keys == ["name", "sha256", "size", "download_url"])
                #expect(artifact["name"] == "hello")
                #expect(artifact["download_url"]?.stringValue == "/v1/builds/\(build)/artifacts/hello")
                #expect(result["build_config"]?["name"] == "Cargo.lock")
                #expect(result["bundle_url"]?.stringValue == "/v1/builds/\(build)/bundle.zip")

                // The same result, byte for byte, is the build's state from now on.
                let state = try await service.get("/v1/builds/\(build)")
                #expect(try state.json() == result)

                let statement = try await service.get("/v1/builds/\(build)/provenance.json")
                #expect(try statement.json() == result["provenance"])
                let evidence = try await service.get("/v1/builds/\(build)/evidence.json")
                #expect(Data(evidence.body).base64EncodedString() == result["attestation"]?.stringValue)
                // What was signed: the statement's digest and the nonce.
                let signed = try #require(try evidence.json()["evidence"]?["signed_data"]?.stringValue)
                #expect(signed == ContentDigest(of: statement.body).hex + nonce.replacing("-", with: ""))
            }
        }

        @Test func `the build may be waited for, and answered with the bundle`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "source.zip")

                let waited = try await service.post("/v1/build", FormData(source: source))
                #expect(waited.status == 200)
                #expect(try waited.json()["status"] == "success")
                let build = try #require(try waited.json()["build_id"]?.stringValue)
                #expect(waited["Location"] == "/v1/builds/\(build)")

                let bundle = try await service.post(
                    "/v1/build", FormData(source: source), ["Accept": "application/zip"])
                #expect(bundle.status == 200)
                #expect(bundle["Content-Type"] == "application/zip")
                #expect(bundle.body.starts(with: Array("PK".utf8)))

                let other = try await Command.packed(scratch.write(Projects.unsupported, to: "u"), as: "source.zip")
                let failed = try await service.post("/v1/build", FormData(source: other))
                #expect(failed.status == 400)
                let result = try failed.json()
                #expect(result["status"] == "failed")
                #expect(result["error_type"] == "UnsupportedToolchainError")
                #expect(result["code"] == "toolchain.unsupported")
                #expect(result["supported_toolchains"]?.arrayValue?.contains("cargo") == true)
                #expect(result["found_files"] == ["README.md", "main.f90"])
            }
        }

        @Test func `builds are listed newest first, a page at a time`() async throws {
            try await Service.run { service in
                var built: [String] = []
                for _ in 0..<3 {
                    built.append(try #require(try await service.build(Projects.unsupported).buildID))
                }
                func page(_ query: String) async throws -> (ids: [String], next: String?) {
                    let answer = try await service.get("/v1/builds?\(query)")
                    #expect(answer.status == 200)
                    let ids = try answer.json()["builds"]?.arrayValue?.compactMap { $0["build_id"]?.stringValue }
                    return (ids ?? [], try answer.json()["next_before"]?.stringValue)
                }
                let first = try await page("limit=2")
                #expect(first.ids == [built[2], built[1]])
                #expect(first.next == built[1])
                let second = try await page("limit=2&before=\(built[1])")
                #expect(second.ids == [built[0]])
                #expect(second.next == nil)
                for query in ["limit=0", "limit=many", "limit=%2B5", "limit=99999999999999999999", "before=nonsense"] {
                    let answer = try await service.get("/v1/builds?\(query)")
                    #expect(answer.status == 400, "\(query)")
                    #expect(try answer.json()["code"] == "request.bad_parameter")
                }
            }
        }

        @Test func `a page on another origin may call every route, without credentials`() async throws {
            try await Service.run { service in
                let origin = ["Origin": "https://elsewhere.example"]
                let answer = try await service.get("/v1/builds", origin)
                #expect(answer["Access-Control-Allow-Origin"] == "*")
                #expect(answer["Access-Control-Allow-Credentials"] == nil)
                #expect(answer["Access-Control-Expose-Headers"]?.contains("Location") == true)
                let refused = try await service.post("/v1/build/stream", FormData(), origin)
                #expect(refused["Access-Control-Allow-Origin"] == "*")
                let asked = try await service.send(
                    "OPTIONS", "/v1/build/stream",
                    ["Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"])
                #expect((200...204).contains(asked.status))
                #expect(asked["Access-Control-Allow-Methods"]?.contains("POST") == true)
            }
        }

        @Test func `a client that offers HTTP/2 gets every answer`() async throws {
            try await Service.run { service in
                let ended = try await Command.run(
                    "curl",
                    ["-sS", "--max-time", "120", "--http2", "-w", "%{http_code} "]
                        + ["-o", "/dev/null", service.address + "/v1/health"]
                        + ["-o", "/dev/null", service.address + "/v1/builds"])
                #expect(ended.status == 0, "\(ended.everything)")
                #expect(ended.output == "200 200 ")
            }
        }

        @Test func `what is not there is a problem with a code`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let unknown = String(repeating: "0", count: 32)
                for path in [
                    "/v1/builds/\(unknown)", "/v1/builds/\(unknown)/events", "/v1/builds/nonsense",
                    "/v1/builds/..%2f..%2fetc/events", "/v1/builds/\(build)/artifacts/missing",
                    "/v1/builds/\(build)/artifacts/..%2fevents", "/v1/builds/\(build)/artifacts/%2e%2e",
                    "/v1/builds/\(build)/artifacts/hello%00", "/v1/builds/\(build)/build-config/hello",
                    "/v1/builds/\(build)/artifacts/Cargo.lock", "/v1/builds/\(build)/software-key.pem", "/nowhere",
                    "/v1/v1/builds",
                ] {
                    let answer = try await service.get(path)
                    #expect(answer.status == 404, "\(path)")
                    #expect(answer["Content-Type"] == "application/problem+json", "\(path)")
                    let problem = try answer.json()
                    #expect(problem["code"]?.stringValue != nil && problem["detail"]?.stringValue != nil, "\(path)")
                    #expect(!answer.text.contains(service.dataFolder.string))
                }
                for method in ["DELETE", "TRACE", "QUERY", "OPTIONS"] {
                    for (path, allowed) in [
                        ("/v1/health", "GET, HEAD"), ("/builds/\(build)", "GET, HEAD, DELETE"),
                        ("/api/build/stream", "POST"),
                    ] where !allowed.contains(method) {
                        let answer = try await service.send(method, path)
                        #expect(answer.status == 405, "\(method) \(path)")
                        #expect(answer["Allow"] == allowed, "\(method) \(path)")
                    }
                    #expect(try await service.send(method, "/nowhere").status == 404, "\(method)")
                }
            }
        }
    }
}
