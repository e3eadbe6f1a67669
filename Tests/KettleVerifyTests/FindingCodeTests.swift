import Foundation
import Glibc
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

/// The codes of the sources, those of the documentation and those that the built program gives are the same.
@Suite struct FindingCodeTests {
    /// These a program asks by way of the library; the command line has them in policies only, or of a service.
    private static let askedByProgramsOnly: Set = [
        "expected.build_type", "expected.ref", "expected.required", "expected.denied",
        "binding.report_data",
    ]

    /// Only AMD's own keys could make these: a certificate of one product below the authority of another, and an authority that is
    /// none; where a caller's roots are, that is an error of the command.
    private static let neverGiven: Set = ["chain.ask", "chain.product"]

    @Test func `every code is documented, and no other`() throws {
        let codes = try Self.codesOfSources()
        #expect(codes.count > 130)
        #expect(try Self.codesOfDocumentation().subtracting(codes) == [])
        #expect(codes.subtracting(try Self.codesOfDocumentation()) == [])
    }

    @Test(.timeLimit(.minutes(5))) func `the built program gives every code, and the exit status that it means`()
        async throws
    {
        var seen: Set<String> = []
        for run in try await runs() {
            let ended = try await Command.run(
                KettleExecutable.path.string,
                ["verify", run.path, "--json"] + (run.options.contains("--at") ? [] : ["--at", "2026-11-18T11:08:20Z"])
                    + run.options)
            let verdict = try JSONValue(parsing: Array(ended.output.utf8.dropLast()))
            let findings = try #require(verdict["findings"]?.arrayValue)
            let statuses = Set(findings.compactMap { $0["status"]?.stringValue })
            let expected = statuses.contains("failed") ? 1 : statuses.contains("undetermined") ? 2 : 0
            #expect(ended.status == expected, "\(run.path) \(run.options): \(ended.everything)")
            seen.formUnion(findings.compactMap { $0["code"]?.stringValue })
        }
        seen.formUnion(try await reasonsOfEvidence())
        let unseen = try Self.codesOfSources().subtracting(Self.askedByProgramsOnly).subtracting(seen)
        #expect(unseen == Self.neverGiven, "\(unseen)")
    }

    // MARK: - Runs

    private struct Run {
        var path: String
        var options: [String] = []
    }

    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func runs() async throws -> [Run] {
        try await forged() + asked() + changed() + archives() + odd() + hardware() + original()
    }

