import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

/// `kettle evidence` as the built program, on a vector with its parameters as options.
extension EvidenceVector {
    var options: [String] {
        var options = ["--at", parameters["verify_at"]?.stringValue ?? ""]
        if parameters["roots"] != "vendor" {
            options += ["--trust-roots", Self.root.appending(path: "roots/synthetic").path]
        }
        if let collateral = parameters["collateral"]?.stringValue {
            options += ["--collateral", Self.root.appending(path: collateral).path]
        }
        if let data = parameters["expected_report_data"]?.stringValue { options += ["--report-data", data] }
        func list(_ name: String, _ values: [String]) { if !values.isEmpty { options += [name] + values } }
        list("--measurement", parameters["expected_launch_digest"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        let policy = parameters["policy"]
        if policy?["allow_debug"] == true { options.append("--allow-debug") }
        list("--vmpl", policy?["vmpl"]?.arrayValue?.compactMap { $0.integerValue.map(String.init) } ?? [])
        list("--accept-tcb", policy?["tcb_accept"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        list("--min-tcb", policy?["min_tcb"]?.objectValue?.map { "\($0.key)=\($0.value.integerValue ?? -1)" } ?? [])
        return options
    }

    func run() async throws -> (ended: Command.Ended, answer: JSONValue) {
        let ended = try await Command.run(
            KettleExecutable.path.string, ["evidence", "\(path)/evidence.json"] + options + ["--json"])
        return (ended, try JSONValue(parsing: Array(ended.output.utf8.dropLast())))
    }
}

@Suite struct EvidenceCommandTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    @Test func `there are as many vectors as there should be`() {
        #expect(EvidenceVector.evidence.count == 327)
    }

    @Test(arguments: EvidenceVector.evidence) func `every vector gets its verdict and its facts`(vector: EvidenceVector)
        async throws
    {
        let (ended, answer) = try await vector.run()
        if vector.isValid {
            #expect(ended.status == 0, "\(ended.everything)")
            #expect(answer["valid"] == true)
            #expect(answer["reason"] == .null)
            #expect(answer["facts"]?.canonicalString() == vector.expected["facts"]?.canonicalString())
        } else {
            #expect(ended.status == 1, "\(ended.everything)")
            #expect(answer["valid"] == false)
            #expect(answer["facts"] == .null)
            #expect(vector.reasons.contains(answer["reason"]?.stringValue ?? ""), "\(ended.everything)")
        }
    }

    private let genoa = EvidenceVector.root.appending(path: "snp/genoa-v5/evidence.json").path

    private func evidence(_ arguments: String...) async throws -> Command.Ended {
        try await Command.run(KettleExecutable.path.string, ["evidence"] + arguments)
    }

    @Test func `for a person it tells the facts and what was not checked`() async throws {
        let ended = try await evidence(genoa, "--at", "2026-06-01T00:00:00Z")
        #expect(ended.status == 0)
        #expect(ended.output.hasSuffix("\nvalid\n"))
        #expect(ended.output.contains("not checked: what was started (--measurement)"))
        #expect(ended.output.contains("not checked: revocation (--collateral)"))
        let late = try await evidence(genoa, "--at", "2040-01-01T00:00:00Z")
        #expect(late.status == 1)
        #expect(late.output.hasPrefix("refused: cert.time: "))
    }

    @Test(arguments: [
        ["--vmpl", "0", "1", "FILE"], ["--accept-tcb", "UpToDate", "FILE"], ["FILE", "--vmpl", "0", "--vmpl", "1"],
        ["--min-tcb", "snp=1", "tee=0", "FILE"],
    ])
    func `the file may stand behind an option with several values`(arguments: [String]) async throws {
        let ended = try await Command.run(
            KettleExecutable.path.string,
            ["evidence", "--at", "2026-06-01T00:00:00Z"] + arguments.map { $0 == "FILE" ? genoa : $0 })
        #expect(ended.status == 0, "\(ended.everything)")
    }

    @Test(arguments: [
        ["--at", "yesterday"], ["--report-data", "0"], ["--report-data", "xy"], ["--measurement", "00"],
        ["--vmpl", "4"],
        ["--vmpl", "-1"], ["--accept-tcb", "Revoked"], ["--accept-tcb", "fine"], ["--min-tcb", "snp"],
        ["--min-tcb", "snp=256"], ["--min-tcb", "snp=+5"], ["--min-tcb", "snp=5", "snp=1"], ["--rtmr", "4=00"],
        ["--min-tcb", "kernel=1"], ["--pcr", "24=\(String(repeating: "0", count: 64))"],
        ["--pcr", "1=00"], ["--host-data", "00"], ["--trust-roots", "/nonexistent"], ["--collateral", "/nonexistent"],
        ["--software-key", "/nonexistent"],
    ])
    func `an option that cannot be understood exits 2`(option: [String]) async throws {
        let ended = try await Command.run(KettleExecutable.path.string, ["evidence", genoa] + option)
        #expect(ended.status == 2, "\(ended.everything)")
        #expect(ended.output.isEmpty)
        #expect(ended.everything.contains("rror: "))
    }

    @Test func `evidence that cannot be read exits 2, and what is none 1`() async throws {
        #expect(try await evidence("/nonexistent").status == 2)
        #expect(try await evidence().status == 2)
        #expect(try await evidence("/dev/null").status == 1)
        let large = scratch.path.appending("large").string
        try Data().write(to: URL(filePath: large))
        truncate(large, 11 << 20)
        let ended = try await evidence(large)
        #expect(ended.status == 1)
        #expect(ended.output.contains("evidence.format"))
    }

    @Test func `a certificate that did not come with the evidence comes from a file`() async throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: genoa)))
        let evidence = try JSONValue(parsing: bytes)
        let report = try #require(evidence["evidence"]?["attestation_report"])
        let bare: JSONValue = ["platform": "snp", "evidence": ["attestation_report": report, "cert_chain": nil]]
        let path = try scratch.write(["evidence.json": bare.canonicalString()], to: "bare").appending("evidence.json")
            .string
        #expect(try await self.evidence(path).output.contains("chain.missing"))
        let folder = scratch.path.appending("vek")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        let vek = URL(filePath: folder.appending("vek.der").string)
        try FileManager.default.copyItem(at: EvidenceVector.root.appending(path: "snp/genoa-v5/vek.der"), to: vek)
        let given = try await self.evidence(path, "--collateral", folder.string, "--at", "2026-06-01T00:00:00Z")
        #expect(given.status == 0, "\(given.everything)")
        try FileManager.default.removeItem(at: vek)
        try FileManager.default.copyItem(at: EvidenceVector.root.appending(path: "snp/milan-v2/vek.der"), to: vek)
        let other = try await self.evidence(path, "--collateral", folder.string, "--at", "2026-06-01T00:00:00Z")
        #expect(other.status == 1)
        #expect(other.output.contains("chain.vek"))
    }

    @Test func `roots and collateral that are none say what is missing`() async throws {
        let empty = try scratch.write(["README": "nothing"], to: "empty").string
        let roots = try await evidence(genoa, "--trust-roots", empty)
        #expect(roots.status == 2)
        #expect(roots.everything.contains("intel/sgx-root-ca.der"))
        let collateral = try await evidence(genoa, "--collateral", empty)
        #expect(collateral.status == 2)
        #expect(collateral.everything.contains("amd_crl.der"))
        // A part of a set says nothing, and a set for the other maker nothing of this chip.
        let part = try scratch.write(["tcb_info.json": "{}"], to: "part").string
        let refused = try await evidence(genoa, "--collateral", part)
        #expect(refused.status == 1)
        #expect(refused.output.contains("collateral.missing"))
        let intel = EvidenceVector.root.appending(path: "collateral/intel-90c06f-2026-02").path
        let other = try await evidence(genoa, "--collateral", intel)
        #expect(other.status == 1)
        #expect(other.output.contains("collateral.missing"))
    }
}
