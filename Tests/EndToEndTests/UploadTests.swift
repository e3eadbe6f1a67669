import Foundation
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct UploadTests {
        private static let mebibyte = 1 << 20

        @Test func `an upload of a gibibyte raises the service's memory by 32 MiB at the most`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let folder = try scratch.write(["README.md": "nothing to build\n"], to: "p")
                let file = folder.appending("large").string
                #expect(FileManager.default.createFile(atPath: file, contents: nil))
                try FileHandle(forWritingTo: URL(filePath: file)).truncate(atOffset: UInt64(1024 * Self.mebibyte))
                // Stored, so that a gibibyte goes over the socket.
                let zipped = try await Command.run(
                    "zip", ["-q", "-0", "-r", scratch.path.appending("source.zip").string, "."], in: folder)
                #expect(zipped.status == 0)
                // What the first request allocates for good is not this upload's.
                _ = try await service.build(Projects.unsupported)

                try service.resetPeakMemory()
                let before = try service.memory("VmRSS")
                let ended = try await Command.run(
                    "curl", ["-sS", "-N", "-F", "source=@source.zip", service.address + "/v1/build/stream"],
                    in: scratch.path)
                let raised = try service.memory("VmHWM") - before

                let stream = try ServerSentEvents(reading: ended.output.utf8)
                #expect(stream.result?["error_type"] == "UnsupportedToolchainError", "\(ended.everything.suffix(500))")
                #expect(raised <= 32 * Self.mebibyte, "\(raised / Self.mebibyte) MiB")
            }
        }

        @Test func `a client that is killed in the middle of an upload leaves nothing behind`() async throws {
            try await Service.run { service in
                let before = service.dataFiles
                let scratch = try ScratchFolder()
                try scratch.write(["zip": "PK\u{3}\u{4}" + String(repeating: "x", count: 8 * Self.mebibyte)], to: "p")
                let ended = try await Subprocess.run(
                    .name("curl"),
                    arguments: [
                        "-sS", "--limit-rate", "400k", "-F", "source=@p/zip", service.address + "/v1/build/stream",
                    ], workingDirectory: scratch.path, input: .none, output: .discarded, error: .discarded
                ) { execution in
                    try await eventually { service.dataFiles != before }
                    try execution.send(signal: .kill)
                }
                #expect(!ended.terminationStatus.isSuccess)
                try await eventually { service.dataFiles == before }
                #expect(try await service.get("/v1/builds").json()["builds"] == [])
            }
        }

        @Test func `curl's question whether to continue is answered at once`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                try scratch.write(["zip": String(repeating: "x", count: 2 * Self.mebibyte)], to: "p")
                // curl asks before it sends a large body, and is told to wait a minute for the answer.
                let ended = try await Command.run(
                    "curl",
                    [
                        "-sS", "-o", "/dev/null", "-w", "%{http_code} %{time_total}", "-H", "Expect: 100-continue",
                        "--expect100-timeout", "60",
                        "-F", "source=@p/zip", service.address + "/v1/build/stream",
                    ], in: scratch.path)
                let words = ended.output.split(separator: " ")
                #expect(words.first == "400")
                #expect((words.last.flatMap { Double($0) } ?? 99) < 30)
            }
        }
    }
}
