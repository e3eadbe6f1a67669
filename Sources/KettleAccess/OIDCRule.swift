/// Which identity tokens (OpenID Connect Core 1.0) of one issuer are accepted, and as whom.
package struct OIDCRule: Sendable, Hashable {
    /// What the operator calls it: 1 to 32 letters, digits, `_` and `-`.
    package let name: String
    /// As the tokens' `iss` has it, byte for byte.
    package let issuer: String
    /// One of the tokens' `aud`.
    package let audience: String
    package let subject: SubjectPattern
    package let scopes: Set<Caller.Scope>
    /// Whose builds they send and read; nil makes an owner of each subject.
    package let owner: String?
    /// Where the issuer's keys are; nil asks the issuer.
    package let keysURL: String?

    package init(
        name: String, issuer: String, audience: String, subject: SubjectPattern, scopes: Set<Caller.Scope>,
        owner: String?, keysURL: String?
    ) {
        self.name = name
        self.issuer = issuer
        self.audience = audience
        self.subject = subject
        self.scopes = scopes
        self.owner = owner
        self.keysURL = keysURL
    }

    /// Without a colon, so that `oidc:NAME:SUBJECT` can be read in one way.
    package static func isValidName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || "_-".utf8.contains($0)
            }
    }

    func caller(with claims: OIDCClaims) -> Caller? {
        guard claims.audiences.contains(where: { $0.utf8.elementsEqual(audience.utf8) }),
            subject.matches(claims.subject)
        else { return nil }
        return Caller(owner: owner ?? "oidc:\(name):\(claims.subject)", scopes: scopes)
    }
}

/// Which subjects are meant: an exact text, in which `*` stands for any characters but the colon, also none.
///
/// In the subjects of CI systems the colon separates the parts (`repo:owner/name:ref:refs/heads/main`). A `*` that went
/// beyond its part could be filled with parts of an attacker's: `repo:owner/*:ref:refs/heads/main` would take
/// `repo:owner/other:environment:x:ref:refs/heads/main`. A slash is no such boundary: branches and groups have them.
package struct SubjectPattern: Sendable, Hashable {
    private let parts: [[UInt8]]

    package init(_ text: String) {
        parts = Self.parts(text)
    }

    package func matches(_ subject: String) -> Bool {
        let others = Self.parts(subject)
        return parts.count == others.count && zip(parts, others).allSatisfy(Self.matches)
    }

    private static func parts(_ text: String) -> [[UInt8]] {
        text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// Goes back to the last star only, so it takes at most the product of both lengths.
    private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (place, position) = (0, 0)
        var star: (place: Int, position: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let last = star {
                star = (last.place, last.position + 1)
                place = last.place + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
