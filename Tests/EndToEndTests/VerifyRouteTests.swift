import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// `POST /verify`: what the command line would say, over HTTP.
    @Suite struct VerifyRouteTests {
        private static let nonce = "00112233445566778899aabbccddeeff"

        private static func form(_ bundle: [UInt8], _ fields: [(String, String)] = []) -> FormData {
            var form = FormData()
            for (name, value) in fields { form.add(name, value) }
            form.add(file: "bundle", bundle, named: "b")
            return form
        }

        @Test func `the verdict is the command line's, whatever is asked`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let build = try #require(try await service.build(Projects.hello, ["nonce": Self.nonce]).buildID)
                let zip = try await service.get("/v1/builds/\(build)/bundle.zip").body
                let tarball = try await service.get("/v1/builds/\(build)/bundle.tar.gz").body
                var torn = zip
                torn[torn.count / 2] ^= 1
                let files = service.dataFiles
                let key = try await Command.run(
                    KettleExecutable.path.string,
                    ["verify", "--json", "--software-key", service.publicKey.string]
                        + [try scratch.write(zip, to: "zip").string])
                let fingerprint = try #require(
                    try JSONValue(parsing: Array(key.output.utf8))["software_key"]?.stringValue)
                let policy = "version = 1\nsoftware_keys = [\"\(fingerprint)\"]\nmaximum_age = \"12h\"\n"
                let policyFile = try scratch.write(Array(policy.utf8), to: "policy.toml").string
                let named = [("software_key", fingerprint)]
                let other = ("software_key", String(repeating: "0", count: 64))
                let none = String(repeating: "a", count: 40)
                let cases: [(bundle: [UInt8], fields: [(String, String)], options: [String], outcome: String)] = [
                    (zip, [], [], "rejected"),
                    (zip, [other] + named, ["--software-key", other.1, "--software-key", fingerprint], "accepted"),
                    (
                        tarball, named + [("nonce", Self.nonce)],
                        ["--software-key", fingerprint, "--nonce", Self.nonce], "accepted"
                    ),
                    (torn, named, ["--software-key", fingerprint], "rejected"),
                    (Array("no archive".utf8), named, ["--software-key", fingerprint], "rejected"),
                    (zip, [("policy", policy)], ["--policy", policyFile], "accepted"),
                    (zip, named + [("commit", none)], ["--software-key", fingerprint, "--commit", none], "rejected"),
                    (
                        zip, named + [("source", "archive:*"), ("maximum_age", "1d")],
                        ["--software-key", fingerprint, "--source", "archive:*", "--maximum-age", "1d"], "accepted"
                    ),
                    (
                        zip, named + [("at", "2001-01-01T00:00:00Z")],
                        ["--software-key", fingerprint, "--at", "2001-01-01T00:00:00Z"], "rejected"
                    ),
                    (
                        zip, named + [("without_artifacts", "true"), ("any_measurement", "true")],
                        ["--software-key", fingerprint, "--without-artifacts", "--any-measurement"], "accepted"
                    ),
                ]
                for (index, one) in cases.enumerated() {
                    let answer = try await service.post("/v1/verify", Self.form(one.bundle, one.fields))
                    let path = try scratch.write(one.bundle, to: "bundle-\(index)").string
                    let said = try await Command.run(
                        KettleExecutable.path.string, ["verify", path, "--json"] + one.options)
                    #expect(answer.status == 200, "\(one.fields): \(answer.text)")
                    #expect(answer["Cache-Control"] == "no-store")
                    #expect(answer.text + "\n" == said.output, "\(one.fields)")
                    #expect(try answer.json()["outcome"]?.stringValue == one.outcome, "\(one.fields): \(answer.text)")
                }
                try await eventually { service.dataFiles == files }
            }
        }

        @Test func `what is no question is refused, and leaves nothing behind`() async throws {
            try await Service.run(["--max-upload", "2MiB"]) { service in
                let files = service.dataFiles
                let bundle = [UInt8](repeating: 0x50, count: 700_000)
                var text = FormData(fields: ["bundle": "PK"])
                text.add("nonce", Self.nonce)
                var twice = Self.form(bundle)
                twice.add(file: "bundle", bundle, named: "b")
                let cases: [(form: FormData, status: Int, code: String)] = [
                    (FormData(), 400, "request.no_bundle"),
                    (FormData(fields: ["nonce": Self.nonce]), 400, "request.no_bundle"),
                    (Self.form([]), 400, "request.bundle_empty"), (text, 400, "request.bundle_not_a_file"),
                    (twice, 400, "request.duplicate_part"),
                    (Self.form(bundle, [("colour", "blue")]), 400, "request.unknown_part"),
                    (Self.form(bundle, [("nonce", Self.nonce), ("nonce", Self.nonce)]), 400, "request.duplicate_part"),
                    (Self.form(bundle, [("nonce", "12")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("nonce", "")]), 400, "request.field_empty"),
                    (Self.form(bundle, [("policy", "")]), 400, "request.field_empty"),
                    (Self.form(bundle, [("software_key", "\n")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("commit", "main")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("source", "tally")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("builder", "me")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("maximum_age", "old")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("at", "noon")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("any_measurement", "yes")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("software_key", "-----BEGIN PUBLIC KEY-----")]), 400, "request.bad_parameter"),
                    (Self.form(bundle, [("policy", "version = 2")]), 400, "policy.unknown_version"),
                    (
                        Self.form(bundle, [("nonce", String(repeating: "1", count: 20_000))]), 400,
                        "request.field_too_long"
                    ),
                    (
                        Self.form(
                            bundle, [("any_measurement", "true"), ("measurement", String(repeating: "a", count: 96))]),
                        400, "request.contradiction"
                    ),
                    (Self.form([UInt8](repeating: 0x50, count: 3 << 20)), 413, "request.multipart_too_large"),
                ]
                for one in cases {
                    let answer = try await service.post("/v1/verify", one.form)
                    #expect(answer.status == one.status, "\(one.code): \(answer.text)")
                    #expect(try answer.json()["code"]?.stringValue == one.code)
                    #expect(!answer.text.contains(service.dataFolder.string))
                }
                let json = try await service.send(
                    "POST", "/v1/verify", ["Content-Type": "application/json"], Array("{}".utf8))
                #expect(json.status == 415)
                try await eventually { service.dataFiles == files }
            }
        }

        /// Writes a gzipped tar of a few megabytes with a file of 6 GiB of zeros: one deflated block, again and again.
        private static let bomb = """
            import struct, sys, zlib
            def deflated(data, last=zlib.Z_FULL_FLUSH):
                packer = zlib.compressobj(9, zlib.DEFLATED, -15)
                return packer.compress(data) + packer.flush(last)
            times, block = 384, bytes(16 << 20)
            size = times * len(block)
            head = bytearray(512)
            for place, text in ((0, b"large"), (100, b"0000644"), (108, b"0000000"), (116, b"0000000"), (124, b"%011o" % size),
                                (136, b"00000000000"), (148, b" " * 8), (156, b"0"), (257, b"ustar\\x0000")):
                head[place:place + len(text)] = text
            head[148:155] = b"%06o\\0" % sum(head)
            end = bytes(1024)
            crc = zlib.crc32(bytes(head))
            for _ in range(times):
                crc = zlib.crc32(block, crc)
            with open(sys.argv[1], "wb") as file:
                file.write(b"\\x1f\\x8b\\x08" + bytes(6) + b"\\xff" + deflated(bytes(head)))
                file.write(deflated(block) * times)
                file.write(deflated(end, zlib.Z_FINISH))
                file.write(struct.pack("<II", zlib.crc32(end, crc), (size + 512 + 1024) & 0xffffffff))
            """

        @Test func `a service that stops does not wait for a verification`() async throws {
            let scratch = try ScratchFolder()
            let bomb = scratch.path.appending("bomb.tar.gz")
            let made = try await Command.run("python3", ["-c", Self.bomb, bomb.string])
            try #require(made.status == 0, "\(made.everything)")
            let form = Self.form(Array(try Data(contentsOf: URL(filePath: bomb.string))))
            try await Service.run { service in
                async let answer = service.post("/v1/verify", form)
                // It has lost its name when it is verified.
                let descriptors = "/proc/\(service.processID)/fd"
                try await eventually {
                    let names = try FileManager.default.contentsOfDirectory(atPath: descriptors)
                    return names.contains { name in
                        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\(name)")
                        return link?.hasSuffix(".bundle (deleted)") == true
                    }
                }
                service.send(SIGTERM)
                let refusal = try await answer
                #expect(refusal.status == 503)
                #expect(try refusal.json()["code"] == "service.stopping")
                try await eventually { !service.isAlive }
            }
        }

        @Test func `few may send at once, and whoever hangs up makes room`() async throws {
            try await Service.run { service in
                let files = service.dataFiles
                let scratch = try ScratchFolder()
                _ = try scratch.write([UInt8](repeating: 0x50, count: 4 << 20), to: "slow")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<16 {
                        group.addTask {
                            _ = try await Subprocess.run(
                                .name("curl"),
                                arguments: [
                                    "-sS", "--limit-rate", "20k", "--retry", "50", "-F", "bundle=@slow",
                                    service.address + "/v1/verify",
                                ], workingDirectory: scratch.path, input: .none, output: .discarded, error: .discarded)
                        }
                    }
                    // Not before they have their places: a question takes one, too. The one for the metrics counts itself.
                    try await eventually {
                        try await service.get("/metrics").text.split(separator: "\n")
                            .contains("kettle_http_requests_in_flight 17")
                    }
                    try await eventually { try await service.post("/v1/verify", FormData()).status == 429 }
                    let refused = try await service.post("/v1/verify", FormData())
                    #expect(try refused.json()["code"] == "verify.busy")
                    #expect(refused["Retry-After"] == "5")
                    // Builds are taken all the same.
                    #expect(
                        try await service.build(Projects.unsupported).result?["error_type"]
                            == "UnsupportedToolchainError")
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                }
                try await eventually { try await service.post("/v1/verify", FormData()).status == 400 }
                try await eventually {
                    service.dataFiles.filter { $0.hasSuffix(".bundle") } == files.filter { $0.hasSuffix(".bundle") }
                }
            }
        }
    }
}
