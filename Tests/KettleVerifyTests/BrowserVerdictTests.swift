import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import Testing

/// The page `/verify` against the command line, in headless Chromium.
@Suite(
    .enabled(if: Browser.isInstalled, "Chromium is not installed"),
    .enabled(if: KettleExecutable.canConfine, "bubblewrap is not installed, or kettle is not built"))
struct BrowserVerdictTests {
    /// Calls the verifier that the page itself runs.
    private static let script = """
        const page = document.querySelector('script[type=module]').src;
        const { verify } = await import(page.replace('verify.js', 'verifier.js'));
        const { canonical } = await import(page.replace('verify.js', 'canonical.js'));
        const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
        const mapped = (table, change) => Object.fromEntries(Object.entries(table).map(([k, v]) => [k, change(v)]));
        for (const { name, bundle, asked } of JSON.parse(await (await file('cases')).text())) {
          const { hardware, roots, collateral } = asked;
          for (const table of ['pcrs', 'rtmrs', 'minimumTCB']) hardware[table] = new Map(hardware[table]);
          if (roots) {
            asked.roots = { intel: bytes(roots.intel) };
            for (const role of ['ark', 'ask', 'asvk']) asked.roots[role] = mapped(roots[role], bytes);
          }
          if (collateral) asked.collateral = new Map(collateral.map(([k, v]) => [k, bytes(v)]));
          let verdict;
          try {
            verdict = canonical((await verify(bytes(bundle), asked)).json);
          } catch (fault) {
            verdict = 'threw ' + fault.stack;
          }
          await say(verdict);
        }
        await say('end');
        """

    @Test(.timeLimit(.minutes(5)))
    func `the browser finds what the command line finds, in the same words and order`() async throws {
        let cases = try await BrowserCases.all()
        #expect(cases.count > 700)
        let list = JSONValue.array(cases.map(\.json)).canonicalBytes()
        let lines = try await Service.run { service in
            try await Browser.visit("/verify", of: service, files: ["cases": list], script: Self.script) { line, _ in
                line != "end"
            }.lines
        }
        #expect(lines.last == "end")
        #expect(lines.count == cases.count + 1)
        for (one, line) in zip(cases, lines) where one.verdict != line {
            Issue.record("\(one.name): \(Self.difference(one.verdict, line))")
        }
        // The comparison would say nothing of verdicts that are all alike.
        let outcomes = cases.map { (try? JSONValue(parsing: Array($0.verdict.utf8)))?["outcome"]?.stringValue }
        #expect(outcomes.count { $0 == "accepted" } > 35)
        #expect(outcomes.count { $0 == "rejected" } > 500)
    }

    @Test(.timeLimit(.minutes(5)))
    func `the browser refuses every archive that the command line refuses, and no other`() async throws {
        let cases = try BrowserCases.oddArchives()
        #expect(cases.count > 150)
        let list = JSONValue.array(cases.map(\.json)).canonicalBytes()
        let lines = try await Service.run { service in
            try await Browser.visit("/verify", of: service, files: ["cases": list], script: Self.script) { line, _ in
                line != "end"
            }.lines
        }
        try #require(lines.count == cases.count + 1 && lines.last == "end")
        for (one, line) in zip(cases, lines) where try Self.codes(one.verdict) != Self.codes(line) {
            Issue.record("\(one.name): \(Self.difference(one.verdict, line))")
        }
        let ambiguous = Set(HostileTars.ambiguousNames.map(\.name))
        #expect(cases.allSatisfy { !ambiguous.contains($0.name) || $0.verdict.contains("bundle.damaged") })
        // Some are read by all programs alike, and are no bundles.
        #expect(cases.count { $0.verdict.contains("provenance.missing") } > 6)
    }

    /// What was found, by code and status.
    private static func codes(_ verdict: String) throws -> [String] {
        let findings = try JSONValue(parsing: Array(verdict.utf8))["findings"]?.arrayValue ?? []
        return findings.map { "\($0["status"]?.stringValue ?? "") \($0["code"]?.stringValue ?? "")" }
    }

    /// The first finding in which two verdicts differ.
    private static func difference(_ wanted: String, _ actual: String) -> String {
        func findings(_ text: String) -> [JSONValue] {
            (try? JSONValue(parsing: Array(text.utf8)))?["findings"]?.arrayValue ?? []
        }
        let (left, right) = (findings(wanted), findings(actual))
        for index in 0..<max(left.count, right.count) {
            let one = left.indices.contains(index) ? left[index].canonicalString() : "nothing"
            let other = right.indices.contains(index) ? right[index].canonicalString() : "nothing"
            if one != other { return "\(one) and in the browser \(other)" }
        }
        return "\(wanted.suffix(2000)) and in the browser \(actual.suffix(2000))"
    }

    @Test func `the roots in the page are those that are compiled in`() throws {
        let path = "\(Corpus.checkout)/Sources/CWeb/Web/roots.js"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let parts = text.matches(of: /"([A-Za-z0-9+\/=]{20,})"/).map { String($0.1) }
        let roots = TrustRoots.vendorContents
        let all = [roots.ark, roots.ask, roots.asvk].flatMap { table in SNPProduct.allCases.compactMap { table[$0] } }
        #expect(parts.joined() == (all + [roots.intel]).map { Data($0).base64EncodedString() }.joined())
    }
}
