import KettleAttestation
import KettleDevices
import KettleProvenance
import KettleTesting
import Synchronization
import Testing

/// What the chip makers publish, from services of the tests.
@Suite struct CollateralSourceTests {
    private static let month = ("2026-05-20T00:00:00Z", "2026-06-19T00:00:00Z")
    private static let base = "https://pcs.example"
    private static let amd = "https://kds.example"

    /// Answers as Intel's and AMD's services do, and counts.
    private final class Services: Sendable {
        private let requested = Mutex<[String]>([])
        private let documents: Mutex<[String: VendorDocument]>
        private let gate = Mutex<AsyncStream<Void>?>(nil)

        init(_ documents: [String: VendorDocument]) {
            self.documents = Mutex(documents)
        }

        var requests: [String] { requested.withLock { $0 } }

        func change(_ change: (inout [String: VendorDocument]) -> Void) { documents.withLock { change(&$0) } }

        /// Holds every answer back until what is returned is called.
        func hold() -> @Sendable () -> Void {
            let (stream, opening) = AsyncStream<Void>.makeStream()
            gate.withLock { $0 = stream }
            return { opening.finish() }
        }

        func fetch(_ url: String) async throws -> VendorDocument {
            requested.withLock { $0.append(url) }
            if let gate = gate.withLock({ $0 }) { for await _ in gate {} }
            guard let document = documents.withLock({ $0[url] }) else { throw CollateralFailure.unavailable("404") }
            return document
        }
    }

    private static func documents(status: String = "UpToDate") throws -> [String: VendorDocument] {
        let files = try ChipVendor.shared.collateral(month, status: status)
        func chain(_ name: String) -> String {
            (files[name] ?? []).map { byte in
                let isPlain =
                    byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5A || byte >= 0x61 && byte <= 0x7A
                return isPlain ? String(UnicodeScalar(byte)) : "%" + [byte].hexadecimal.uppercased()
            }.joined()
        }
        return [
            "\(base)/tdx/certification/v4/tcb?fmspc=90C06F000000": VendorDocument(
                body: files["tcb_info.json"] ?? [], headers: ["tcb-info-issuer-chain": chain("tcb_signing_chain.pem")]),
            "\(base)/tdx/certification/v4/qe/identity": VendorDocument(
                body: files["qe_identity.json"] ?? [],
                headers: ["sgx-enclave-identity-issuer-chain": chain("qe_identity_signing_chain.pem")]),
            "\(base)/sgx/certification/v4/pckcrl?ca=platform&encoding=der": VendorDocument(
                body: files["pck_crl.der"] ?? []),
            "\(base)/sgx/certification/v4/rootcacrl": VendorDocument(
                body: Array((files["root_ca_crl.der"] ?? []).hexadecimal.utf8)),
            "\(amd)/vcek/v1/Milan/crl": VendorDocument(body: ChipVendor.shared.amdRevocations(month)),
        ]
    }

    private final class Clock: Sendable {
        private let seconds: Mutex<Int64>
        init() { seconds = Mutex(Statement.Timestamp(text: ChipVendor.time)?.secondsSince1970 ?? 0) }
        var now: Statement.Timestamp { Statement.Timestamp(secondsSince1970: seconds.withLock { $0 }) }
        func advance(_ more: Int64) { seconds.withLock { $0 += more } }
    }

    private func source(_ services: Services, _ clock: Clock = Clock()) throws -> CollateralSource {
        CollateralSource(
            intel: Self.base, amd: Self.amd, roots: try ChipVendor.shared.roots(), now: { clock.now },
            fetch: { try await services.fetch($0) })
    }

    private func tdx() throws -> Evidence {
        try Evidence(parsing: try ChipVendor.shared.tdxEvidence(reportData: [UInt8](repeating: 1, count: 48)))
    }

    private func snp() throws -> Evidence {
        try Evidence(parsing: ChipVendor.shared.snpEvidence(reportData: [UInt8](repeating: 1, count: 48)))
    }

