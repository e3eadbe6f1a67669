import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// HTTP/2 over TLS, with curl and with a client that means harm.
    @Suite struct HTTP2Tests {
        private func curl(_ arguments: [String]) async throws -> Command.Ended {
            let ended = try await Command.run("curl", ["-sS", "-k", "--http2"] + arguments)
            #expect(ended.status == 0, "\(ended.errors)")
            return ended
        }

        @Test func `one connection carries builds with their events, downloads and refusals`() async throws {
            let scratch = try ScratchFolder()
            let archive = scratch.path.appending("source.zip")
            try await Command.pack(scratch.write(Projects.hello, to: "p"), as: archive)
            try await Service.run(["--tls-generate"]) { service in
                let ending = ["-w", "%{stderr}%{http_version} %{http_code} %{num_connects}\n"]
                let next = ["--next", "-sS", "-k", "--http2"] + ending
                let build = ["-N", "-F", "source=@\(archive)", "\(service.address)/v1/build/stream"]
                let ended = try await curl(
                    ending + build + next + ["\(service.address)/nowhere"] + next + ["-I", "\(service.address)/health"]
                        + next + build)
                #expect(ended.errors == "2 200 1\n2 404 0\n2 200 0\n2 200 0\n")
                let results = ended.output.split(separator: "\n").filter { $0.contains("\"type\":\"complete\"") }
                #expect(results.count == 2)
                #expect(results.allSatisfy { $0.contains("\"status\":\"success\"") }, "\(ended.output)")

                let id = try #require(ended.output.firstMatch(of: /"build_id":"([0-9a-f]{24})"/)).output.1
                let artifact = "\(service.address)/v1/builds/\(id)/artifacts/hello"
                let whole = scratch.path.appending("whole").string
                let part = scratch.path.appending("part").string
                let answers = try await curl(
                    ["-o", whole, artifact] + ending + next + ["-r", "100-299", "-o", part, artifact])
                #expect(answers.errors == "2 200 1\n2 206 0\n")
                let bytes = try Data(contentsOf: URL(filePath: whole))
                #expect(try Data(contentsOf: URL(filePath: part)) == bytes[100..<300])
            }
        }

        @Test func `a large source arrives whole`() async throws {
            let scratch = try ScratchFolder()
            let folder = try scratch.write(Projects.hello, to: "p")
            var generator = SystemRandomNumberGenerator()
            let noise = Data((0..<(32 << 17)).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) })
            try noise.write(to: URL(filePath: folder.appending("noise").string))
            let archive = scratch.path.appending("source.tar.gz")
            try await Command.pack(folder, as: archive)
            try await Service.run(["--tls-generate"]) { service in
                let ended = try await curl(
                    [
                        "-F", "source=@\(archive)", "-w", "%{stderr}%{http_version} %{size_upload}",
                        "\(service.address)/v1/build",
                    ])
                let sent = ended.errors.split(separator: " ")
                #expect(sent.first == "2")
                #expect((sent.last.flatMap { Int($0) } ?? 0) > 32 << 20)
                #expect(ended.output.contains("\"status\":\"success\""), "\(ended.output)")
            }
        }

        /// Speaks frames (RFC 9113, section 4): makes a file when it is first answered, and says the error code of the GOAWAY.
        private static let hostile = """
            import socket, ssl, struct, sys
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            link = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
            link.settimeout(30)
            assert link.selected_alpn_protocol() == "h2"
            def frame(kind, flags, stream, body):
                return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
            # GET / over https with the authority a: indices 2, 4 and 7 of the static table, and a literal (RFC 7541).
            request = bytes([0x82, 0x84, 0x87, 0x41, 0x01]) + b"a"
            data = b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, b"")
            for i in range(1000):
                data += {
                    "reset": lambda: frame(1, 5, 2 * i + 1, request) + frame(3, 0, 2 * i + 1, struct.pack(">I", 8)),
                    "settings": lambda: frame(4, 0, 0, b""),
                    "ping": lambda: frame(6, 0, 0, bytes(8)),
                    "nothing": lambda: b"",
                }[sys.argv[2]]()
            try:
                link.sendall(data)
            except OSError:
                pass
            print("sent", flush=True)
            received = b""
            try:
                while block := link.recv(65536):
                    received += block
                    open(sys.argv[3], "w").close()
            except OSError:
                pass
            while len(received) >= 9:
                length, kind = int.from_bytes(received[:3], "big"), received[3]
                if kind == 7:
                    print("goaway", int.from_bytes(received[13:17], "big"))
                received = received[9 + length:]
            """

        private func attack(_ service: Service, _ kind: String, _ mark: String = "/dev/null") async throws
            -> Command.Ended
        {
            let port = try #require(service.address.split(separator: ":").last)
            return try await Command.run("python3", ["-c", Self.hostile, String(port), kind, mark])
        }

        @Test(arguments: ["reset", "settings", "ping"])
        func `a flood ends its connection and nothing else`(kind: String) async throws {
            try await Service.run(["--tls-generate"]) { service in
                let ended = try await attack(service, kind)
                #expect(ended.status == 0, "\(ended.errors)")
                // ENHANCE_YOUR_CALM (RFC 9113, section 7).
                #expect(ended.output.contains("goaway 11"), "\(ended.output)")
                #expect(
                    try await curl(["-o", "/dev/null", "-w", "%{http_code}", "\(service.address)/health"]).output
                        == "200")
            }
        }

        @Test func `a stopping service takes leave of idle connections`() async throws {
            let scratch = try ScratchFolder()
            let mark = scratch.path.appending("connected").string
            let idle = try await Service.run(["--tls-generate"]) { service in
                async let idle = attack(service, "nothing", mark)
                try await eventually { access(mark, F_OK) == 0 }
                service.send(SIGTERM)
                return try await idle
            }
            #expect(idle.output == "sent\ngoaway 0\n", "\(idle.everything)")
        }

        @Test func `a handshake that stalls holds up no stopping service`() async throws {
            let stalled = """
                import socket, sys
                link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                open(sys.argv[2], "w").close()
                try:
                    link.recv(1)
                except OSError:
                    pass
                """
            let scratch = try ScratchFolder()
            let mark = scratch.path.appending("connected").string
            let time = try await Service.run(["--tls-generate"]) { service in
                let port = try #require(service.address.split(separator: ":").last)
                async let ended = Command.run("python3", ["-c", stalled, String(port), mark])
                try await eventually { access(mark, F_OK) == 0 }
                // Connections are accepted in order: once this one is answered, the other is in the service's hands.
                _ = try await curl(["-o", "/dev/null", "\(service.address)/health"])
                let begin = ContinuousClock.now
                service.send(SIGTERM)
                #expect(try await ended.status == 0)
                return ContinuousClock.now - begin
            }
            // Half a minute is what a service waits for connections at the most.
            #expect(time < .seconds(15))
        }
    }
}
