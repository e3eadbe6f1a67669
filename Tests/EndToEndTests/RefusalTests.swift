import KettleProvenance
import KettleTesting
import Testing

extension EndToEnd {
    /// Requests that are wrong are told so before there is a build, and leave nothing behind.
    @Suite struct RefusalTests {
        struct Refusal: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var form: FormData
            var code: String
        }

        static let refusals = [
            Refusal(testDescription: "neither source", form: FormData(), code: "request.no_source"),
            Refusal(
                testDescription: "both sources",
                form: form(source: zip, ["repo_url": "https://example.com/a"]), code: "request.two_sources"),
            Refusal(
                testDescription: "ref with source", form: form(source: zip, ["ref": "main"]),
                code: "request.ref_with_source"),
            Refusal(
                testDescription: "short nonce", form: form(source: zip, ["nonce": "abcd"]),
                code: "request.bad_parameter"),
            Refusal(
                testDescription: "nonce of letters",
                form: form(source: zip, ["nonce": String(repeating: "x", count: 32)]), code: "request.bad_parameter"),
            Refusal(
                testDescription: "not an archive", form: FormData(source: Array("hello".utf8)),
                code: "request.not_an_archive"),
            Refusal(testDescription: "empty file", form: FormData(source: []), code: "request.source_empty"),
            Refusal(
                testDescription: "source as text", form: FormData(fields: ["source": "PK"]),
                code: "request.source_not_a_file"),
            Refusal(
                testDescription: "unknown part", form: form(source: zip, ["token": "x"]), code: "request.unknown_part"),
            Refusal(
                testDescription: "a part twice", form: twice, code: "request.duplicate_part"),
            Refusal(
                testDescription: "an option as ref",
                form: FormData(fields: ["repo_url": "https://example.com/a", "ref": "--upload-pack=id"]),
                code: "source.ref_invalid"),
        ]

        private static let zip = Array("PK\u{3}\u{4}".utf8)

        private static var twice: FormData {
            var form = FormData()
            form.add("ref", "a")
            form.add("ref", "b")
            return form
        }

        private static func form(source: [UInt8], _ fields: [String: String]) -> FormData {
            var form = FormData(fields: fields)
            form.add(file: "source", source, named: "source.zip")
            return form
        }

        @Test func `a wrong request is refused with its own code and leaves nothing`() async throws {
            try await Service.run { service in
                let before = service.dataFiles
                for refusal in Self.refusals {
                    for path in ["/v1/build/stream", "/build"] {
                        let answer = try await service.post(path, refusal.form)
                        #expect(answer.status == 400, "\(refusal.testDescription)")
                        #expect(answer["Content-Type"] == "application/problem+json", "\(refusal.testDescription)")
                        let problem = try answer.json()
                        #expect(problem["code"]?.stringValue == refusal.code, "\(refusal.testDescription)")
                        #expect(problem["status"] == 400)
                        #expect(problem["detail"]?.stringValue?.isEmpty == false)
                    }
                }
                try await eventually { service.dataFiles == before }
                #expect(try await service.get("/v1/builds").json()["builds"] == [])
            }
        }

        @Test(arguments: [
            "http://example.com/a", "ssh://git@example.com/a", "git@example.com:a", "file:///etc", "ext::sh -c id",
            "https://127.0.0.1/a", "https://localhost/a", "https://[::1]/a", "https://10.0.0.1/a",
            "https://2130706433/a", "https://0x7f.1/a", "https://169.254.169.254/latest",
            "https://user:secret@example.com/a", "--upload-pack=id", "https://[fe80::1]/a",
            "https://[::ffff:127.0.0.1]/a", "https://example.com/a\nb", "", "https://",
        ])
        func `a URL that may not be cloned is refused before there is a build`(url: String) async throws {
            try await Service.run { service in
                let answer = try await service.post("/v1/build/stream", FormData(fields: ["repo_url": url]))
                #expect(answer.status == 400)
                let code = try answer.json()["code"]?.stringValue ?? ""
                #expect(code.hasPrefix("source.") || (url.isEmpty && code == "request.no_source"), "\(code)")
            }
        }

        @Test func `what is not multipart is told apart from what is broken`() async throws {
            try await Service.run { service in
                let json = try await service.send(
                    "POST", "/v1/build/stream", ["Content-Type": "application/json"], Array("{}".utf8))
                #expect(json.status == 415)
                let none = try await service.send("POST", "/v1/build/stream", [:], Array("hello".utf8))
                #expect(none.status == 415)
                let cut = try await service.send(
                    "POST", "/v1/build/stream", ["Content-Type": FormData.contentType],
                    Array(FormData(source: Self.zip).encoded.dropLast(10)))
                #expect(cut.status == 400)
                #expect(try cut.json()["code"] == "request.multipart_cut_off")
                let unbounded = try await service.send(
                    "POST", "/v1/build/stream", ["Content-Type": "multipart/form-data"], Array("x".utf8))
                #expect(unbounded.status == 400)
                #expect(try unbounded.json()["code"] == "request.multipart_no_boundary")
            }
        }

        @Test func `an upload over the limit is refused and nothing of it stays`() async throws {
            try await Service.run(["--max-upload", "100000"]) { service in
                let before = service.dataFiles
                var zip = Self.zip
                zip += [UInt8](repeating: 0, count: 200_000)
                let answer = try await service.post("/v1/build/stream", FormData(source: zip))
                #expect(answer.status == 413)
                #expect(try answer.json()["code"] == "request.multipart_too_large")
                // The same without a length in advance.
                let scratch = try ScratchFolder()
                let form = FormData(source: zip).encoded
                try scratch.write(["body": String(decoding: form, as: UTF8.self)], to: "chunked")
                let chunked = try await Command.run(
                    "curl",
                    [
                        "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "-H",
                        "Content-Type: \(FormData.contentType)", "--data-binary", "@chunked/body",
                        service.address + "/v1/build/stream",
                    ], in: scratch.path)
                #expect(chunked.output == "413", "\(chunked.errors)")
                try await eventually { service.dataFiles == before }
            }
        }
    }
}
