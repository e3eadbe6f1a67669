import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import Testing

extension EvidenceVector {
    static let synthetic = Result { try TrustRoots(folder: root.appending(path: "roots/synthetic").path) }

    /// When to verify at.
    var time: Statement.Timestamp {
        get throws { try #require(parameters["verify_at"]?.stringValue.flatMap(Statement.Timestamp.init(text:))) }
    }

    func verifier() throws -> EvidenceVerifier {
        let roots = parameters["roots"] == "vendor" ? TrustRoots.vendor : try Self.synthetic.get()
        let collateral = try parameters["collateral"]?.stringValue.map {
            try Collateral(folder: Self.root.appending(path: $0).path)
        }
        return EvidenceVerifier(roots: roots, collateral: collateral)
    }

    func policy() throws -> HardwarePolicy {
        var policy = HardwarePolicy()
        let wanted = try #require(parameters["policy"])
        policy.allowsDebug = wanted["allow_debug"]?.boolValue ?? false
        if let levels = wanted["vmpl"]?.arrayValue {
            policy.vmpls = Set(levels.compactMap { $0.integerValue.map(UInt32.init) })
        }
        if let statuses = wanted["tcb_accept"]?.arrayValue {
            policy.tcbStatuses = Set(statuses.compactMap { $0.stringValue.flatMap(TCBStatus.init(rawValue:)) })
        }
        for (part, version) in wanted["min_tcb"]?.objectValue ?? [:] {
            policy.minimumTCB[try #require(SNPTCB.Part(rawValue: part))] = UInt8(try #require(version.integerValue))
        }
        if let digests = parameters["expected_launch_digest"]?.arrayValue {
            policy.launchDigests = Set(digests.compactMap { $0.stringValue.flatMap { [UInt8](hexadecimal: $0) } })
        }
        return policy
    }

    /// The first reason against it, and the facts where there is none.
    func verdict() throws -> (reason: String?, facts: JSONValue?) {
        let verified: VerifiedHardwareEvidence
        do {
            verified = try verifier().verify(try Evidence(parsing: try file("evidence.json")), at: try time)
        } catch let error as EvidenceError {
            return (error.code, nil)
        } catch let error as EvidenceFileError {
            return (error.code, nil)
        }
        if let data = parameters["expected_report_data"]?.stringValue,
            !verified.binds(try #require([UInt8](hexadecimal: data)))
        {
            return ("binding.mismatch", nil)
        }
        if let reason = try policy().reasons(against: verified).first { return (reason.code, nil) }
        return (nil, verified.facts)
    }
}
