import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
package import SystemPackage

/// A server of the tests that stands between a client and a service, and keeps what the client said to it.
package struct Interceptor: Sendable {
    /// What it does with one connection.
    package enum Behaviour: Sendable {
        /// Hands every byte on, both ways, and understands none of them.
        case pass
        /// The same, and breaks off after so many bytes of the service's.
        case cut(afterBytes: Int)
        /// Speaks TLS with a key of its own, and hands on what it reads to the service, over TLS too.
        case impersonate(TestCertificate)
        /// Answers the first request itself, in these words; over TLS where there is a certificate.
        case answer([UInt8], as: TestCertificate?)
        /// Answers the first request as the closure says, which is given the request's head.
        case reply(as: TestCertificate?, @Sendable (String) async throws -> [UInt8])
        /// Answers so, and then with the same bytes again and again.
        case repeating([UInt8], after: [UInt8], as: TestCertificate?)
    }

    package let port: Int
    private let heard: Heard

    /// What was read of each connection, decrypted where this side speaks TLS, in the order in which they came.
    package var received: [[UInt8]] { heard.connections.withLock { $0 } }

    private final class Heard: Sendable {
        let connections = Mutex<[[UInt8]]>([])

        /// Returns the new connection's number.
        func begin() -> Int {
            connections.withLock { connections in
                connections.append([])
                return connections.count - 1
            }
        }

        func add(_ bytes: ByteBuffer, to connection: Int) {
            connections.withLock { $0[connection] += Array(bytes.readableBytesView) }
        }
    }

    private typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Listens for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - service: A port of 127.0.0.1; 0 where nothing is handed on.
    ///   - behaviours: By connection; the last also of all that follow.
    package static func run<Result: Sendable>(
        before service: Int = 0, _ behaviours: [Behaviour],
        _ body: @escaping @Sendable (Interceptor) async throws -> Result
    ) async throws -> Result {
        let heard = Heard()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = heard.begin()
                    let behaviour = behaviours[min(number, behaviours.count - 1)]
                    if let certificate = behaviour.certificate {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: certificate.serverContext()))
                    }
                    return (try Bytes(wrappingChannelSynchronously: channel), number, behaviour)
                }
            }
        let interceptor = Interceptor(port: server.channel.localAddress?.port ?? 0, heard: heard)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { connections in
                    try? await server.executeThenClose { inbound in
                        for try await (client, number, behaviour) in inbound {
                            connections.addTask {
                                try? await interceptor.serve(client, number, behaviour, before: service)
                            }
                        }
                    }
                }
                return nil
            }
            group.addTask { try await body(interceptor) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func serve(
        _ client: Bytes, _ number: Int, _ behaviour: Behaviour, before service: Int
    ) async throws {
        try await client.executeThenClose { inbound, outbound in
            switch behaviour {
            case .pass: try await relay(inbound, outbound, number, to: service, isTLS: false, limit: .max)
            case .cut(let bytes): try await relay(inbound, outbound, number, to: service, isTLS: false, limit: bytes)
            case .impersonate: try await relay(inbound, outbound, number, to: service, isTLS: true, limit: .max)
            case .answer(let answer, _):
                try await readHead(inbound, number)
                try await outbound.write(ByteBuffer(bytes: answer))
            case .reply(_, let answer):
                try await readHead(inbound, number)
                try await outbound.write(ByteBuffer(bytes: answer(String(decoding: received[number], as: UTF8.self))))
            case .repeating(let piece, let start, _):
                try await readHead(inbound, number)
                try await outbound.write(ByteBuffer(bytes: start))
                while true { try await outbound.write(ByteBuffer(bytes: piece)) }
            }
        }
    }

    private func readHead(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ number: Int) async throws {
        for try await bytes in inbound {
            heard.add(bytes, to: number)
            if String(decoding: received[number], as: UTF8.self).contains("\r\n\r\n") { return }
        }
    }

    private func relay(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        _ number: Int, to port: Int, isTLS: Bool, limit: Int
    ) async throws {
        let service = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isTLS {
                        var configuration = TLSConfiguration.makeClientConfiguration()
                        configuration.certificateVerification = .none
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(
                                context: NIOSSLContext(configuration: configuration), serverHostname: nil))
                    }
                    return try Bytes(wrappingChannelSynchronously: channel)
                }
            }
        try await service.executeThenClose { answers, requests in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await bytes in inbound {
                        heard.add(bytes, to: number)
                        try await requests.write(bytes)
                    }
                }
                group.addTask {
                    var rest = limit
                    for try await bytes in answers {
                        let piece = bytes.getSlice(at: bytes.readerIndex, length: min(rest, bytes.readableBytes))
                        if let piece { try await outbound.write(piece) }
                        rest -= piece?.readableBytes ?? 0
                        if rest == 0 { return }
                    }
                }
                // Either side's end is the end.
                try await group.next()
                group.cancelAll()
            }
        }
    }
}

extension Interceptor.Behaviour {
    fileprivate var certificate: TestCertificate? {
        switch self {
        case .impersonate(let certificate): certificate
        case .answer(_, let certificate), .reply(let certificate, _), .repeating(_, _, let certificate): certificate
        case .pass, .cut: nil
        }
    }
}

/// A key and a certificate for it that it signed itself, as PEM files.
package struct TestCertificate: Sendable {
    package let certificate: FilePath
    package let key: FilePath

    /// Makes both with openssl.
    package init(in folder: FilePath, named name: String) async throws {
        certificate = folder.appending("\(name).crt.pem")
        key = folder.appending("\(name).key.pem")
        let ended = try await Command.run(
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
                + ["-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
                + ["-keyout", key.string, "-out", certificate.string])
        guard ended.status == 0 else { throw CommandFailed(program: "openssl", ended: ended) }
    }

    /// The options of `kettle serve` that name it.
    package var options: [String] { ["--tls-cert", certificate.string, "--tls-key", key.string] }

    /// The DER SubjectPublicKeyInfo of the key.
    package func publicKey() throws -> [UInt8] {
        guard let first = try NIOSSLCertificate.fromPEMFile(certificate.string).first else { return [] }
        return try first.extractPublicKey().toSPKIBytes()
    }

    func serverContext() throws -> NIOSSLContext {
        try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate.string).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key.string, format: .pem))))
    }
}
