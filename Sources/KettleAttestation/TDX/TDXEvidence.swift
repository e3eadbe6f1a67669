import KettleProvenance

/// The members of `tdx`: `{"quote": base64, "cc_eventlog": base64, null or absent}`; of `dstack`:
/// `{"quote": base64 or hex, "event_log": …, "vm_config": …}`.
///
/// Event logs and configurations are not signed, and are passed over.
struct TDXEvidence {
    let quote: [UInt8]

    /// The shortest quote that was ever written in hexadecimal digits has this many.
    private static let shortestInDigits = 1264

    init(_ evidence: Evidence) throws(EvidenceError) {
        let place = "the \(evidence.platformName) evidence"
        guard evidence.platformName == "dstack" else {
            try Evidence.require(evidence.members, toHaveExactly: ["quote"], optional: ["cc_eventlog"], in: place)
            if let log = evidence.members["cc_eventlog"], !log.isNull, log.stringValue.flatMap(Base64.decode) == nil {
                throw .format(reason: "\(place)'s cc_eventlog is not canonical base64")
            }
            quote = try evidence.bytes("quote")
            return
        }
        try Evidence.require(
            evidence.members, toHaveExactly: ["quote"], optional: ["event_log", "vm_config"], in: place)
        if let text = evidence.members["quote"]?.stringValue, text.utf8.count >= Self.shortestInDigits,
            let bytes = [UInt8](hexadecimal: text.lowercased())
        {
            quote = bytes
        } else {
            quote = try evidence.bytes("quote")
        }
    }
}
