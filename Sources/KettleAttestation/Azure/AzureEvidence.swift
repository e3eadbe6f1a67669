import KettleProvenance

/// The members of `az-snp` and `az-tdx`:
///
///     {"version": 1, "tpm_quote": {"signature": hex, "message": hex, "pcrs": [24 × hex]},
///      "hcl_report": base64url, "vcek": base64url of DER, or "td_quote": base64url}
struct AzureEvidence {
    let quote: TPMQuote
    let hclReport: [UInt8]
    /// The VCEK's certificate, or the TDX quote.
    let endorsement: [UInt8]

    init(_ evidence: Evidence) throws(EvidenceError) {
        let members = evidence.members
        let last = evidence.platform == .azureSNP ? "vcek" : "td_quote"
        let place = "the \(evidence.platformName) evidence"
        try Evidence.require(members, toHaveExactly: ["version", "tpm_quote", "hcl_report", last], in: place)
        guard let version = members["version"]?.integerValue else {
            throw .format(reason: "\(place)'s version is not an integer")
        }
        guard version == 1 else {
            throw EvidenceError(
                .version, "the version of \(place) is unknown", expected: "1", actual: "\(version)")
        }
        guard let quote = members["tpm_quote"]?.objectValue else {
            throw .format(reason: "\(place)'s tpm_quote is not an object")
        }
        try Evidence.require(quote, toHaveExactly: ["signature", "message", "pcrs"], in: "\(place)'s tpm_quote")
        func hexadecimal(_ value: JSONValue?, _ name: String) throws(EvidenceError) -> [UInt8] {
            guard let text = value?.stringValue else { throw .format(reason: "\(place)'s \(name) is not a string") }
            guard let bytes = [UInt8](hexadecimal: text.lowercased()) else {
                throw EvidenceError(.tpmFormat, "\(place)'s \(name) is not hexadecimal digits")
            }
            return bytes
        }
        guard let list = quote["pcrs"]?.arrayValue else { throw .format(reason: "\(place)'s pcrs are not a list") }
        var pcrs: [[UInt8]] = []
        for value in list { pcrs.append(try hexadecimal(value, "pcrs")) }
        self.quote = TPMQuote(
            message: try hexadecimal(quote["message"], "message"),
            signature: try hexadecimal(quote["signature"], "signature"), pcrs: pcrs)
        hclReport = try evidence.bytes("hcl_report", url: true)
        endorsement = try evidence.bytes(last, url: true)
    }
}
