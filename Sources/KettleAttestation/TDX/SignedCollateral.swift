internal import Crypto
import KettleProvenance

/// Documents that Intel signs: `{"tcbInfo": {…}, "signature": hex}` and the like.
///
/// The signature covers the exact bytes of the member's value, so they are cut out of the file and nothing is written again.
struct SignedCollateral {
    let content: [String: JSONValue]
    /// From issueDate to nextUpdate, narrowed to the signing certificate's times.
    private(set) var window: ValidityWindow
    /// The certificate's serial number, to be looked up in the root's revocation list.
    let signer: Certificate

    private static let signerName = "Intel SGX TCB Signing"

    /// - Parameters:
    ///   - reason: What is wrong when something about the document is.
    ///   - member: The name of the signed member.
    ///   - chain: The signer's certificate and the root's, in PEM.
    init(
        _ bytes: [UInt8], member: String, chain: [UInt8], reason: EvidenceError.Reason, roots: TrustRoots,
        at time: Statement.Timestamp
    ) throws(EvidenceError) {
        let root = try roots.intelRoot()
        guard let certificates = PEM.certificates(in: chain[...], style: .file), certificates.count == 2 else {
            throw EvidenceError(reason, "the chain of \(member) is not two certificates in PEM")
        }
        guard certificates[1] == root.bytes else {
            throw EvidenceError(.chainRoot, "the root of \(member)'s chain is not the trusted one")
        }
        guard let signer = roots.checked.certificate(certificates[0], issuedBy: root),
            signer.commonName == Self.signerName, !signer.isAuthority, case .p256(let key) = signer.publicKey
        else {
            throw EvidenceError(reason, "the signer of \(member) is not \(Self.signerName)")
        }
        guard signer.validity.contains(time) else { throw .expired(signer, at: time) }
        self.signer = signer

        let parts: [String: (value: JSONValue, range: Range<Int>)]
        do {
            parts = try JSONValue.members(parsing: bytes)
        } catch {
            throw EvidenceError(reason, "\(member) cannot be read: \(error.message)")
        }
        guard parts.count == 2, let part = parts[member], let content = part.value.objectValue,
            let digits = parts["signature"]?.value.stringValue,
            let raw = [UInt8](hexadecimal: digits.lowercased()),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
        else { throw EvidenceError(reason, "the document is not {\"\(member)\": …, \"signature\": …}") }
        guard key.isValidSignature(signature, for: bytes[part.range]) else {
            throw EvidenceError(reason, "\(member) is not signed by \(Self.signerName)")
        }
        self.content = content
        guard let issued = content["issueDate"]?.stringValue.flatMap(Statement.Timestamp.init(text:)),
            let next = content["nextUpdate"]?.stringValue.flatMap(Statement.Timestamp.init(text:))
        else { throw EvidenceError(reason, "\(member) does not say when it was issued and until when it holds") }
        window = ValidityWindow(issued, next)
        guard window.contains(time) else { throw .stale(member, window, at: time) }
        window.narrow(to: signer.validity)
    }

    /// A member that has to be there.
    static func text(_ object: [String: JSONValue], _ name: String) throws(CollateralFault) -> String {
        guard let text = object[name]?.stringValue else { throw CollateralFault(name) }
        return text
    }

    /// A member in hexadecimal digits of either case.
    static func bytes(_ object: [String: JSONValue], _ name: String, _ count: Int) throws(CollateralFault) -> [UInt8] {
        guard let bytes = [UInt8](hexadecimal: try text(object, name).lowercased()), bytes.count == count else {
            throw CollateralFault(name)
        }
        return bytes
    }

    static func number(_ object: [String: JSONValue], _ name: String) throws(CollateralFault) -> Int {
        guard let value = object[name]?.integerValue, (0...65_535).contains(value) else { throw CollateralFault(name) }
        return Int(value)
    }

    static func objects(_ object: [String: JSONValue], _ name: String) throws(CollateralFault) -> [[String: JSONValue]]
    {
        guard let values = object[name]?.arrayValue else { throw CollateralFault(name) }
        var objects: [[String: JSONValue]] = []
        for value in values {
            guard let one = value.objectValue else { throw CollateralFault(name) }
            objects.append(one)
        }
        return objects
    }
}

/// A member of signed collateral is missing or not of the form it has to be.
struct CollateralFault: Error {
    let member: String
    init(_ member: String) { self.member = member }
}

/// One line of a list of TCB levels: from which versions on which status holds.
package struct TCBLevel {
    let status: TCBStatus
    let date: String
    let advisories: [String]

    /// - Throws: ``CollateralFault``; ``EvidenceError`` `tcb.unsupported` for a status that is unknown.
    init(_ object: [String: JSONValue]) throws {
        let name = try SignedCollateral.text(object, "tcbStatus")
        guard let status = TCBStatus(rawValue: name) else {
            throw EvidenceError(.tcbUnsupported, "the TCB status \"\(name)\" is unknown")
        }
        self.status = status
        date = try SignedCollateral.text(object, "tcbDate")
        guard let list = object["advisoryIDs"] else {
            advisories = []
            return
        }
        guard let texts = list.arrayValue?.map(\.stringValue), texts.allSatisfy({ $0 != nil }) else {
            throw CollateralFault("advisoryIDs")
        }
        advisories = texts.compactMap { $0 }
    }
}
