import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// `kettle submit --require-attestation` with a service whose TLS key is on trusted hardware, of makers that the tests play.
    @Suite struct SubmitHardwareTests {
        enum Kind: CaseIterable {
            case snp
            case tdx
            case azure

            /// - Parameter isDebuggable: Whether the guest is one that its host can read and change.
            func evidence(over data: [UInt8], isDebuggable: Bool = false) throws -> [UInt8] {
                let vendor = ChipVendor.shared
                // Bit 19 of the guest's policy; bit 0 of TDATTRIBUTES.
                switch self {
                case .snp: return vendor.snpEvidence(reportData: data) { if isDebuggable { $0[0x00A] |= 0x08 } }
                case .tdx: return try vendor.tdxEvidence(reportData: data) { if isDebuggable { $0[120] |= 1 } }
                case .azure: return try vendor.azureEvidence(extraData: data)
                }
            }
        }

        private static let measurement = ChipVendor.measurement.hexadecimal
        private static let otherMeasurement = String(repeating: "0", count: 96)
        private static let nonce = "00112233445566778899aabbccddeeff"
        private let scratch: ScratchFolder
        private let roots: String

        init() throws {
            scratch = try ScratchFolder()
            try scratch.write(Projects.hello, to: "hello")
            roots = scratch.path.appending("roots").string
            try ChipVendor.shared.writeRoots(to: roots)
        }

        private func submit(to proxy: Interceptor, _ options: [String]) async throws -> Command.Ended {
            let arguments = ["submit", "--api", "https://127.0.0.1:\(proxy.port)", "--require-attestation"]
            return try await Command.run(
                KettleExecutable.path.string, arguments + options + ["--", "hello"], in: scratch.path)
        }

        /// Answers `GET /attestation`, whose nonce it hands on, with what `evidence` makes for it.
        private func attestation(
            by own: TestCertificate, _ evidence: @escaping @Sendable (_ key: [UInt8], BuildNonce) throws -> [UInt8]
        ) throws -> Interceptor.Behaviour {
            let key = try own.publicKey()
            return .reply(as: own) { head in
                let text = head.split(separator: "nonce=").last?.prefix(32) ?? ""
                let nonce = try #require(BuildNonce(text: String(text)))
                let answer: JSONValue = [
                    "tls_public_key": .string(Base64.encode(key)), "nonce": .string(nonce.hex),
                    "evidence": try JSONValue(parsing: evidence(key, nonce)),
                ]
                return SubmitTests.http(answer.canonicalBytes())
            }
        }

        /// Evidence as a service on hardware makes it.
        private func attestation(by own: TestCertificate, _ kind: Kind) throws -> Interceptor.Behaviour {
            try attestation(by: own) { try kind.evidence(over: ReportData(tlsKey: $0, nonce: $1).bytes) }
        }

        /// What the service does after it was believed: it says no to the upload, in words that only then are heard.
        private func refusal(by own: TestCertificate) -> Interceptor.Behaviour {
            .answer(
                SubmitTests.http(Array(#"{"detail":"the upload came"}"#.utf8), status: "400 Bad Request"), as: own)
        }

        // MARK: - What is believed

        @Test(arguments: Kind.allCases)
        func `a service on hardware that measured what is wanted gets the upload`(kind: Kind) async throws {
            let own = try await TestCertificate(in: scratch.path, named: "service")
            let attestation = try attestation(by: own, kind)
            try await Interceptor.run([attestation, refusal(by: own)]) { proxy in
                let options = ["--trust-roots", roots, "--measurement", Self.otherMeasurement, Self.measurement]
                let ended = try await submit(to: proxy, options)
                #expect(ended.status == 1, "\(ended.everything)")
                #expect(ended.errors.contains("ok    the evidence is genuine"))
                #expect(ended.errors.contains("ok    the hardware measured an image that is wanted"))
                #expect(ended.errors.contains("the service's evidence vouches for its TLS key"))
                #expect(ended.errors.contains("the service answered 400: the upload came"))
                let heard = proxy.received.map { String(decoding: $0, as: UTF8.self) }
                #expect(heard.count == 2)
                #expect(heard.last?.hasPrefix("POST /v1/build/stream ") == true)
            }
        }

        @Test func `whoever may vouch for a bundle's measurement may for a service's`() async throws {
            let list = #"{"schema":"https://kettle.build/reference-values/v1","values":[{"platform":"sev-snp","#
            let measured = #""measurement":"\#(Self.measurement)","kettle":"0.1.0"}]}"#
            let other = #""measurement":"\#(Self.otherMeasurement)"}]}"#
            try scratch.write(
                [
                    "list.json": list + measured, "other.json": list + other,
                    "policy.toml": "version = 1\nmeasurements = [\"\(Self.measurement)\"]\n",
                    "other.toml": "version = 1\nmeasurements = [\"\(Self.otherMeasurement)\"]\n",
                    "builder.toml": "version = 1\nbuilders = [\"https://kettle.build/builder/tdx/v1\"]\n",
                ], to: "asked")
            let own = try await TestCertificate(in: scratch.path, named: "service")
            let attestation = try attestation(by: own, .snp)
            let believed = [
                ["--measurements", "asked/list.json"], ["--policy", "asked/policy.toml"], ["--any-measurement"],
            ]
            for options in believed {
                try await Interceptor.run([attestation, refusal(by: own)]) { proxy in
                    let ended = try await submit(to: proxy, ["--trust-roots", roots] + options)
                    #expect(ended.errors.contains("the upload came"), "\(ended.everything)")
                    #expect(proxy.received.count == 2)
                }
            }
            let refused = [
                (["--measurements", "asked/other.json"], "an image that is not in the list"),
                (["--policy", "asked/other.toml"], "the hardware measured another image"),
                (["--policy", "asked/builder.toml", "--any-measurement"], "not one that the policy wants"),
            ]
            for (options, reason) in refused {
                try await Interceptor.run([attestation]) { proxy in
                    let ended = try await submit(to: proxy, ["--trust-roots", roots] + options)
                    #expect(ended.status == 1, "\(ended.everything)")
                    #expect(ended.errors.contains(reason), "\(ended.everything)")
                    #expect(proxy.received.count == 1)
                }
            }
        }

        @Test func `a bundle of the same hardware is then accepted`() async throws {
            // Software built it. What remains is the hardware's to say: who the builder is, and the evidence.
            try await Service.run(["--tls-generate"]) { service in
                let ended = try await Command.run(
                    KettleExecutable.path.string,
                    ["submit", "hello", "--api", service.address, "--require-attestation", "--nonce", Self.nonce]
                        + ["--software-key", service.publicKey.string, "-o", "software"], in: scratch.path)
                #expect(ended.status == 0, "\(ended.everything)")
            }
            let folder = URL(filePath: scratch.path.appending("software").string)
            let place = folder.appending(path: "provenance.json")
            let software = try String(contentsOf: place, encoding: .utf8)
            let statement = Array(software.replacing("/builder/software/v1", with: "/builder/sev-snp/v1").utf8)
            try Data(statement).write(to: place)
            let nonce = try #require(BuildNonce(text: Self.nonce))
            let evidence = try Kind.snp.evidence(
                over: ReportData(statement: ContentDigest(of: statement), nonce: nonce).bytes)
            try Data(evidence).write(to: folder.appending(path: "evidence.json"))
            let archive = scratch.path.appending("bundle.zip")
            try await Command.pack(scratch.path.appending("software"), as: archive)
            let bundle = try Array(Data(contentsOf: URL(filePath: archive.string)))

            let own = try await TestCertificate(in: scratch.path, named: "service")
            let event = "id: 1\ndata: {\"type\":\"complete\",\"result\":{\"status\":\"success\"}}\n\n"
            let location = "Location: /v1/builds/\(String(repeating: "a", count: 24))"
            let behaviours = [
                try attestation(by: own, .snp),
                .answer(SubmitTests.http(Array(event.utf8), location), as: own),
                .answer(SubmitTests.http(bundle), as: own),
            ]
            let options = ["--trust-roots", roots, "--nonce", Self.nonce, "-o", "hardware"]
            try await Interceptor.run(behaviours) { proxy in
                let ended = try await submit(to: proxy, options + ["--measurement", Self.measurement])
                #expect(ended.status == 0, "\(ended.everything)")
                #expect(ended.output.contains("ok    the hardware measured an image that is wanted"))
                #expect(ended.output.hasSuffix("accepted: hardware\n"))
                #expect(proxy.received.count == 3)
            }
        }

        // MARK: - What is refused

        enum Fault: CaseIterable {
            case noMeasurement
            case otherMeasurement
            case debuggable
            case otherKey
            case otherNonce
            case noNonce
            case buildsEvidence
            case otherRoots
            case expired
            case oldFirmware
            case malformed

            /// What is told.
            func reason(_ kind: Kind) -> String {
                switch self {
                case .noMeasurement: "nothing vouches for what the hardware measured"
                case .otherMeasurement: "the hardware measured another image than one that is wanted"
                case .debuggable: "the guest can be debugged"
                case .otherKey, .otherNonce, .noNonce, .buildsEvidence: "was not made for its key and this nonce"
                case .otherRoots: "kettle: error: the service's evidence is not enough: "
                case .expired: "is not valid at 2050-01-01T00:00:00Z"
                case .oldFirmware where kind == .tdx: "there is no collateral that would tell"
                case .oldFirmware: "the firmware is older than wanted"
                case .malformed: "has an unknown member"
                }
            }
        }

        private func options(for kind: Kind, _ fault: Fault) -> [String] {
            let trusting = ["--trust-roots", roots]
            let wanted = ["--measurement", Self.measurement]
            return switch fault {
            case .noMeasurement: trusting
            case .otherMeasurement: trusting + ["--measurement", Self.otherMeasurement]
            case .otherRoots: wanted
            case .expired: trusting + wanted + ["--at", "2050-01-01T00:00:00Z"]
            case .oldFirmware:
                trusting + wanted + (kind == .tdx ? ["--accept-tcb", "UpToDate"] : ["--min-tcb", "snp=99"])
            default: trusting + wanted
            }
        }

        private static func malformed(_ kind: Kind) -> [UInt8] {
            let platform: JSONValue = kind == .snp ? "snp" : "tdx"
            return JSONValue.object(["platform": platform, "evidence": ["report": "AAAA"]]).canonicalBytes()
        }

        @Test(arguments: [Kind.snp, .tdx], Fault.allCases)
        func `evidence that is not enough is refused before anything is sent`(kind: Kind, fault: Fault) async throws {
            let own = try await TestCertificate(in: scratch.path, named: "service")
            let other = try await TestCertificate(in: scratch.path, named: "other").publicKey()
            let attestation = try attestation(by: own) { key, nonce in
                let data =
                    switch fault {
                    case .otherKey: ReportData(tlsKey: other, nonce: nonce)
                    case .otherNonce: ReportData(tlsKey: key, nonce: .zero)
                    case .noNonce: ReportData(statement: ContentDigest(of: key), nonce: nonce)
                    // What a builder on the same hardware signs for a build with the caller's nonce.
                    case .buildsEvidence: ReportData(statement: ContentDigest(of: [0x7B, 0x7D]), nonce: nonce)
                    default: ReportData(tlsKey: key, nonce: nonce)
                    }
                guard fault != .malformed else { return Self.malformed(kind) }
                return try kind.evidence(over: data.bytes, isDebuggable: fault == .debuggable)
            }
            let options = options(for: kind, fault)
            try await Interceptor.run([attestation, refusal(by: own)]) { proxy in
                let ended = try await submit(to: proxy, options)
                #expect(ended.status == 1, "\(ended.everything)")
                #expect(ended.errors.contains(fault.reason(kind)), "\(ended.everything)")
                #expect(ended.errors.contains("FAIL  "))
                #expect(ended.errors.contains("nothing of the source was sent"))
                #expect(ended.output.isEmpty)
                #expect(proxy.received.count == 1)
            }
        }

        @Test func `options that contradict each other are told before anything is asked`() async throws {
            let own = try await TestCertificate(in: scratch.path, named: "service")
            try await Interceptor.run([refusal(by: own)]) { proxy in
                for options in [
                    ["--any-measurement", "--measurement", Self.measurement], ["--measurement", "00"],
                    ["--measurements-key", String(repeating: "0", count: 64)], ["--trust-roots", "nowhere"],
                    ["--at", "yesterday"],
                ] {
                    let ended = try await submit(to: proxy, options)
                    #expect(ended.status == 2, "\(ended.everything)")
                }
                #expect(proxy.received.isEmpty)
            }
        }

        @Test func `the source may stand behind an option with several values`() async throws {
            let own = try await TestCertificate(in: scratch.path, named: "service")
            let attestation = try attestation(by: own, .snp)
            try await Interceptor.run([attestation, refusal(by: own)]) { proxy in
                let ended = try await Command.run(
                    KettleExecutable.path.string,
                    ["submit", "--api", "https://127.0.0.1:\(proxy.port)", "--require-attestation"]
                        + ["--trust-roots", roots, "--measurement", Self.measurement, "hello"], in: scratch.path)
                #expect(ended.errors.contains("the upload came"), "\(ended.everything)")
            }
        }
    }
}
