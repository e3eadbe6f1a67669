import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// `kettle submit` against live services, and against what stands between.
    @Suite struct SubmitTests {
        private let scratch: ScratchFolder
        private static let generated = ["--tls-generate"]

        init() throws {
            scratch = try ScratchFolder()
            try scratch.write(Projects.hello, to: "hello")
        }

        private func submit(
            _ source: String = "hello", to port: Int, scheme: String = "https", _ more: [String]
        ) async throws -> Command.Ended {
            try await Command.run(
                KettleExecutable.path.string,
                ["submit", source, "--api", "\(scheme)://127.0.0.1:\(port)", "-o", "out"] + more, in: scratch.path)
        }

        private func attested(_ service: Service) -> [String] {
            ["--require-attestation", "--software-key", service.publicKey.string]
        }

        private func builds(_ service: Service) async throws -> Int? {
            try await service.get("/v1/builds").json()["builds"]?.arrayValue?.count
        }

        private func exists(_ name: String) -> Bool { access(scratch.path.appending(name).string, F_OK) == 0 }

        // MARK: - What goes well

        @Test func `a service whose key is attested to builds, and its bundle is accepted`() async throws {
            try await Service.run(Self.generated) { service in
                #expect(service.address.hasPrefix("https://"))
                let ended = try await submit(to: service.port, attested(service))
                #expect(ended.status == 0, "\(ended.everything)")
                #expect(ended.output.hasSuffix("accepted: out\n"))
                #expect(ended.output.contains("the evidence was made for your nonce"))
                #expect(ended.output.contains("the statement's source is the archive that was sent"))
                #expect(ended.errors.contains("the service's evidence vouches for its TLS key"))
                #expect(ended.errors.contains("\nInitializing build environment\n"))
                #expect(ended.errors.contains("Compiling hello"))
                let ran = try await Command.run(scratch.path.appending("out/artifacts/hello").string, [])
                #expect(ran.output == "hello\n")
                let again = try await Command.run(
                    KettleExecutable.path.string,
                    ["verify", scratch.path.appending("out").string, "--software-key", service.publicKey.string])
                #expect(again.status == 0, "\(again.everything)")
                let leftovers = try FileManager.default.contentsOfDirectory(atPath: scratch.path.string)
                #expect(Set(leftovers) == ["hello", "out"])
            }
        }

        @Test func `a token says who submits, and what it lacks is told`() async throws {
            try await Service.run(Self.generated + ["--access", "tokens"]) { service in
                let key = attested(service)
                let none = try await submit(to: service.port, key)
                #expect(none.status == 1)
                #expect(none.errors.contains("the service answered 401: this needs a token with the scope submit"))
                #expect(none.errors.contains("kettle: hint: a token goes into KETTLE_TOKEN"))

                try scratch.write(["reader": try await service.token("alice", ["read"]) + "\n"], to: ".")
                let reader = try await submit(to: service.port, key + ["--token-file", "reader"])
                #expect(reader.status == 1)
                #expect(reader.errors.contains("the service answered 403: the token lacks the scope submit"))

                let token = try await service.token("alice", ["submit"])
                let ended = try await Command.run(
                    KettleExecutable.path.string,
                    ["submit", "hello", "--api", "https://127.0.0.1:\(service.port)", "-o", "out"] + key,
                    in: scratch.path, environment: .inherit.updating(["KETTLE_TOKEN": token]))
                #expect(ended.status == 0, "\(ended.everything)")
                #expect(!ended.everything.contains(token))
                #expect(try await builds(service) == 0)

                try scratch.write(["token": token], to: ".")
                let open = ["--token-file", "token", "--visibility", "public", "-o", "open"]
                #expect(try await submit(to: service.port, key + open).status == 0)
                #expect(try await builds(service) == 1)

                try scratch.write(["two": "one two"], to: ".")
                let malformed = try await submit(to: service.port, key + ["--token-file", "two"])
                #expect(malformed.status == 2)
                #expect(malformed.errors.contains("the token is malformed"))
                #expect(!malformed.errors.contains("one two"))
            }
        }

        @Test func `the bundle can be kept packed, and JSON has every event and then the result`() async throws {
            try await Service.run(Self.generated) { service in
                let nonce = "00112233-4455-6677-8899-aabbccddeeff"
                let ended = try await submit(
                    to: service.port, attested(service) + ["-o", "b.zip", "--nonce", nonce, "--json"])
                #expect(ended.status == 0, "\(ended.everything)")
                let lines = try ended.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                let result = try #require(lines.last)
                let build = try #require(result["build_id"]?.stringValue)
                let events = try await service.get("/v1/builds/\(build)/events").events().events
                #expect(Array(lines.dropLast()) == events.map(\.data))
                #expect(
                    result.keys == [
                        "attested_tls_key", "build_id", "bundle", "nonce", "outcome", "source", "verdict",
                    ])
                #expect(result["outcome"] == "accepted")
                #expect(result["bundle"] == "b.zip")
                #expect(result["nonce"]?.stringValue == nonce.replacing("-", with: ""))
                #expect(exists("b.zip"))
                let taken = try await submit(to: service.port, attested(service) + ["-o", "b.zip"])
                #expect(taken.status == 2)
                #expect(taken.errors.contains("\"b.zip\" exists"))
            }
        }

        @Test func `an authority is trusted where it was named, and evidence is not needed`() async throws {
            let certificate = try await TestCertificate(in: scratch.path, named: "private")
            try await Service.run(certificate.options) { service in
                let key = ["--software-key", service.publicKey.string]
                let stranger = try await submit(to: service.port, key)
                #expect(stranger.status == 2)
                #expect(stranger.errors.contains("no TLS connection"))
                #expect(try await builds(service) == 0)
                let named = try await submit(to: service.port, key + ["--ca", certificate.certificate.string])
                #expect(named.status == 0, "\(named.everything)")
            }
        }

        @Test func `a broken connection is taken up again, and no line is shown twice`() async throws {
            try await Service.run { service in
                try scratch.write(Projects.slow(seconds: 2, warnings: 40), to: "slow")
                let ended = try await Interceptor.run(
                    before: service.port, [.cut(afterBytes: 700), .cut(afterBytes: 900), .cut(afterBytes: 20), .pass]
                ) { proxy in
                    let key = ["--software-key", service.publicKey.string]
                    let ended = try await submit("slow", to: proxy.port, scheme: "http", key)
                    #expect(proxy.received.count >= 5)
                    return ended
                }
                #expect(ended.status == 0, "\(ended.everything)")
                let list = try await service.get("/v1/builds").json()["builds"]?.arrayValue
                #expect(list?.count == 1)
                let build = try #require(list?.first?["build_id"]?.stringValue)
                let messages = try await service.get("/v1/builds/\(build)/events").events().messages
                #expect(messages.count > 40)
                let sending = ended.errors.prefix { $0 != "\n" }
                #expect(sending.contains("kettle: sending slow.tar.gz"))
                #expect(ended.errors.dropFirst(sending.count + 1) == messages.joined(separator: "\n") + "\n")
            }
        }

        @Test func `a project that cannot be built is told as the service tells it`() async throws {
            try scratch.write(Projects.unsupported, to: "unsupported")
            try await Service.run(Self.generated) { service in
                let ended = try await submit("unsupported", to: service.port, attested(service))
                #expect(ended.status == 1)
                #expect(ended.errors.contains("kettle: error: "))
                #expect(ended.output.isEmpty)
                #expect(!exists("out"))
            }
        }

        // MARK: - What is refused

        @Test func `a service by another key is refused before anything is sent`() async throws {
            try await Service.run(Self.generated) { service in
                for key in [[], ["--software-key", String(repeating: "ab", count: 32)]] {
                    let ended = try await submit(to: service.port, ["--require-attestation"] + key)
                    #expect(ended.status == 1)
                    #expect(ended.errors.contains("that you did not name"))
                    #expect(ended.errors.contains("nothing of the source was sent"))
                }
                #expect(try await builds(service) == 0)
                #expect(!service.dataFiles.contains { $0.hasPrefix("work/") })
                #expect(!exists("out"))
            }
        }

        @Test func `something in between with a key of its own is refused before anything is sent`() async throws {
            let own = try await TestCertificate(in: scratch.path, named: "between")
            try await Service.run(Self.generated) { service in
                try await Interceptor.run(before: service.port, [.impersonate(own)]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("attests to another key than the one with which it speaks"))
                    let heard = proxy.received.map { String(decoding: $0, as: UTF8.self) }
                    #expect(heard.count == 1)
                    #expect(heard.first?.hasPrefix("GET /v1/attestation?nonce=") == true)
                    #expect(heard.first?.hasSuffix("\r\n\r\n") == true)
                }
                #expect(try await builds(service) == 0)
            }
        }

        @Test(arguments: [1, 2]) func `a key that changes after the attestation is refused`(place: Int) async throws {
            let own = try await TestCertificate(in: scratch.path, named: "later")
            try await Service.run(Self.generated) { service in
                let before = [Interceptor.Behaviour](repeating: .pass, count: place)
                try await Interceptor.run(before: service.port, before + [.impersonate(own)]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("another key than the one that its evidence vouched for"))
                    #expect(proxy.received.count == place + 1)
                    #expect(proxy.received.last == [], "something was said to the other key")
                }
                // The first connection asks for evidence, the second sends the source, the third fetches the bundle.
                #expect(try await builds(service) == place - 1)
                #expect(!exists("out"))
            }
        }

        @Test func `a broken connection is not taken up again with another key`() async throws {
            let own = try await TestCertificate(in: scratch.path, named: "later")
            try scratch.write(Projects.slow(seconds: 2, warnings: 40), to: "slow")
            try await Service.run(Self.generated) { service in
                let behaviours = [Interceptor.Behaviour.pass, .cut(afterBytes: 2500), .impersonate(own)]
                try await Interceptor.run(before: service.port, behaviours) { proxy in
                    let ended = try await submit("slow", to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("another key than the one that its evidence vouched for"))
                    #expect(ended.errors.contains("the build may go on at"))
                    #expect(proxy.received.count == 3)
                    #expect(proxy.received.last == [], "something was said to the other key")
                }
                #expect(try await builds(service) == 1)
            }
        }

        @Test func `evidence that was made before is refused`() async throws {
            // The worst case: whoever stands between holds the service's own key.
            let shared = try await TestCertificate(in: scratch.path, named: "shared")
            try await Service.run(shared.options) { service in
                let old = try await service.get("/v1/attestation?nonce=00112233445566778899aabbccddeeff")
                #expect(old.status == 200)
                try await Interceptor.run([.answer(Self.http(old.body), as: shared)]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("was made for another nonce"))
                    #expect(proxy.received.count == 1)
                }
                // With the nonce put in that was asked for, the evidence does not cover it.
                let members = try #require(try old.json().objectValue)
                let patch = Interceptor.Behaviour.reply(as: shared) { head in
                    let nonce = head.split(separator: "nonce=").last?.prefix(32) ?? ""
                    let patched = members.merging(["nonce": .string(String(nonce))]) { $1 }
                    return Self.http(JSONValue.object(patched).canonicalBytes())
                }
                try await Interceptor.run([patch]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("was not made for its key and this nonce"))
                    #expect(proxy.received.count == 1)
                }
                #expect(try await builds(service) == 0)
            }
        }

        @Test func `evidence for another key is refused under the own key's name`() async throws {
            let own = try await TestCertificate(in: scratch.path, named: "between")
            let spki = try await Command.run(
                "sh", ["-c", "openssl pkey -in \(own.key) -pubout -outform DER | base64 -w0"])
            try await Service.run(Self.generated) { service in
                // Fresh evidence of the genuine service, for this very nonce, with another key written over the answer's.
                let relay = Interceptor.Behaviour.reply(as: own) { head in
                    let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                    var members = try await service.get(path).json().objectValue ?? [:]
                    members["tls_public_key"] = .string(spki.output)
                    return Self.http(JSONValue.object(members).canonicalBytes())
                }
                try await Interceptor.run([relay]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains("was not made for its key and this nonce"))
                    #expect(proxy.received.count == 1)
                }
            }
        }

        @Test func `a service that is busy is asked again`() async throws {
            let shared = try await TestCertificate(in: scratch.path, named: "shared")
            let busy = Self.http(Array("{}".utf8), "Retry-After: 2", status: "429 Too Many Requests")
            try await Service.run(shared.options) { service in
                try await Interceptor.run(before: service.port, [.answer(busy, as: shared), .pass]) { proxy in
                    let ended = try await submit(to: proxy.port, attested(service))
                    #expect(ended.status == 0, "\(ended.everything)")
                    #expect(proxy.received.count == 4)
                }
            }
        }

        @Test func `the bundle may go into the folder that is sent`() async throws {
            try await Service.run(Self.generated) { service in
                let folder = scratch.path.appending("hello")
                var sources: [JSONValue?] = []
                for output in ["bundle/", scratch.path.appending("out").string] {
                    let ended = try await Command.run(
                        KettleExecutable.path.string,
                        ["submit", ".", "--api", service.address, "-o", output] + attested(service), in: folder)
                    #expect(ended.status == 0, "\(ended.everything)")
                    let bundle = output.hasPrefix("/") ? FilePath(output) : folder.appending("bundle")
                    let statement = try Data(
                        contentsOf: URL(filePath: bundle.appending("provenance.json").string))
                    sources.append(
                        try JSONValue(parsing: Array(statement))["predicate"]?["buildDefinition"]?[
                            "resolvedDependencies"]?.arrayValue?.first)
                    try? FileManager.default.removeItem(atPath: bundle.string)
                }
                #expect(sources[0] != nil)
                #expect(sources[0] == sources[1])
            }
        }

        @Test func `plain HTTP cannot be attested to, and goes to no other machine`() async throws {
            try await Service.run { service in
                let ended = try await submit(to: service.port, scheme: "http", attested(service))
                #expect(ended.status == 2)
                #expect(ended.errors.contains("over https:// only"))
                #expect(try await builds(service) == 0)
                let answer = try await service.get("/v1/attestation?nonce=00112233445566778899aabbccddeeff")
                #expect(answer.status == 404)
                #expect(try answer.json()["code"] == "attestation.no_tls")
            }
            let away = try await Command.run(
                KettleExecutable.path.string, ["submit", "hello", "--api", "http://192.0.2.1:8080"], in: scratch.path)
            #expect(away.status == 2)
            #expect(away.errors.contains("would send the source for anyone to read"))
        }

        @Test func `TLS that something else terminates has no evidence`() async throws {
            let front = try await TestCertificate(in: scratch.path, named: "front")
            let answer = Self.http(Array("{}".utf8), status: "404 Not Found")
            try await Interceptor.run([.answer(answer, as: front)]) { proxy in
                let ended = try await submit(to: proxy.port, ["--require-attestation"])
                #expect(ended.status == 1)
                #expect(ended.errors.contains("has no evidence for the key with which it speaks"))
                #expect(proxy.received.count == 1)
            }
        }

        @Test func `a bundle that is rejected is left packed, under another name`() async throws {
            try await Service.run { service in
                let ended = try await submit(to: service.port, scheme: "http", [])
                #expect(ended.status == 1)
                #expect(ended.output.hasSuffix("rejected: out.rejected.zip\n"))
                #expect(exists("out.rejected.zip") && !exists("out"))
            }
        }

        @Test func `a policy decides about the service too, before anything is sent`() async throws {
            try await Service.run(Self.generated) { service in
                let fingerprint = try await Command.run(
                    "sh", ["-c", "openssl pkey -pubin -in \(service.publicKey) -outform DER | sha256sum | cut -c1-64"])
                let key = "version = 1\nsoftware_keys = [\"\(fingerprint.output.trimmingCharacters(in: .newlines))\"]\n"
                let builder = "https://kettle.build/builder"
                try scratch.write(
                    [
                        "good.toml": "\(key)builders = [\"\(builder)/software/v1\"]\n",
                        "other.toml": "\(key)builders = [\"\(builder)/sev-snp/v1\"]\n",
                    ], to: "policies")
                let refused = try await submit(
                    to: service.port, ["--require-attestation", "--policy", "policies/other.toml"])
                #expect(refused.status == 1)
                #expect(refused.errors.contains("the builder is not one that the policy wants"))
                #expect(try await builds(service) == 0)
                let good = try await submit(
                    to: service.port, ["--require-attestation", "--policy", "policies/good.toml"])
                #expect(good.status == 0, "\(good.everything)")
            }
        }

        @Test func `a source over the limit is refused in the service's words`() async throws {
            // Random, so that packing makes it no smaller, and more than the sockets hold.
            var noise = Data(capacity: 8 << 20)
            for _ in 0..<1 << 20 {
                withUnsafeBytes(of: UInt64.random(in: 0 ... .max)) { noise.append(contentsOf: $0) }
            }
            try noise.write(to: URL(filePath: scratch.path.appending("hello/noise").string))
            try await Service.run(Self.generated + ["--max-upload", "1MiB"]) { service in
                let ended = try await submit(to: service.port, attested(service))
                #expect(ended.status == 1, "\(ended.everything)")
                #expect(ended.errors.contains("the service answered 413"))
                #expect(try await builds(service) == 0)
            }
        }

        @Test func `a genuine bundle about another source is rejected`() async throws {
            let nonce = "00112233445566778899aabbccddeeff"
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello, ["nonce": nonce]).buildID)
                let bundle = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let event = "id: 1\ndata: {\"type\":\"complete\",\"result\":{\"status\":\"success\"}}\n\n"
                let stream = Self.http(Array(event.utf8), "Location: /v1/builds/\(build)")
                let behaviours = [Interceptor.Behaviour.answer(stream, as: nil), .answer(Self.http(bundle), as: nil)]
                try await Interceptor.run(behaviours) { proxy in
                    let key = ["--software-key", service.publicKey.string]
                    let ended = try await submit(to: proxy.port, scheme: "http", key + ["--nonce", nonce])
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.output.contains("FAIL  the statement's source is not the archive that was sent"))
                    #expect(ended.output.hasSuffix("rejected: out.rejected.zip\n"))
                    #expect(!exists("out"))
                }
            }
        }

        @Test func `a service that speaks without end is left`() async throws {
            let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
            let location = "Location: /v1/builds/\(String(repeating: "a", count: 24))"
            let start = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
            let events = "\(start)\(location)\r\n\r\ndata: "
            try await Interceptor.run([.repeating(piece, after: Array(events.utf8), as: nil)]) { proxy in
                let ended = try await submit(to: proxy.port, scheme: "http", [])
                #expect(ended.status == 2)
                #expect(ended.errors.contains("an event from the service is larger than"))
            }
            let certificate = try await TestCertificate(in: scratch.path, named: "endless")
            let attestation = Interceptor.Behaviour.repeating(piece, after: Array("\(start)\r\n".utf8), as: certificate)
            try await Interceptor.run([attestation]) { proxy in
                let ended = try await submit(to: proxy.port, ["--require-attestation"])
                #expect(ended.status == 2)
                #expect(ended.errors.contains("the attestation from the service is larger than"))
            }
            let end = "id: 1\ndata: {\"type\":\"complete\",\"result\":{\"status\":\"success\"}}\n\n"
            let bundle = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"
            try await Interceptor.run([
                .answer(Self.http(Array(end.utf8), location), as: nil),
                .repeating(piece, after: Array(bundle.utf8), as: nil),
            ]) { proxy in
                let ended = try await submit(to: proxy.port, scheme: "http", [])
                #expect(ended.status == 2)
                #expect(ended.errors.contains("a bundle from the service is larger than"))
            }
        }

        @Test func `Ctrl-C leaves the build to the service, and nothing here`() async throws {
            try scratch.write(Projects.slow(seconds: 600), to: "slow")
            let elsewhere = try ScratchFolder()
            let said = elsewhere.path.appending("said")
            try await Service.run(Self.generated) { service in
                let log = try FileDescriptor.open(
                    said, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
                defer { try? log.close() }
                _ = try await Subprocess.run(
                    .path(KettleExecutable.path),
                    arguments: Arguments(["submit", "slow", "--api", service.address] + attested(service)),
                    workingDirectory: scratch.path, input: .none, output: .discarded,
                    error: .fileDescriptor(log, closeAfterSpawningProcess: false)
                ) { execution in
                    try await eventually { contents(of: said.string).contains("Compiling slow") }
                    try execution.send(signal: .interrupt)
                }
                #expect(contents(of: said.string).contains("kettle: the build may go on at https://"))
                let list = try await service.get("/v1/builds").json()["builds"]?.arrayValue
                #expect(list?.first?["status"] == "running")
                let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path.string)
                #expect(Set(left) == ["hello", "slow"])
            }
        }

        static func http(
            _ body: [UInt8], _ header: String = "X-Nothing: 1", status: String = "200 OK"
        ) -> [UInt8] {
            let head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\(header)\r\nConnection: close\r\n\r\n"
            return Array(head.utf8) + body
        }
    }
}

extension Service {
    var port: Int { address.split(separator: ":").last.flatMap { Int($0) } ?? 0 }
}
