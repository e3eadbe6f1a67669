import Glibc
import HTTPTypes
import KettleAttestation
import KettleProvenance
import KettleServer
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// `GET /attestation`, and the TLS that it is about.
    @Suite struct AttestationRouteTests {
        @Test func `the evidence binds the key of the TLS and the nonce`() async throws {
            let scratch = try ScratchFolder()
            let certificate = try await TestCertificate(in: scratch.path, named: "service")
            let spki = try await Command.run(
                "sh",
                ["-c", "openssl pkey -in \(certificate.key) -pubout -outform DER | base64 -w0"])
            try await Service.run(certificate.options) { service in
                for prefix in ["", "/v1", "/api"] {
                    let query = "nonce=00112233-44556677-8899AABB-CCDDEEFF"
                    let answer = try await service.get("\(prefix)/attestation?\(query)")
                    #expect(answer.status == 200)
                    #expect(answer["Cache-Control"] == "no-store")
                    let json = try answer.json()
                    #expect(json.keys == ["tls_public_key", "nonce", "evidence"])
                    #expect(json["tls_public_key"]?.stringValue == spki.output)
                    #expect(json["nonce"] == "00112233445566778899aabbccddeeff")
                    let evidence = try Evidence(parsing: #require(json["evidence"]).canonicalBytes())
                    let signed = try SoftwareEvidence(evidence).verified().reportData
                    let key = try #require(Base64.decode(spki.output))
                    let nonce = try #require([UInt8](hexadecimal: "00112233445566778899aabbccddeeff"))
                    #expect(signed.statement == ContentDigest(of: key + nonce))
                    #expect(signed.nonce == .zero)
                }
            }
        }

        @Test func `a nonce is 16 bytes, and there has to be one`() async throws {
            try await Service.run(["--tls-generate"]) { service in
                let bad = [
                    "", "?nonce=", "?nonce=0011", "?nonce=00112233445566778899aabbccddeef",
                    "?nonce=00112233445566778899aabbccddeeff00", "?nonce=zz112233445566778899aabbccddeeff",
                    "?nonce=00112233445566778899aabbccddee--ff",
                ]
                for query in bad {
                    let answer = try await service.get("/v1/attestation\(query)")
                    #expect(answer.status == 400, "\(query)")
                    #expect(answer["Content-Type"] == "application/problem+json")
                    #expect(try answer.json()["code"] == "request.bad_parameter")
                }
            }
        }

        @Test func `evidence is made one at a time, and few callers wait`() async throws {
            let attester = HeldAttester()
            let desk = TLSKeyAttestation(publicKey: [0x30], attester: attester)
            let nonce = try #require(BuildNonce(text: "00112233445566778899aabbccddeeff"))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<TLSKeyAttestation.queueLimit + 3 {
                    group.addTask {
                        do {
                            _ = try await desk.answer(to: nonce)
                            return true
                        } catch let problem as ProblemDetails {
                            #expect(problem.status == .tooManyRequests)
                            #expect(problem.headers[.retryAfter] != nil)
                            return false
                        }
                    }
                }
                // Those that are too many hear so at once.
                for _ in 0..<3 { #expect(try await group.next() == false) }
                await attester.letGo()
                var answered = 0
                for try await wasAnswered in group where wasAnswered { answered += 1 }
                #expect(answered == TLSKeyAttestation.queueLimit)
            }
            #expect(await attester.mostAtOnce == 1)
            _ = try await desk.answer(to: nonce)
        }

        @Test func `a certificate and a key that do not go together are told`() async throws {
            let scratch = try ScratchFolder()
            let one = try await TestCertificate(in: scratch.path, named: "one")
            let other = try await TestCertificate(in: scratch.path, named: "other")
            let missing = scratch.path.appending("missing.pem").string
            let cases: [(options: [String], message: String)] = [
                (["--tls-cert", one.certificate.string, "--tls-key", other.key.string], "is not that of the first"),
                (["--tls-cert", missing, "--tls-key", one.key.string], "cannot be read"),
                (["--tls-cert", one.key.string, "--tls-key", one.key.string], "holds no certificate"),
                (["--tls-cert", one.certificate.string, "--tls-key", one.certificate.string], "holds no private key"),
                (["--tls-cert", one.certificate.string], "given together with tls-key"),
                (["--tls-key", one.key.string], "given together with tls-cert"),
                (one.options + ["--tls-generate"], "given without tls-cert and tls-key"),
            ]
            for (options, message) in cases {
                let data = scratch.path.appending("data").string
                let ended = try await Command.run(
                    KettleExecutable.path.string, ["serve", "--port", "0", "--data-dir", data] + options)
                #expect(ended.status == 2)
                #expect(ended.errors.contains(message), "\(ended.everything)")
                #expect(access(data, F_OK) != 0, "something was made although TLS could not be")
            }
            let mixed = ["--tls-cert", one.certificate.string, "--tls-key", other.key.string]
            let doctor = try await Command.run(KettleExecutable.path.string, ["doctor"] + mixed)
            #expect(doctor.status == 1)
            #expect(doctor.everything.contains("is not that of the first"))
        }

        @Test func `the generated key is nowhere on the disk, and another one the next time`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            var keys: Set<String> = []
            for _ in 0..<2 {
                let answer = try await Service.run(["--tls-generate"], data: data) { service in
                    #expect(!service.dataFiles.contains { $0.lowercased().contains("tls") })
                    return try await service.get("/attestation?nonce=00112233445566778899aabbccddeeff")
                }
                keys.insert(try #require(try answer.json()["tls_public_key"]?.stringValue))
            }
            #expect(keys.count == 2)
        }
    }
}

/// An attester that makes nothing until it is let go.
///
/// An actor because callers wait in it while the test lets them go.
private actor HeldAttester: Attester {
    nonisolated let platform = Platform.software
    private var isHeld = true
    private var atOnce = 0
    private(set) var mostAtOnce = 0

    func letGo() { isHeld = false }

    func evidence(for reportData: ReportData) async throws -> [UInt8] {
        atOnce += 1
        mostAtOnce = max(mostAtOnce, atOnce)
        while isHeld { try await Task.sleep(for: .milliseconds(10)) }
        atOnce -= 1
        return Array(#"{"evidence":{},"platform":"software"}"#.utf8)
    }
}
