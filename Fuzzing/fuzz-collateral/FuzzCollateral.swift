import CFuzzer
import FuzzVectors
import Glibc
import KettleAttestation
import KettleProvenance

@main
enum FuzzCollateral {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzCollateral.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    private static let vector = Vector("tdx/v4-b0c06f-collateral")
    private static let files = vector.collateral
    private static let evidence = vector.evidence
    private static let quote = required { try TDXQuote(parsing: vector.file("quote.bin")) }
    private static let platform: PCKExtension = {
        let chain = required { PEM.certificates(in: quote.certificates[...], style: .quote) }
        return required { try PCKExtension(try Certificate(parsing: chain[0])) }
    }()
    /// Genuine evidence, with the time at which it holds, and what is in it.
    private static let genuine = [
        "snp/genoa-v5", "snp/milan-v3-vlek-vmpl1", "tdx/v4-spr-50806f", "az-snp/milan-v3-live",
    ].map { name in
        let vector = Vector(name)
        return (time: vector.time, facts: required { facts(vector.evidence, at: vector.time) })
    }

    /// The first byte says what the rest is.
    private static func check(_ input: [UInt8]) {
        let bytes = Array(input.dropFirst())
        switch input.first.map({ $0 % 3 }) {
        case 0: checkTCBInfo(bytes)
        case 1: checkEnclaveIdentity(bytes)
        case 2: checkEvidence(bytes)
        default: break
        }
    }

    private static func checkTCBInfo(_ bytes: [UInt8]) {
        guard let content = signed("tcbInfo", bytes) else { return }
        // What is read only after a signature was checked, which no fuzzer gets past.
        if let info = try? TCBInfo(content.value) {
            _ = try? info.moduleLevel(of: quote.body)
            _ = try? info.platformLevel(of: platform, quote.body)
            _ = info.shortfall(platform, quote.body)
        }
        checkSignature(bytes, content.bytes, in: "tcb_info.json", "tcbInfo")
    }

    private static func checkEnclaveIdentity(_ bytes: [UInt8]) {
        guard let content = signed("enclaveIdentity", bytes) else { return }
        if let identity = try? QEIdentity(content.value) {
            try? identity.check(quote.enclave)
            _ = try? identity.level(of: quote.enclave)
        }
        checkSignature(bytes, content.bytes, in: "qe_identity.json", "enclaveIdentity")
    }

    /// A document in the place of the genuine one: accepted only where what is signed is the same.
    private static func checkSignature(_ bytes: [UInt8], _ content: [UInt8], in name: String, _ member: String) {
        let collateral = required { try Collateral(files: files.merging([name: bytes]) { $1 }) }
        let verifier = EvidenceVerifier(roots: .vendor, collateral: collateral)
        guard (try? verifier.verify(evidence, at: vector.time)) != nil else { return }
        expect(content == signed(member, required { files[name] })?.bytes, "no other \(member) to be accepted")
    }

    private static func signed(_ member: String, _ bytes: [UInt8]) -> (value: [String: JSONValue], bytes: [UInt8])? {
        guard let parts = try? JSONValue.members(parsing: bytes), let part = parts[member] else { return nil }
        // What a member's range holds is the value that was read.
        let content = Array(bytes[part.range])
        expect((try? JSONValue(parsing: content)) == part.value, "the range of a member's value")
        return part.value.objectValue.map { ($0, content) }
    }

    private static func checkEvidence(_ bytes: [UInt8]) {
        guard let evidence = try? Evidence(parsing: bytes) else { return }
        if evidence.platform == .software {
            _ = try? SoftwareEvidence(evidence).verified()
            return
        }
        let claims = EvidenceClaims(evidence)
        for one in genuine {
            guard let facts = facts(evidence, at: one.time) else { continue }
            expect(genuine.contains { $0.facts == facts }, "no other evidence to be accepted")
            expect(claims != nil, "claims in evidence that is accepted")
        }
    }

    /// What accepted evidence says, without the name of its platform, of which some have two.
    private static func facts(_ evidence: Evidence, at time: Statement.Timestamp) -> JSONValue? {
        guard let verified = try? EvidenceVerifier().verify(evidence, at: time) else { return nil }
        var facts = verified.facts.objectValue
        facts?["platform"] = nil
        return facts.map(JSONValue.object)
    }
}
