import KettleAttestation
import KettleError
import KettleVerify

/// What is wrong with an option of `kettle verify` or `kettle evidence`. The paths in it are the caller's own words.
enum VerifyOptionError: UserFacingError, Equatable {
    case nonce(String)
    case commit(String)
    case source(String)
    case builder(String)
    case age(String)
    case time(String)
    case measurement(String)
    case reportData(String)
    case pcr(String)
    case rtmr(String)
    case hostData(String)
    case vmpl(String)
    case tcbStatus(String)
    case tcbPart(String)
    case tcbPartTwice(String)
    case evidenceUnreadable(String)
    case listUnreadable(String)
    case noList
    case contradiction(String, String)
    case policyUnreadable(String)
    case policy(path: String, PolicyError)
    case keyUnreadable(String)
    case keyMalformed(String)

    var code: String {
        switch self {
        case .nonce: "verify.nonce"
        case .commit: "verify.commit"
        case .source: "verify.source"
        case .builder: "verify.builder"
        case .age: "verify.age"
        case .time: "verify.time"
        case .measurement: "verify.measurement"
        case .reportData: "verify.report_data"
        case .pcr: "verify.pcr"
        case .rtmr: "verify.rtmr"
        case .hostData: "verify.host_data"
        case .vmpl: "verify.vmpl"
        case .tcbStatus: "verify.tcb_status"
        case .tcbPart, .tcbPartTwice: "verify.tcb_part"
        case .evidenceUnreadable: "verify.evidence_unreadable"
        case .listUnreadable: "verify.list_unreadable"
        case .noList: "verify.no_list"
        case .contradiction: "verify.contradiction"
        case .policyUnreadable: "verify.policy_unreadable"
        case .policy(_, let error): error.code
        case .keyUnreadable: "verify.key_unreadable"
        case .keyMalformed: "verify.key_malformed"
        }
    }

    var message: String {
        switch self {
        case .nonce(let text): "\"\(text)\" is not a nonce"
        case .commit(let text): "\"\(text)\" is not a full commit id"
        case .source(let text): "\"\(text)\" is neither a repository nor an archive"
        case .builder(let text): "\"\(text)\" is not a builder's id"
        case .age(let text): "\"\(text)\" is not an age of a build"
        case .time(let text): "\"\(text)\" is not a time"
        case .measurement(let text): "\"\(text)\" is not a launch digest"
        case .reportData(let text): "\"\(text)\" is not report data"
        case .pcr(let text): "\"\(text)\" does not name a register and its value"
        case .rtmr(let text): "\"\(text)\" does not name a register of TDX and its value"
        case .tcbPartTwice(let part): "the lowest version of \(part) is given twice"
        case .hostData(let text): "\"\(text)\" is not host data"
        case .vmpl(let text): "\"\(text)\" is not a privilege level"
        case .tcbStatus(let text): "\"\(text)\" is not a state in which a platform can be accepted"
        case .tcbPart(let text): "\"\(text)\" does not name a part of the firmware and its version"
        case .evidenceUnreadable(let path): "the evidence \"\(path)\" cannot be read"
        case .listUnreadable(let path): "the list of images \"\(path)\" cannot be read"
        case .noList: "--measurements-key names a key, and no list of images is named"
        case .contradiction(let one, let other): "\(one) and \(other) contradict each other"
        case .policyUnreadable(let path): "the policy \"\(path)\" cannot be read"
        case .policy(let path, let error): "\(path):\(error.line.map { "\($0):" } ?? "") \(error.reason)"
        case .keyUnreadable(let path): "the software key \"\(path)\" cannot be read"
        case .keyMalformed(let path): "\"\(path)\" holds no P-256 public key in PEM"
        }
    }

    var hint: String? {
        switch self {
        case .nonce: "give \(BundleQuestion.nonce.form)"
        case .commit: "give \(BundleQuestion.commit.form), which git rev-parse shows"
        case .source: "give \(BundleQuestion.source.form)"
        case .builder: "kettle inspect shows one, such as https://kettle.build/builder/software/v1"
        case .age: "give \(BundleQuestion.maximumAge.form)"
        case .time: "write it in UTC, such as 2026-11-24T00:12:10Z; kettle verify also takes the word build"
        case .measurement: "give \(BundleQuestion.measurement.form)"
        case .reportData: "give an even number of hexadecimal digits"
        case .pcr: "write it as 11=HEX: a number from 0 to 23, and 64 hexadecimal digits"
        case .rtmr: "write it as 1=HEX: a number from 0 to 3, and 96 hexadecimal digits"
        case .tcbPartTwice: "give the higher one"
        case .hostData: "host data are 64 hexadecimal digits on SNP, and 96 on TDX"
        case .vmpl: "privilege levels are 0, 1, 2 and 3"
        case .tcbStatus:
            "known are \(TCBStatus.allCases.filter { $0 != .revoked }.map(\.rawValue).joined(separator: ", "))"
        case .tcbPart: "write it as snp=24; parts are \(SNPTCB.Part.allCases.map(\.rawValue).joined(separator: ", "))"
        case .listUnreadable: nil
        case .noList: "name a list with --measurements"
        case .evidenceUnreadable: "give an evidence.json, such as the one in a bundle"
        case .contradiction: "leave one of them out"
        case .policyUnreadable: "kettle policy init BUNDLE writes one"
        case .policy(_, let error): error.hint
        case .keyUnreadable: "give the public key's PEM file, or its fingerprint as 64 hexadecimal digits"
        case .keyMalformed:
            "a service has one beside its key, software-key.pub.pem; openssl pkey -in KEY -pubout makes one of a private key"
        }
    }
}
