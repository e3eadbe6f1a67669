import Foundation
import KettleTesting
import SystemPackage
import Testing

/// A plain command line is read without ArgumentParser, which reads the same with `=` between name and value.
@Suite struct PlainArgumentsTests {
    private static let vectors = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors/evidence").path
    private static let snp = "\(vectors)/snp/genoa-v5/evidence.json"
    private static let azure = "\(vectors)/az-snp/milan-v3-live/evidence.json"
    private static let time = ["--at", "2026-06-01T00:00:00Z"]
    private static let digest = String(repeating: "ab", count: 48)
    private static let hash = String(repeating: "cd", count: 32)

    private func kettle(_ arguments: [String]) async throws -> (status: Int, text: String) {
        let ended = try await Command.run(KettleExecutable.path.string, arguments)
        return (ended.status, ended.everything)
    }

    /// Pairs of a long option and its value become one argument.
    private func joined(_ arguments: [String]) -> [String] {
        var joined: [String] = []
        for argument in arguments {
            if let last = joined.last, last.hasPrefix("--"), !last.contains("="), !Self.flags.contains(last),
                !argument.hasPrefix("-")
            {
                joined[joined.count - 1] = "\(last)=\(argument)"
            } else {
                joined.append(argument)
            }
        }
        return joined
    }
    private static let flags: Set = [
        "--json", "--allow-debug", "--allow-migration", "--deny-smt", "--any-measurement", "--without-artifacts",
    ]

    @Test(arguments: [
        [snp] + time, time + [snp], time + ["--json", snp],
        time + [snp, "--json", "--allow-debug", "--allow-migration"],
        time + [snp, "--deny-smt"], time + [snp, "--measurement", digest], time + [snp, "--report-data", hash],
        time + [snp, "--host-data", hash], time + [snp, "--vmpl", "0", "--min-tcb", "snp=24"],
        time + [snp, "--vmpl", "1"], time + [snp, "--min-tcb", "snp=255"], time + [snp, "--accept-tcb", "OutOfDate"],
        time + [azure], time + [azure, "--pcr", "11=\(hash)"], time + [snp, "--rtmr", "1=\(digest)"],
        time + [snp, "--software-key", hash, "--software-key", hash],
        time + [snp, "--trust-roots", "\(vectors)/roots/synthetic"],
        time + [
            "\(vectors)/tdx/v4-b0c06f-collateral/evidence.json", "--collateral",
            "\(vectors)/collateral/intel-b0c06f-2025-06",
        ],
        time + [snp, "--measurement", "nonsense"], ["--at", "yesterday", snp], time + ["/nonexistent"],
    ])
    func `evidence is judged the same however its options are written`(arguments: [String]) async throws {
        let plain = try await kettle(["evidence"] + arguments)
        let other = try await kettle(["evidence"] + joined(arguments))
        #expect(plain == other)
        #expect(!plain.text.isEmpty)
    }

    @Test(arguments: [
        [], ["--any-measurement"], ["--json", "--any-measurement"], ["--measurement", digest],
        ["--nonce", "00112233445566778899aabbccddeeff"], ["--software-key", hash], ["--policy", "/nonexistent"],
        ["--source", "https://example.org/*"], ["--commit", hash], ["--builder", "https://example.org"],
        ["--maximum-age", "1h"], ["--measurements", "/nonexistent"], ["--measurements-key", hash],
        ["--vsa", "/nonexistent/a"],
    ])
    func `a bundle is judged the same however the options are written`(arguments: [String]) async throws {
        let bundle = ["\(Self.vectors)/bundle/ripgrep", "--without-artifacts"] + Self.time + arguments
        let plain = try await kettle(["verify"] + bundle)
        let other = try await kettle(["verify"] + joined(bundle))
        #expect(plain == other)
        #expect(!plain.text.isEmpty)
    }

    @Test func `several values, and a file behind them, are read`() async throws {
        let values = ["--measurement", Self.digest, String(Self.digest.reversed()), Self.snp] + Self.time
        #expect(try await kettle(["evidence"] + values).text.contains("policy.launch_digest"))
    }

    @Test(arguments: [
        [], [snp, snp], ["--vmpl", "1"] + time.prefix(1) + ["2026-06-01T00:00:00Z", "0", snp], [snp, "--at"],
        [snp, "--at", "--json"], [snp, "--nonsense"], ["--", snp, "--json"], [snp, "--json", "--json", "-x"],
        ["--json", ""],
    ])
    func `what is not plain is not taken for something else`(arguments: [String]) async throws {
        let ended = try await kettle(["evidence"] + arguments)
        #expect(ended.status == 2, "\(ended.text)")
    }

    @Test(arguments: ["--help", "-h"]) func `help is given`(flag: String) async throws {
        let ended = try await kettle(["evidence", Self.snp, flag])
        #expect(ended.status == 0)
        #expect(ended.text.contains("USAGE: kettle evidence"))
    }
}
