import KettleProvenance

/// Makes evidence with a software key, for development and for machines without trusted hardware.
public struct SoftwareAttester: Attester {
    private let key: SoftwareKey

    public init(key: SoftwareKey) {
        self.key = key
    }

    public var platform: Platform { .software }

    public func evidence(for reportData: ReportData) async throws -> [UInt8] {
        let signature = try key.signature(over: reportData.bytes)
        let envelope: JSONValue = [
            "platform": .string(platform.evidenceName),
            "evidence": [
                "algorithm": .string(SoftwareEvidence.algorithm),
                "public_key": .string(Base64.encode(key.publicKey.der)),
                "signature": .string(Base64.encode(signature)),
                "signed_data": .string(reportData.bytes.hexadecimal),
            ],
        ]
        return envelope.canonicalBytes()
    }
}
