import Foundation
import SystemPackage

/// A TPM 2.0 in software (swtpm) of one test's own, set up like the one of an Azure confidential VM.
package struct SoftwareTPM: Sendable {
    /// How it is reached, as a TCTI configuration.
    package var configuration: String { "swtpm:host=127.0.0.1,port=\(port)" }
    package let port: UInt16
    private let folder: FilePath

    /// Why there can be none on this machine, or nil.
    package static let unavailable: String? =
        ["swtpm", "tpm2"].first { !Command.isInstalled($0) }.map { "\($0) is not installed" }

    /// Runs one for as long as `body` takes.
    @discardableResult
    package static func run<Result>(_ body: (SoftwareTPM) async throws -> Result) async throws -> Result {
        let scratch = try ScratchFolder()
        let port = LoopbackListener.freePair()
        return try await HelperProgram.run(
            "/usr/bin/env",
            [
                "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(scratch.path)", "--flags",
                "not-need-init,startup-clear", "--server", "type=tcp,port=\(port),bindaddr=127.0.0.1", "--ctrl",
                "type=tcp,port=\(port + 1),bindaddr=127.0.0.1",
            ], log: scratch.path.appending("output"), isReady: { LoopbackListener.isTaken(port) }
        ) {
            try await body(SoftwareTPM(port: port, folder: scratch.path))
        }
    }

    /// Runs a relay before it that lets things happen (`Tests/Doubles/moving-tpm.py`).
    ///
    /// - Returns: What `body` makes of the TPM behind the relay.
    @discardableResult
    package func relayed<Result>(
        _ options: [String], _ body: (SoftwareTPM) async throws -> Result
    ) async throws -> Result {
        let port = LoopbackListener.freePair()
        let program = Corpus.checkout.appending("Tests/Doubles/moving-tpm.py").string
        return try await HelperProgram.run(
            "/usr/bin/env", ["python3", program, "\(port)", "\(self.port)"] + options,
            log: folder.appending("relay"), isReady: { LoopbackListener.isTaken(port) }
        ) { try await body(SoftwareTPM(port: port, folder: folder)) }
    }

    /// Makes a restricted RSA-2048 signing key at 0x81000003.
    ///
    /// - Returns: Its modulus, 256 bytes. The exponent is 65537.
    package func makeAttestationKey() async throws -> [UInt8] {
        try await tool([
            "createprimary", "-Q", "-C", "e", "-G", "rsa2048:rsassa-sha256:null", "-a",
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign", "-c", "key",
        ])
        try await tool(["evictcontrol", "-Q", "-C", "o", "-c", "key", "0x81000003"])
        try await tool(["flushcontext", "-t"])
        try await tool(["readpublic", "-Q", "-c", "0x81000003", "-f", "der", "-o", "key.der"])
        try await tool(["readpublic", "-Q", "-c", "0x81000003", "-f", "pem", "-o", "key.pem"])
        // SubjectPublicKeyInfo of such a key has 294 bytes, the modulus from 33 on.
        let der = try await file("key.der")
        return Array(der[33..<33 + 256])
    }

    /// Defines an index of its storage and writes it.
    package func store(_ bytes: [UInt8], at index: String, defining: Bool = true) async throws {
        let name = "store-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(filePath: folder.appending(name).string))
        if defining {
            try await tool(["nvdefine", "-Q", "-C", "o", index, "-s", "\(bytes.count)", "-a", "ownerread|ownerwrite"])
        }
        try await tool(["nvwrite", "-Q", "-C", "o", index, "-i", name])
    }

    /// The bytes at an index of its storage; nil when it is not defined.
    package func stored(at index: String) async throws -> [UInt8]? {
        let name = "read-\(UUID().uuidString)"
        guard try await run(["nvread", "-Q", "-C", "o", index, "-o", name]).status == 0 else { return nil }
        return try await file(name)
    }

    /// Has tpm2-tools check a quote: signature, report data and registers.
    package func accepts(quote message: [UInt8], signature: [UInt8], over data: [UInt8]) async throws -> Bool {
        // TPMT_SIGNATURE: RSASSA, SHA-256, length and signature.
        let structure: [UInt8] = [0x00, 0x14, 0x00, 0x0B, UInt8(signature.count >> 8), UInt8(signature.count & 0xFF)]
        for (name, bytes) in [("message", message), ("signature", structure + signature)] {
            try Data(bytes).write(to: URL(filePath: folder.appending(name).string))
        }
        let hex = data.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return try await run([
            "checkquote", "-Q", "-u", "key.pem", "-m", "message", "-s", "signature", "-g", "sha256", "-q", hex,
        ]).status == 0
    }

    /// Extends a register of the SHA-256 bank.
    package func extend(_ register: Int) async throws {
        try await tool(["pcrextend", "\(register):sha256=\(String(repeating: "5a", count: 32))"])
    }

    private func file(_ name: String) async throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: folder.appending(name).string)))
    }

    @discardableResult
    private func tool(_ arguments: [String]) async throws -> Command.Ended {
        let ended = try await run(arguments)
        guard ended.status == 0 else { throw CommandFailed(program: "tpm2 \(arguments[0])", ended: ended) }
        return ended
    }

    private func run(_ arguments: [String]) async throws -> Command.Ended {
        // checkquote needs no TPM and takes none.
        let connection = arguments.first == "checkquote" ? [] : ["-T", configuration]
        return try await Command.run("tpm2", arguments + connection, in: folder)
    }
}
