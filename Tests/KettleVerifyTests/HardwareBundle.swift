import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify

/// A bundle of ours with the evidence of a chip whose maker the tests play.
struct HardwareBundle {
    enum Kind: String, CaseIterable {
        case snp
        case tdx
        case azure

        var platform: Platform {
            switch self {
            case .snp: .snp
            case .tdx: .tdx
            case .azure: .azureSNP
            }
        }
    }

    var kind: Kind
    var nonce = BuildNonce.zero
    var collateral: [String: [UInt8]] = [:]
    /// Changes the report, or the quote's body, before it is signed.
    var change: (inout [UInt8]) -> Void = { _ in }
    /// What is signed along, where it is not what it should be.
    var reportData: [UInt8]?
    var finishedOn = time("2026-06-01T00:00:00Z")

    static func time(_ text: String) -> Statement.Timestamp {
        Statement.Timestamp(text: text) ?? Statement.Timestamp(secondsSince1970: 0)
    }

    func contents() throws -> [String: [UInt8]] {
        let sample = SampleBundle.with { statement in
            statement.builderID = kind.platform.builderID
            statement.startedOn = finishedOn
            statement.finishedOn = finishedOn
            if nonce != .zero { statement.externalParameters["nonce"] = nonce.hex }
        }
        var files = sample.files
        let bytes = sample.statement.encoded()
        files["provenance.json"] = bytes
        let data = reportData ?? ReportData(statement: ContentDigest(of: bytes), nonce: nonce).bytes
        let vendor = ChipVendor.shared
        switch kind {
        case .snp: files["evidence.json"] = vendor.snpEvidence(reportData: data, change: change)
        case .tdx: files["evidence.json"] = try vendor.tdxEvidence(reportData: data, change: change)
        case .azure: files["evidence.json"] = try vendor.azureEvidence(extraData: data)
        }
        for (name, bytes) in collateral { files["collateral/\(name)"] = bytes }
        return files
    }

    /// One that trusts the tests' vendor and what it measured.
    static func verifier(at text: String = ChipVendor.time) throws -> BundleVerifier {
        var verifier = BundleVerifier()
        verifier.roots = try ChipVendor.shared.roots()
        verifier.hardware.launchDigests = [ChipVendor.measurement]
        verifier.time = time(text)
        return verifier
    }

    func verdict(_ ask: (inout BundleVerifier) -> Void = { _ in }) throws -> Verdict {
        var verifier = try Self.verifier()
        ask(&verifier)
        return verifier.verify(try UnverifiedBundle(contents: try contents()))
    }
}
