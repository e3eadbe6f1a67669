// Verifies hardware's evidence, and asks what was started and what was signed along.

// snippet.hide
import Glibc
// snippet.show
import KettleAttestation
import KettleProvenance
import KettleVerify

// snippet.hide
guard CommandLine.arguments.count == 4, let measurement = Policy.measurement(CommandLine.arguments[2]),
    let time = Statement.Timestamp(text: CommandLine.arguments[3]), let file = fopen(CommandLine.arguments[1], "r")
else {
    print("usage: VerifyHardwareEvidence EVIDENCE.json MEASUREMENT TIME")
    exit(2)
}
var bytes = [UInt8](repeating: 0, count: Evidence.limitInBytes)
bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
// snippet.show
do {
    // Keep one verifier: it remembers the certificates that it has checked.
    let verifier = EvidenceVerifier()
    let verified = try verifier.verify(Evidence(parsing: bytes), at: time)

    // Genuine is not enough: anyone can rent such a machine.
    var policy = HardwarePolicy()
    policy.launchDigests = [measurement]
    let reasons = policy.reasons(against: verified)
    for reason in reasons {
        print(reason.code, reason.message)
    }
    print(reasons.isEmpty ? verified.facts.canonicalString() : "not accepted")
    exit(reasons.isEmpty ? 0 : 1)
} catch {
    print(error.code, error.message)
    exit(1)
}
