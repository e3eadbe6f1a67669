import KettleProvenance

/// The members of `snp`:
///
///     {"attestation_report": base64, "cert_chain": {"vcek": base64 of DER, "ask": base64 or null, "ark": base64 or null}}
///
/// `vcek` holds a VCEK or a VLEK. `ask` and `ark` are never used: trust does not come with the evidence.
struct SNPEvidence {
    let report: [UInt8]
    /// Nil where the evidence came without.
    let endorsement: [UInt8]?

    init(_ evidence: Evidence) throws(EvidenceError) {
        let members = evidence.members
        let place = "the \(evidence.platformName) evidence"
        try Evidence.require(
            members, toHaveExactly: ["attestation_report"], optional: ["cert_chain"], in: place)
        report = try evidence.bytes("attestation_report")
        guard let chain = members["cert_chain"], !chain.isNull else {
            endorsement = nil
            return
        }
        guard let certificates = chain.objectValue else {
            throw .format(reason: "\(place)'s cert_chain is not an object")
        }
        try Evidence.require(
            certificates, toHaveExactly: ["vcek"], optional: ["ask", "ark"], in: "\(place)'s cert_chain")
        for name in ["ask", "ark"] {
            guard let value = certificates[name], !value.isNull else { continue }
            guard value.stringValue.flatMap(Base64.decode) != nil else {
                throw .format(reason: "\(place)'s \(name) is not canonical base64")
            }
        }
        guard let text = certificates["vcek"]?.stringValue, let bytes = Base64.decode(text) else {
            throw .format(reason: "\(place)'s vcek is not canonical base64")
        }
        endorsement = bytes
    }
}
