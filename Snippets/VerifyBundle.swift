// Verifies a bundle, offline, and takes the word of one software key.
import Foundation
import KettleProvenance
import KettleVerify

// snippet.hide
let arguments = CommandLine.arguments
guard arguments.count == 3, let fingerprint = ContentDigest(hex: arguments[2]) else {
    print("usage: VerifyBundle BUNDLE FINGERPRINT")
    exit(2)
}
let path = arguments[1]
// snippet.show
let verifier = BundleVerifier(softwareKeys: [fingerprint])
do {
    let verdict = try verifier.verify(at: path)
    for finding in verdict.findings {
        print(finding.text)
    }
    guard let bundle = verdict.verified else {
        print("not accepted: \(verdict.outcome)")
        exit(1)
    }
    for artifact in bundle.artifacts {
        print(artifact.digest, artifact.name.debugDescription)
    }
} catch {
    // Nothing is known about a bundle that the file system does not hand out.
    print("not read: \(error.message)")
    exit(2)
}