    @Test func `both makers' files come whole, and are got once`() async throws {
        let services = Services(try Self.documents())
        let source = try source(services)
        for _ in 0..<3 {
            let files = try await source.files(for: try tdx(), waiting: .seconds(120)).get()
            #expect(Set(files.keys) == Set(TDXCollateral.fileNames))
            #expect(
                try await source.files(for: try snp(), waiting: .seconds(120)).get().keys.sorted() == ["amd_crl.der"])
        }
        #expect(services.requests.count == 5)
        #expect(Set(services.requests).count == 5)
    }

    @Test func `what is kept for a day is got again after it`() async throws {
        let (services, clock) = (Services(try Self.documents()), Clock())
        let source = try source(services, clock)
        _ = try await source.files(for: try snp(), waiting: .seconds(120)).get()
        clock.advance(86_399)
        _ = try await source.files(for: try snp(), waiting: .seconds(120)).get()
        #expect(services.requests.count == 1)
        clock.advance(2)
        _ = try await source.files(for: try snp(), waiting: .seconds(120)).get()
        #expect(services.requests.count == 2)
    }

    @Test func `a service that is down is left alone for a minute`() async throws {
        let (services, clock) = (Services([:]), Clock())
        let source = try source(services, clock)
        for _ in 0..<3 {
            let answer = await source.files(for: try snp(), waiting: .seconds(120))
            #expect(answer == .failure(.unavailable("404")))
        }
        #expect(services.requests.count == 1)
        let documents = try Self.documents()
        services.change { $0 = documents }
        clock.advance(61)
        #expect(try await source.files(for: try snp(), waiting: .seconds(120)).get().count == 1)
    }

    @Test func `a slow service holds nobody up, and is there for the next`() async throws {
        let services = Services(try Self.documents())
        let open = services.hold()
        let source = try source(services)
        let late = await source.files(for: try snp(), waiting: .milliseconds(20))
        #expect(late == .failure(.late(.milliseconds(20))))
        open()
        #expect(try await source.files(for: try snp(), waiting: .seconds(120)).get().count == 1)
        #expect(services.requests.count == 1)
    }

    @Test func `what would have the evidence refused is not given out`() async throws {
        for status in ["Revoked", "Unheard"] {
            let source = try source(Services(try Self.documents(status: status)))
            guard case .failure(.unfit) = await source.files(for: try tdx(), waiting: .seconds(120)) else {
                Issue.record("\(status) was given out")
                continue
            }
        }
        let revoked = ChipVendor.shared.amdRevocations(Self.month, revoked: true)
        let services = Services(["\(Self.amd)/vcek/v1/Milan/crl": VendorDocument(body: revoked)])
        guard case .failure(.unfit) = await (try source(services)).files(for: try snp(), waiting: .seconds(120)) else {
            Issue.record("a revocation was given out")
            return
        }
    }

    @Test func `answers that are malformed are none`() async throws {
        let documents = try Self.documents()
        for url in documents.keys.sorted() where url.hasPrefix(Self.base) {
            for spoil: (inout VendorDocument) -> Void in [
                { $0.body = [] }, { $0.body = Array("<html>".utf8) }, { $0.body.removeLast() },
                { $0.headers = $0.headers.isEmpty ? [:] : ["other": "x"] },
                { $0.headers = $0.headers.mapValues { $0 + "%" } },
                { $0.headers = $0.headers.mapValues { $0 + "%ZZ" } }, { $0.headers = $0.headers.mapValues { _ in "" } },
            ] {
                var changed = documents
                var document = try #require(documents[url])
                let before = document
                spoil(&document)
                guard document != before else { continue }
                changed[url] = document
                let answer = await (try source(Services(changed))).files(for: try tdx(), waiting: .seconds(120))
                #expect((try? answer.get()) == nil, "\(url)")
            }
        }
    }

    @Test func `evidence that is not genuine gets nothing`() async throws {
        let services = Services(try Self.documents())
        let source = CollateralSource(
            intel: Self.base, amd: Self.amd, roots: .vendor, now: { Clock().now },
            fetch: { try await services.fetch($0) })
        guard case .failure(.unfit) = await source.files(for: try snp(), waiting: .seconds(120)) else {
            Issue.record("a stranger's chip got collateral")
            return
        }
        #expect(services.requests.isEmpty)
    }
}
