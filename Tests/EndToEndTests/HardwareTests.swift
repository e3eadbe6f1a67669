import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import KettleAttestation
import KettleProvenance
import KettleTesting
import NIOCore
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// Builds that hardware vouches for: a double of configfs-tsm, whose reports a vendor of the tests' own signs. The product
    /// believes it only where it is told to, by `--trust-roots`.
    @Suite(.enabled(if: ConfigfsDouble.unavailable == nil, "needs FUSE")) struct HardwareTests {
        private let scratch: ScratchFolder

        init() throws { scratch = try ScratchFolder() }

        private static let unconfined =
            geteuid() == 0 ? [] : ["--allow-unconfined", "memory", "--allow-unconfined", "disk"]

        enum Chip: String, CaseIterable {
            case snp
            case tdx

            var platform: Platform { self == .snp ? .snp : .tdx }
        }

        /// What the chip makers publish, from a day ago on.
        private static let window = {
            let now = Int64(Date.now.timeIntervalSince1970)
            let times = [now - 86_400, now + 29 * 86_400].map { Statement.Timestamp(secondsSince1970: $0).text }
            return (times[0], times[1])
        }()

        // MARK: - The machine

        /// A machine with such a chip for as long as `body` takes, which is told the options that lead to it.
        private func withChip(
            _ chip: Chip, _ more: [String] = [], _ body: ([String], ConfigfsDouble) async throws -> Void
        ) async throws {
            let vendor = ChipVendor.shared
            let zeros = [UInt8](repeating: 0, count: 64)
            let key = try write(chip == .snp ? vendor.endorsementPEM : vendor.quotingPEM, to: "chip.pem")
            let signer = Corpus.checkout.appending("Tests/Doubles/sign-evidence.py").string
            let program = try write("#!/bin/sh\nexec /usr/bin/python3 \(signer) \(chip.rawValue) \(key)\n", to: "sign")
            chmod(program, 0o700)
            var options = ["--sign", program]
            let template: [UInt8]
            switch chip {
            case .snp:
                template = vendor.snpReport(reportData: zeros)
                let table = scratch.path.appending("table").string
                try Data(Self.table(vendor.vcek)).write(to: URL(filePath: table))
                options += ["--auxblob", table]
            case .tdx:
                template = try vendor.tdxQuote(reportData: zeros)
                options += ["--provider", "tdx_guest", "--offset", "568", "--auxblob", "absent"]
            }
            let file = scratch.path.appending("template")
            try Data(template).write(to: URL(filePath: file.string))
            try await ConfigfsDouble.run(template: file, options + more) { double in
                let tsm = scratch.path.appending("machine/sys/kernel/config/tsm")
                try FileManager.default.createDirectory(atPath: tsm.string, withIntermediateDirectories: true)
                symlink(double.root.string, tsm.appending("report").string)
                try await body(["--hardware-root", scratch.path.appending("machine").string], double)
            }
        }

        /// A host's certificate table: GUID, offset, length, and a row of zeros (AMD 56421, section 4.1.8.1).
        private static func table(_ vcek: [UInt8]) -> [UInt8] {
            let guid = [UInt8](hexadecimal: "63da758de6644564adc5f4b93be8accd") ?? []
            return guid + LittleEndian.bytes(UInt32(48)) + LittleEndian.bytes(UInt32(vcek.count))
                + [UInt8](repeating: 0, count: 24) + vcek
        }

        private func write(_ text: String, to name: String) throws -> String {
            let path = scratch.path.appending(name).string
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }

        private func roots() throws -> [String] {
            let folder = scratch.path.appending("roots").string
            try ChipVendor.shared.writeRoots(to: folder)
            return ["--trust-roots", folder]
        }

        /// The chip makers' services, with what this vendor publishes.
        private func withServices(
            status: String = "UpToDate", _ body: @escaping @Sendable ([String]) async throws -> Void
        ) async throws {
            let files = try ChipVendor.shared.collateral(Self.window, status: status)
            let amd = ChipVendor.shared.amdRevocations(Self.window)
            let router = Router()
            func serve(_ path: RouterPath, _ bytes: [UInt8], _ header: (String, String)? = nil) {
                router.get(path) { _, _ in
                    var response = Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
                    if let header, let name = HTTPField.Name(header.0) {
                        let text = String(decoding: files[header.1] ?? [], as: UTF8.self)
                        response.headers[name] = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
                    }
                    return response
                }
            }
            serve("/vcek/v1/Milan/crl", amd)
            serve(
                "/tdx/certification/v4/tcb", files["tcb_info.json"] ?? [],
                ("TCB-Info-Issuer-Chain", "tcb_signing_chain.pem"))
            serve(
                "/tdx/certification/v4/qe/identity", files["qe_identity.json"] ?? [],
                ("SGX-Enclave-Identity-Issuer-Chain", "qe_identity_signing_chain.pem"))
            serve("/sgx/certification/v4/pckcrl", files["pck_crl.der"] ?? [])
            // As caching services have it.
            serve("/sgx/certification/v4/rootcacrl", Array((files["root_ca_crl.der"] ?? []).hexadecimal.utf8))
            try await LoopbackServer.run(router) { port in
                let base = "http://127.0.0.1:\(port)"
                try await body(["--amd-kds", base, "--intel-pcs", base])
            }
        }

        private func kettle(_ arguments: [String]) async throws -> Command.Ended {
            try await Command.run(
                KettleExecutable.path.string, arguments, in: scratch.path,
                environment: .inherit.updating(["XDG_CACHE_HOME": scratch.path.appending("cache").string]))
        }

        private func attest(_ options: [String]) async throws -> Command.Ended {
            let project = try scratch.write(Projects.hello, to: "project")
            return try await kettle(["attest", project.string, "-o", "bundle"] + Self.unconfined + options)
        }

        private var measurement: [String] { ["--measurement", ChipVendor.measurement.hexadecimal] }

        // MARK: - Builds

        @Test(arguments: Chip.allCases)
        func `a bundle with a chip's evidence is verified offline, collateral and all`(chip: Chip) async throws {
            let nonce = "00112233445566778899aabbccddeeff"
            try await withChip(chip) { machine, double in
                let roots = try roots()
                try await withServices { services in
                    let ended = try await attest(machine + roots + services + ["--nonce", nonce])
                    #expect(ended.status == 0, "\(ended.everything)")
                    #expect(ended.everything.contains("evidence is by \(chip.platform.rawValue)"))
                }
                // Every request was taken away again.
                #expect(double.calls.count { $0.hasPrefix("mkdir") } == double.calls.count { $0.hasPrefix("rmdir") })
                let names = try FileManager.default.contentsOfDirectory(
                    atPath: scratch.path.appending("bundle/collateral").string)
                #expect(Set(names) == (chip == .snp ? ["amd_crl.der"] : Set(TDXCollateral.fileNames)))

                let verified = try await kettle(
                    ["verify", "bundle", "--nonce", nonce, "--json"] + roots + measurement)
                #expect(verified.status == 0, "\(verified.everything)")
                let verdict = try JSONValue(parsing: Array(verified.output.utf8.dropLast()))
                #expect(verdict["platform"]?.stringValue == chip.platform.rawValue)
                #expect(verdict["evidence"]?[chip == .snp ? "revocation_checked" : "collateral_checked"] == true)
                let codes = verdict["findings"]?.arrayValue?.compactMap { $0["code"]?.stringValue } ?? []
                #expect(!codes.contains("collateral.none"))

                for (options, code) in [
                    (measurement, chip == .snp ? "chain.vek" : "chain.root"), (roots, "measurement.unvouched"),
                    (roots + ["--measurement", String(repeating: "0", count: 96)], "policy.launch_digest"),
                ] {
                    let refused = try await kettle(["verify", "bundle", "--json"] + options)
                    #expect(refused.status == 1)
                    #expect(refused.output.contains("\"\(code)\""), "\(refused.everything)")
                }
            }
        }

        @Test func `a chip whose maker nobody trusts attests to nothing`() async throws {
            try await withChip(.snp) { machine, _ in
                let ended = try await attest(machine + ["--no-bundle-collateral"])
                #expect(ended.status == 2, "\(ended.everything)")
                #expect(ended.everything.contains("is not issued by the trusted authority for milan"))
                #expect(!FileManager.default.fileExists(atPath: scratch.path.appending("bundle").string))
            }
        }

        @Test(arguments: [true, false])
        func `a bundle goes without collateral that is not to be had, or would refuse it`(isRevoked: Bool) async throws
        {
            try await withChip(.tdx) { machine, _ in
                let roots = try roots()
                let closed = ["--intel-pcs", "http://127.0.0.1:9"]
                if isRevoked {
                    try await withServices(status: "Revoked") { services in
                        let ended = try await attest(machine + roots + services)
                        #expect(ended.status == 0, "\(ended.everything)")
                        #expect(ended.everything.contains("the platform's firmware is revoked"))
                    }
                } else {
                    let ended = try await attest(machine + roots + closed)
                    #expect(ended.status == 0, "\(ended.everything)")
                    #expect(ended.everything.contains("a bundle goes without collateral"))
                }
                #expect(!FileManager.default.fileExists(atPath: scratch.path.appending("bundle/collateral").string))
                let verified = try await kettle(["verify", "bundle"] + roots + measurement)
                #expect(verified.status == 0, "\(verified.everything)")
                #expect(verified.everything.contains("nothing tells what is revoked"))
            }
        }

        @Test func `without hardware nothing is attested, and each kind says why`()
            async throws
        {
            let nowhere = ["--hardware-root", scratch.path.appending("nothing").string]
            let ended = try await attest(nowhere)
            #expect(ended.status == 2)
            #expect(ended.everything.contains("no trusted hardware"))
            #expect(ended.everything.contains("sev-snp: configfs-tsm is not there"))
            let demanded = try await attest(nowhere + ["--attester", "tdx"])
            #expect(demanded.status == 2)
            #expect(demanded.everything.contains("this machine has no tdx"))
            let unknown = try await attest(nowhere + ["--attester", "sgx"])
            #expect(unknown.status == 2)
            #expect(unknown.everything.contains("must be one of auto, software, "))
            let serve = try await kettle(
                ["serve", "--port", "0", "--data-dir", scratch.path.appending("data").string, "--attester", "sev-snp"]
                    + nowhere + Self.unconfined)
            #expect(serve.status == 2)
            #expect(serve.everything.contains("this machine has no sev-snp"))
        }

        @Test(arguments: Chip.allCases)
        func `a client sends its source once the chip has vouched for the key of the connection`(chip: Chip)
            async throws
        {
            let project = try scratch.write(Projects.hello, to: "project").string
            try await withChip(chip) { machine, _ in
                let roots = try roots()
                try await Service.run(
                    machine + roots + ["--no-bundle-collateral", "--tls-generate"], data: scratch.path.appending("data")
                ) { service in
                    func submit(_ options: [String]) async throws -> Command.Ended {
                        try await kettle(
                            ["submit", project, "--api", "https://127.0.0.1:\(service.port)", "--require-attestation"]
                                + options)
                    }
                    let ended = try await submit(roots + measurement + ["-o", "out"])
                    #expect(ended.status == 0, "\(ended.everything)")
                    let bundle = scratch.path.appending("out/evidence.json").string
                    let evidence = try Evidence(parsing: Array(Data(contentsOf: URL(filePath: bundle))))
                    #expect(evidence.platform == chip.platform)
                    for options in [roots, roots + ["--measurement", String(repeating: "0", count: 96)], measurement] {
                        let refused = try await submit(options + ["-o", "refused"])
                        #expect(refused.status == 1, "\(refused.everything)")
                    }
                    let builds = scratch.path.appending("data/builds").string
                    #expect(
                        try FileManager.default.contentsOfDirectory(atPath: builds).count == 1,
                        "only the first was sent")
                }
            }
        }

        @Test func `a service has its chip vouch for builds`() async throws {
            try await withChip(.snp) { machine, _ in
                let roots = try roots()
                let doctor = try await kettle(["doctor", "--json"] + machine + roots + Self.unconfined)
                let report = try JSONValue(parsing: Array(doctor.output.utf8.dropLast()))
                let rows = report["attestation"]?.arrayValue ?? []
                #expect(
                    rows.contains { $0["name"] == "sev-snp" && $0["state"] == "ready" }, "\(doctor.everything)")
                try await Service.run(machine + roots + ["--no-bundle-collateral"]) { service in
                    let stream = try await service.build(Projects.hello)
                    let result = try #require(stream.result)
                    #expect(result["platform"] == "sev-snp")
                    #expect(result["attestation_status"] == "success")
                    let path = try #require(result["bundle_url"]?.stringValue)
                    let bundle = scratch.path.appending("bundle.zip")
                    try Data(try await service.get(path).body).write(to: URL(filePath: bundle.string))
                    let verified = try await kettle(["verify", bundle.string] + roots + measurement)
                    #expect(verified.status == 0, "\(verified.everything)")
                }
            }
        }
    }
}
