import Foundation
import KettleProvenance
import KettleTesting
import Testing

extension EndToEnd {
    @Suite struct DownloadTests {
        @Test func `a download says what it is and how to check it`() async throws {
            try await Service.run { service in
                let stream = try await service.build(Projects.hello)
                let build = try #require(stream.buildID)
                let types = [
                    "artifacts/hello": "application/octet-stream",
                    "build-config/Cargo.lock": "text/plain; charset=utf-8",
                    "provenance.json": "application/json", "evidence.json": "application/json",
                    "build.log": "text/plain; charset=utf-8", "bundle.zip": "application/zip",
                    "bundle.tar.gz": "application/gzip",
                ]
                for (name, type) in types {
                    let path = "/v1/builds/\(build)/\(name)"
                    let answer = try await service.get(path)
                    let digest = ContentDigest(of: answer.body)
                    #expect(answer.status == 200, "\(name)")
                    #expect(answer["Content-Type"] == type, "\(name)")
                    #expect(answer["Content-Length"] == "\(answer.body.count)", "\(name)")
                    #expect(answer["ETag"] == "\"\(digest.hex)\"", "\(name)")
                    #expect(answer["Repr-Digest"] == "sha-256=:\(Data(digest.bytes).base64EncodedString()):", "\(name)")
                    #expect(answer["Cache-Control"]?.contains("immutable") == true, "\(name)")
                    #expect(answer["Content-Disposition"]?.hasPrefix("attachment") == true, "\(name)")
                    let file = try #require(name.split(separator: "/").last)
                    #expect(answer["Content-Disposition"]?.contains("filename=\"\(file)\"") == true, "\(name)")

                    let head = try await service.send("HEAD", path)
                    #expect(head.status == 200, "\(name)")
                    #expect(head.body.isEmpty)
                    for header in ["Content-Length", "Content-Type", "ETag", "Repr-Digest", "Cache-Control"] {
                        #expect(head[header] == answer[header], "HEAD \(name): \(header)")
                    }
                }
                let artifact = try await service.get("/v1/builds/\(build)/artifacts/hello")
                let named = stream.result?["artifacts"]?.arrayValue?.first
                #expect(named?["sha256"]?.stringValue == ContentDigest(of: artifact.body).hex)
                #expect(named?["size"]?.integerValue == Int64(artifact.body.count))
            }
        }

        @Test func `ranges and conditions are honoured`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let path = "/v1/builds/\(build)/artifacts/hello"
                let whole = try await service.get(path)
                let count = whole.body.count

                for (range, expected) in [
                    ("bytes=0-9", 0..<10), ("bytes=\(count - 5)-", (count - 5)..<count),
                    ("bytes=-7", (count - 7)..<count), ("bytes=10-\(count * 2)", 10..<count),
                    ("bytes=-\(count * 2)", 0..<count),
                ] {
                    let part = try await service.get(path, ["Range": range])
                    #expect(part.status == 206, "\(range)")
                    #expect(part.body == Array(whole.body[expected]), "\(range)")
                    #expect(
                        part["Content-Range"] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(count)",
                        "\(range)")
                }
                let head = try await service.send("HEAD", path, ["Range": "bytes=0-9"])
                #expect(head.status == 200)
                #expect(head["Content-Length"] == "\(count)")
                for range in ["bytes=\(count)-", "bytes=-0"] {
                    let none = try await service.get(path, ["Range": range])
                    #expect(none.status == 416, "\(range)")
                    #expect(none["Content-Range"] == "bytes */\(count)", "\(range)")
                }
                for range in ["bytes=5-1", "bytes=a-b", "lines=1-2", "bytes=99999999999999999999-"] {
                    let answer = try await service.get(path, ["Range": range])
                    #expect([200, 416].contains(answer.status), "\(range)")
                }
                let tag = try #require(whole["ETag"])
                for tags in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                    let answer = try await service.get(path, ["If-None-Match": tags])
                    #expect(answer.status == 304, "\(tags)")
                    #expect(answer.body.isEmpty)
                }
                #expect(try await service.get(path, ["If-None-Match": "\"other\""]).status == 200)
            }
        }

        @Test func `the same bundle comes again, byte for byte`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                for name in ["bundle.zip", "bundle.tar.gz"] {
                    let path = "/v1/builds/\(build)/\(name)"
                    #expect(try await service.get(path).body == service.get(path).body)
                }
            }
        }
    }
}
