// Makes software evidence for a statement, and checks it as the other side would.
import KettleAttestation
import KettleProvenance

let statement = Array("the bytes of provenance.json".utf8)
let key = SoftwareKey()
let claim = ReportData(statement: ContentDigest(of: statement), nonce: .zero)
let bytes = try await SoftwareAttester(key: key).evidence(for: claim)

// The other side has the two files, and a fingerprint that reached it on another way.
let fingerprint = key.fingerprint
let evidence = try SoftwareEvidence(Evidence(parsing: bytes)).verified()
let isBound = evidence.reportData.statement == ContentDigest(of: statement)
let isTrusted = evidence.publicKey.fingerprint == fingerprint
print(isBound && isTrusted ? "the key vouches for the statement" : "not accepted")
