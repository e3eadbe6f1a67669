import KettleAccess
import KettleError
import KettleProvenance
import KettleStore
import KettleTesting
import Logging
import Synchronization
import SystemPackage
import Testing

@Suite struct AuthenticatorTests {
    private let clock = SetClock()
    private let scratch: ScratchFolder
    private let isDown = Switch()

    private final class Switch: Sendable {
        let isOn = Atomic(false)
    }

    init() throws {
        scratch = try ScratchFolder()
    }

    private func tokens() throws -> TokenStore {
        try TokenStore(of: BuildStore(in: DataFolder(sharing: scratch.path)))
    }

    /// Identity tokens of any subject, whose times are by the clock.
    private func authenticator(_ issuer: String) throws -> Authenticator {
        var logger = Logger(label: "access")
        logger.logLevel = .critical
        let rule = OIDCRule(
            name: "ci", issuer: issuer, audience: "a", subject: SubjectPattern("s*"), scopes: [.submit], owner: nil,
            keysURL: nil)
        return Authenticator(tokens: try tokens(), rules: [rule], logger: logger) { [clock] in
            clock.now
        } fetch: { [isDown] url in
            let ended = try await Command.run("curl", ["-sS", "--fail", "--max-time", "20", url])
            guard ended.status == 0, !isDown.isOn.load(ordering: .relaxed) else {
                throw CommandFailed(program: "curl", ended: ended)
            }
            return Array(ended.output.utf8)
        }
    }

    private func shown(_ provider: IdentityProvider, keyID: String? = nil) throws -> String {
        let now = clock.now / 1000
        return try provider.token(
            subject: "s1", audience: "a", keyID: keyID, ["iat": .integer(now - 60), "exp": .integer(now + 60)])
    }

    @Test func `the owner of an identity is never one that a token can have`() async throws {
        try await IdentityProvider.run { provider in
            let caller = try await authenticator(provider.issuer).caller(showing: shown(provider))
            #expect(caller == Caller(owner: "oidc:ci:s1", scopes: [.submit]))
            #expect(!OwnerName.isValid("oidc:ci:s1"))
        }
    }

    @Test func `keys are kept for an hour, and asked for again after a minute when one is unknown`() async throws {
        try await IdentityProvider.run { provider in
            let authenticator = try authenticator(provider.issuer)
            func ask(keyID: String? = nil) async throws -> Bool {
                do {
                    _ = try await authenticator.caller(showing: shown(provider, keyID: keyID))
                    return true
                } catch AccessError.identity {
                    return false
                }
            }
            #expect(try await ask())
            #expect(try await !ask(keyID: "new"))
            #expect(provider.keyRequests == 1)
            clock.advance(seconds: 60)
            #expect(try await !ask(keyID: "new"))
            #expect(try await !ask(keyID: "newer"))
            #expect(provider.keyRequests == 2)
            clock.advance(seconds: 3599)
            #expect(try await ask())
            #expect(provider.keyRequests == 2)
            clock.advance(seconds: 1)
            #expect(try await ask())
            #expect(provider.keyRequests == 3)
        }
    }

