import KettleAttestation
import KettleProvenance

/// A single question about a bundle, beside those of a policy: an option of `kettle verify`, a part of `POST /verify`.
package enum BundleQuestion: String, CaseIterable, Sendable {
    case nonce, source, commit, builder
    case maximumAge = "maximum_age"
    case softwareKey = "software_key"
    case measurement
    case at
    case anyMeasurement = "any_measurement"
    case withoutArtifacts = "without_artifacts"

    /// Whether it may be asked more than once: any of the answers will do.
    package var isRepeatable: Bool { self == .softwareKey || self == .measurement }

    /// What an answer to it looks like, for people.
    package var form: String {
        switch self {
        case .nonce: "32 hexadecimal digits; dashes are allowed"
        case .source: "git+https://…, archive:…, or one of them ending in /*"
        case .commit: "a full commit id: 40 or 64 hexadecimal digits"
        case .builder: "a builder's id, such as https://kettle.build/builder/software/v1"
        case .maximumAge: "a number and s, m, h or d, such as 30d"
        case .softwareKey: "the fingerprint of a public key: 64 hexadecimal digits"
        case .measurement: "a launch digest: 96 hexadecimal digits"
        case .at: "a time in UTC, such as 2026-11-24T00:12:10Z, or build"
        case .anyMeasurement, .withoutArtifacts: "true or false"
        }
    }
}

extension BundleVerifier {
    /// Has the verifier ask a question.
    ///
    /// - Parameter text: As people write it.
    /// - Returns: Whether the text is of the question's ``BundleQuestion/form``; nothing is asked where it is not.
    package mutating func ask(_ question: BundleQuestion, _ text: String) -> Bool {
        /// Keeps a value if the text has one.
        func keep<Value>(_ value: Value?, _ body: (Value) -> Void) -> Bool {
            value.map(body) != nil
        }
        switch question {
        case .nonce: return keep(BuildNonce(text: text)) { nonce = $0 }
        case .source: return keep(SourcePattern(text: text)) { expected.sources = [$0] }
        case .commit: return keep(Policy.commit(text.lowercased())) { expected.commits = [$0] }
        case .builder: return keep(text.hasPrefix("https://") ? text : nil) { expected.builders = [$0] }
        case .maximumAge: return keep(Policy.seconds(text)) { expected.maximumAge = $0 }
        case .softwareKey: return keep(ContentDigest(hex: text.lowercased())) { softwareKeys.insert($0) }
        case .measurement:
            return keep(Policy.measurement(text.lowercased())) {
                hardware.launchDigests = (hardware.launchDigests ?? []).union([$0])
            }
        case .at:
            judgesAtBuildTime = text == "build"
            return judgesAtBuildTime || keep(Statement.Timestamp(text: text)) { time = $0 }
        case .anyMeasurement: return keep(Bool(text)) { acceptsAnyMeasurement = $0 }
        case .withoutArtifacts: return keep(Bool(text)) { leavesArtifactsOut = $0 }
        }
    }
}
