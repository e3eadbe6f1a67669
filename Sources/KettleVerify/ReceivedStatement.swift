import KettleProvenance

/// A statement as it was received: what it says, and the document it says it in.
struct ReceivedStatement {
    let statement: Statement
    /// With the members that this version passes over, which the Merkle root covers all the same.
    let json: JSONValue

    /// Reads `provenance.json` as a document, whichever Kettle wrote it.
    static func document(in bundle: UnverifiedBundle, _ findings: inout [Finding]) -> JSONValue? {
        guard let bytes = bundle.statement else {
            findings.append(Finding(.failed, "provenance.missing", "there is no provenance.json"))
            return nil
        }
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            findings.append(Finding(.failed, "provenance.format", "provenance.json cannot be read: \(error.message)"))
            return nil
        }
    }

    /// Reads a document as a statement of ours; nil when it is not one that this version can check.
    ///
    /// - Parameter bytes: The document as it was received.
    static func read(_ json: JSONValue, _ bytes: [UInt8], _ findings: inout [Finding]) -> ReceivedStatement? {
        checkCanonical(bytes, json, &findings)
        do {
            let statement = try Statement(json: json)
            findings.append(
                Finding(.passed, "provenance.format", "the statement is in-toto v1 with SLSA provenance v1"))
            return ReceivedStatement(statement: statement, json: json)
        } catch {
            findings.append(Finding(.failed, "provenance.format", error.message))
            return nil
        }
    }

    /// One meaning has one spelling, so nothing can hide in the layout, and two tools cannot read two things.
    private static func checkCanonical(_ bytes: [UInt8], _ json: JSONValue, _ findings: inout [Finding]) {
        let canonical = json.canonicalBytes()
        guard bytes != canonical else {
            findings.append(Finding(.passed, "provenance.canonical", "the statement is in canonical form (RFC 8785)"))
            return
        }
        let place = zip(bytes, canonical).enumerated().first { $1.0 != $1.1 }?.offset
        findings.append(
            Finding(
                .failed, "provenance.canonical", "the statement is not in canonical form (RFC 8785)",
                expected: "\(canonical.count) bytes",
                actual: "\(bytes.count) bytes, the first difference at \(place ?? min(bytes.count, canonical.count))"))
    }
}