    @Test func `where the issuer is down its last keys count for a day`() async throws {
        try await IdentityProvider.run { provider in
            let authenticator = try authenticator(provider.issuer)
            _ = try await authenticator.caller(showing: shown(provider))
            isDown.isOn.store(true, ordering: .relaxed)
            clock.advance(seconds: 86_399)
            _ = try await authenticator.caller(showing: shown(provider))
            clock.advance(seconds: 1)
            await #expect(throws: AccessError.issuerUnreachable(name: provider.issuer)) {
                try await authenticator.caller(showing: shown(provider))
            }
            isDown.isOn.store(false, ordering: .relaxed)
            // It was asked a moment ago.
            await #expect(throws: AccessError.issuerUnreachable(name: provider.issuer)) {
                try await authenticator.caller(showing: shown(provider))
            }
            clock.advance(seconds: 60)
            _ = try await authenticator.caller(showing: shown(provider))
        }
    }

    @Test func `requests at the same time ask the issuer once`() async throws {
        try await IdentityProvider.run { provider in
            let authenticator = try authenticator(provider.issuer)
            try await withThrowingTaskGroup { group in
                for _ in 0..<50 {
                    group.addTask { _ = try await authenticator.caller(showing: shown(provider)) }
                }
                try await group.waitForAll()
            }
            #expect(provider.keyRequests == 1)
        }
    }

    @Test(arguments: [IdentityProvider.Signing.rs256, .es256, .edDSA])
    func `an identity token that was changed anywhere is refused`(_ signing: IdentityProvider.Signing) async throws {
        try await IdentityProvider.run { provider in
            let authenticator = try authenticator(provider.issuer)
            let now = clock.now / 1000
            let token = try provider.token(
                subject: "s1", audience: "a", signed: signing, ["iat": .integer(now - 60), "exp": .integer(now + 60)])
            _ = try await authenticator.caller(showing: token)
            let parts = token.split(separator: ".").map(String.init)
            var others = [
                "..", "...", ".\(parts[1]).\(parts[2])", "\(parts[0])..\(parts[2])", token + ".", token + ".",
            ]
            for signature in ["", "A", "AA", "AAAA", parts[2] + parts[2], String(repeating: "A", count: 86), "*", "é"] {
                others.append("\(parts[0]).\(parts[1]).\(signature)")
            }
            let letters = Array(token.utf8)
            for place in stride(from: 0, to: letters.count, by: 3) where letters[place] != UInt8(ascii: ".") {
                var changed = letters
                changed[place] = changed[place] == UInt8(ascii: "B") ? UInt8(ascii: "Q") : UInt8(ascii: "B")
                others.append(String(decoding: changed, as: UTF8.self))
            }
            for other in others where other != token {
                await #expect(throws: AccessError.self, "\(other)") { try await authenticator.caller(showing: other) }
            }
        }
    }

    @Test func `a document that names another issuer is not that issuer's`() async throws {
        try await IdentityProvider.run { provider in
            let other = provider.issuer + "/"
            let token = try provider.token(
                subject: "s", audience: "a",
                [
                    "iss": .string(other), "iat": .integer(clock.now / 1000), "exp": .integer(clock.now / 1000 + 60),
                ])
            await #expect(throws: AccessError.issuerUnreachable(name: other)) {
                try await authenticator(other).caller(showing: token)
            }
            #expect(provider.keyRequests == 0)
        }
    }

    @Test func `a token ends at its time and at once when it is revoked, also by another process`() async throws {
        let authenticator = try authenticator("https://issuer.example")
        let (short, long) = (AccessToken(), AccessToken())
        let other = try tokens()
        try await other.insert(
            short.stored(
                owner: "a", label: nil, scopes: [.read], at: clock.now, expiresAt: clock.now + 1000))
        try await other.insert(
            long.stored(owner: "a", label: nil, scopes: [.read, .submit], at: clock.now, expiresAt: nil))
        #expect(try await authenticator.caller(showing: short.text) == Caller(owner: "a", scopes: [.read]))
        clock.advance(seconds: 1)
        await #expect(throws: AccessError.expired) { try await authenticator.caller(showing: short.text) }
        #expect(try await authenticator.caller(showing: long.text).scopes == [.read, .submit])
        let firstUse = try await other.token(long.id)?.lastUsedAt
        #expect(firstUse == clock.now)
        clock.advance(seconds: 3599)
        _ = try await authenticator.caller(showing: long.text)
        #expect(try await other.token(long.id)?.lastUsedAt == firstUse)
        clock.advance(seconds: 1)
        _ = try await authenticator.caller(showing: long.text)
        #expect(try await other.token(long.id)?.lastUsedAt == clock.now)
        #expect(try await other.revoke(long.id, at: clock.now))
        await #expect(throws: AccessError.revoked) { try await authenticator.caller(showing: long.text) }
    }
}