    /// Writes a bundle's files into a folder of its own.
    private func write(_ contents: [String: [UInt8]]) throws -> String {
        let folder = scratch.path.appending(UUID().uuidString)
        for (path, bytes) in contents {
            let place = folder.appending(FilePath(path).components)
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: place.string))
        }
        return folder.string
    }

    /// The reasons that `kettle evidence` gives for evidence that must be refused.
    private func reasonsOfEvidence() async throws -> Set<String> {
        var reasons: Set<String> = []
        for vector in EvidenceVector.evidence where !vector.isValid {
            reasons.insert(try #require(try await vector.run().answer["reason"]?.stringValue))
        }
        return reasons
    }

    private func hardware() throws -> [Run] {
        let roots = scratch.path.appending("roots").string
        try ChipVendor.shared.writeRoots(to: roots)
        let other = String(repeating: "0", count: 96)
        let digest = ChipVendor.measurement.hexadecimal
        let options = ["--trust-roots", roots, "--at", ChipVendor.time]
        func listed(_ members: String) throws -> String {
            let list = "{\"schema\":\"\(ReferenceValues.schema)\",\"values\":[{\"platform\":\"sev-snp\",\(members)}]}"
            return try scratch.write(["list.json": list], to: UUID().uuidString).appending("list.json").string
        }
        var snp = HardwareBundle(kind: .snp)
        snp.change = { $0[0x00A] |= 0x04 }
        let migratable = try write(try snp.contents())
        let azure = try write(try HardwareBundle(kind: .azure).contents())
        let month = ("2026-05-20T00:00:00Z", "2026-06-19T00:00:00Z")
        let tdx = try write(
            try HardwareBundle(kind: .tdx, collateral: try ChipVendor.shared.collateral(month)).contents())
        let part = try write(try HardwareBundle(kind: .tdx, collateral: ["tcb_info.json": [1]]).contents())
        var quote = try HardwareBundle(kind: .tdx).contents()
        let text = try #require(quote["evidence.json"]).map { $0 }
        let json = try JSONValue(parsing: text)
        var bytes = try #require(json["evidence"]?["quote"]?.stringValue.flatMap(Base64.decode))
        bytes[12] ^= 1
        let foreign: JSONValue = ["platform": "tdx", "evidence": ["quote": .string(Base64.encode(bytes))]]
        quote["evidence.json"] = foreign.canonicalBytes()
        return [
            Run(path: migratable, options: options),
            Run(
                path: migratable,
                options: options + ["--any-measurement", "--deny-smt", "--host-data", String(digest.prefix(64))]),
            Run(path: migratable, options: options + ["--measurement", digest, "--allow-migration"]),
            Run(path: migratable, options: options + ["--measurements", try listed("\"measurement\":\"\(digest)\"")]),
            Run(path: migratable, options: options + ["--measurements", try listed("\"measurement\":\"\(other)\"")]),
            Run(
                path: migratable,
                options: options + [
                    "--measurements", try listed("\"measurement\":\"\(digest)\",\"kettle\":\"9\""),
                ]),
            Run(path: azure, options: options + ["--measurement", digest]),
            Run(path: azure, options: options + ["--measurement", digest, "--pcr", "1=\(other.prefix(64))"]),
            Run(path: tdx, options: options + ["--measurement", digest, "--at", "2027-01-01T00:00:00Z"]),
            Run(
                path: tdx,
                options: options + ["--measurement", digest, "--rtmr", "1=\(String(repeating: "1", count: 96))"]),
            Run(path: tdx, options: ["--at", ChipVendor.time, "--measurement", digest]),
            Run(path: part, options: options + ["--measurement", digest]),
            Run(path: try write(quote), options: options),
        ]
    }

    private func original() throws -> [Run] {
        func vector(_ name: String) -> String { EvidenceVector.root.appending(path: name).path }
        let options = ["--any-measurement", "--at", "2026-06-01T00:00:00Z"]
        let roots = ["--trust-roots", vector("roots/synthetic")]
        // A digest that is no SHA-256 is not in the vectors.
        let contents = try String(contentsOfFile: vector("synthetic/bundle/snp-cargo/provenance.json"), encoding: .utf8)
        let digest = try #require(contents.firstMatch(of: /"subject": \[[^\]]*"sha256": "([0-9a-f]{64})"/)).output.1
        let short = contents.replacing(digest, with: "00")
        let malformed = try write(["provenance.json": Array(short.utf8)])
        return [
            Run(path: vector("bundle/ripgrep"), options: options + ["--without-artifacts"]),
            Run(path: vector("negative/bundle/unknown-member-top"), options: options),
            Run(path: vector("negative/bundle/statement-type"), options: options + roots),
            Run(
                path: vector("synthetic/bundle/finished-null"), options: roots + ["--any-measurement", "--at", "build"]),
            Run(path: malformed, options: options),
        ]
    }

    private func key(_ sample: SampleBundle) -> [String] { ["--software-key", sample.key.fingerprint.hex] }

    private func forged() async throws -> [Run] {
        var runs: [Run] = []
        for forgery in ForgeryTests.spoilt + ForgeryTests.evidence {
            var sample = SampleBundle()
            forgery.change(&sample)
            var contents = try await sample.contents()
            forgery.spoil(&contents)
            runs.append(Run(path: try write(contents), options: key(sample)))
        }
        return runs
    }

    private func asked() async throws -> [Run] {
        let nonce = try #require(BuildNonce(text: "00112233445566778899aabbccddeeff"))
        var sample = SampleBundle.with { $0.externalParameters["nonce"] = nonce.hex }
        sample.nonce = nonce
        let path = try write(try await sample.contents())
        let policy = try scratch.write(
            [
                "policy.toml": """
                version = 1
                builders = ["https://kettle.build/builder/tdx/v1"]
                build_types = ["https://kettle.build/go/v1"]
                sources = ["archive:*"]
                refs = ["main"]
                commits = ["\(String(repeating: "0", count: 40))"]
                measurements = ["\(String(repeating: "0", count: 96))"]
                maximum_age = "1s"
                minimum_tcb = { snp = 1 }
                dependencies = { required = ["pkg:cargo/ghost"], denied = ["pkg:cargo/serde"] }
                """
            ], to: "policies"
        ).appending("policy.toml").string
        return [
            Run(path: path),
            Run(path: path, options: key(sample) + ["--nonce", nonce.hex, "--any-measurement"]),
            Run(path: path, options: key(sample) + ["--nonce", String(nonce.hex.reversed())]),
            Run(path: path, options: key(sample) + ["--policy", policy]),
            Run(
                path: path,
                options: key(sample) + [
                    "--builder", "https://kettle.build/builder/tdx/v1", "--source", "archive:*", "--maximum-age", "1s",
                    "--commit", String(repeating: "0", count: 40), "--measurement", String(repeating: "0", count: 96),
                ]),
        ]
    }

    private func changed() async throws -> [Run] {
        let sample = SampleBundle()
        var bare = try await sample.contents()
        for path in ["build.log", "sbom.cdx.json", "build-config/Cargo.lock"] { bare[path] = nil }
        var hardware = try await SampleBundle.with { $0.builderID = Platform.tdx.builderID }.contents()
        hardware["evidence.json"] = Array(#"{"evidence":{},"platform":"tdx"}"#.utf8)
        let older = SampleBundle.with { $0.buildType = "https://lunal.dev/kettle/cargo@v1" }
        return [
            Run(path: try write(try await sample.contents()), options: key(sample)),
            Run(path: try write(bare), options: key(sample)), Run(path: try write(hardware)),
            Run(path: try write(try await older.contents()), options: key(older)),
        ]
    }

    private func archives() async throws -> [Run] {
        let entries = try await SampleBundle().contents().map { PackedEntry(path: $0.key, content: $0.value) }
        func pack(_ entries: [PackedEntry]) throws -> String {
            let path = scratch.path.appending("\(UUID().uuidString).tar.gz").string
            try PackedEntry.write(entries, as: .tarGzip, to: path)
            return path
        }
        let cut = try pack(entries)
        truncate(cut, 100)
        return [
            Run(path: cut), Run(path: try pack(entries + [PackedEntry(path: "../evil", content: [1])])),
            Run(path: try pack(entries + entries)),
        ]
    }

    private func odd() async throws -> [Run] {
        let text = try scratch.write(["bundle.zip": "no archive"], to: "texts").appending("bundle.zip").string
        let linked = try write(try await SampleBundle().contents())
        symlink("tally", "\(linked)/artifacts/other")
        symlink("artifacts/tally", "\(linked)/link")
        let large = try write(["artifacts/tally": []])
        try Data().write(to: URL(filePath: "\(large)/provenance.json"))
        truncate("\(large)/provenance.json", 17 << 20)
        return [Run(path: text), Run(path: linked), Run(path: large), Run(path: "\(text).none")]
    }

    // MARK: - Sources of truth

    private static let checkout = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: checkout.appending(FilePath(path).components).string, encoding: .utf8)
    }

    /// The codes of the Findings section, each in backticks.
    private static func codesOfDocumentation() throws -> Set<String> {
        let text = try text("docs/verifying.md")
        let start = try #require(text.firstRange(of: "## Findings")).upperBound
        let end = try #require(text[start...].firstRange(of: "\n## ")).lowerBound
        let rows = text[start..<end].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let cells = rows.compactMap { $0.split(separator: "|").first }
        return Set(cells.flatMap { $0.matches(of: /`([a-z_]+\.[a-z_]+)`/).map { String($0.output.1) } })
    }

    /// The codes that stand in the code: whole, or in the parts that it puts together.
    private static func codesOfSources() throws -> Set<String> {
        let folder = checkout.appending(FilePath("Sources/KettleVerify").components).string
        // A policy that is none is an error, and no finding.
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".swift") && !$0.hasPrefix("Policy") }
        var codes: Set<String> = []
        let originals = ["OriginalStatement", "OriginalChecks"].map { "Sources/KettleVerify/Original/\($0).swift" }
        for path in names.map({ "Sources/KettleVerify/\($0)" }) + originals
            + ["Sources/KettleAttestation/EvidenceError.swift"]
        {
            codes.formUnion(try text(path).matches(of: /"([a-z_]+\.[a-z_]+)"/).map { String($0.output.1) })
        }
        codes.subtract([
            "provenance.json", "evidence.json", "reference_values.malformed", "reference_values.unsigned",
            "reference_values.signature",
        ])
        for record in ["lockfile", "build_log", "sbom"] {
            let suffixes = try text("Sources/KettleVerify/RecordChecks.swift").matches(of: /\\\(code\)\.([a-z_]+)"/)
            codes.formUnion(suffixes.map { "\(record).\($0.output.1)" })
        }
        let asked = try text("Sources/KettleVerify/PolicyChecks.swift").matches(
            of: /(?:check\(|asker\.code\()\s*"([a-z_]+)"/)
        codes.formUnion(asked.flatMap { ["policy.\($0.output.1)", "expected.\($0.output.1)"] })
        return codes
    }
}
