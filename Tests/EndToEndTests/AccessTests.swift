import Foundation
import KettleProvenance
import KettleServer
import KettleStore
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Who may do what, over a socket: every route for every kind of caller.
    @Suite struct AccessTests {
        // MARK: - Every route, every caller

        /// What a caller is to a build of alice's that is private.
        enum Standing {
            /// No token, or one that is good for nothing here; `isKnown` where there is one.
            case outsider(isKnown: Bool)
            case reader, submitter
            /// May do everything, with everybody's.
            case administrator
            case metrics
            /// Owns other builds, and may send and read them.
            case otherOwner
            /// Shows a token that is not accepted.
            case refused
        }

        /// What a route asks for.
        enum Demand {
            /// Nothing; the status that everybody gets.
            case nothing(Int)
            /// The right to send builds; the status of a request that sends none.
            case submitting(Int)
            /// The right to read the build of the address.
            case readingBuild
            /// The right to see what the operator sees.
            case seeingMetrics
            /// The right to remove the build: a test of its own, since it takes the build away.
            case removingBuild
        }

        /// A route that is added has to be added here.
        private static let demands: [String: Demand] = [
            "POST /build/stream": .submitting(415), "POST /build": .submitting(415),
            "GET /builds": .nothing(200),
            "GET /builds/:id": .readingBuild, "GET /builds/:id/events": .readingBuild,
            "GET /builds/:id/artifacts/:name": .readingBuild, "GET /builds/:id/build-config/:name": .readingBuild,
            "GET /builds/:id/provenance.json": .readingBuild, "GET /builds/:id/evidence.json": .readingBuild,
            "GET /builds/:id/sbom.cdx.json": .readingBuild, "GET /builds/:id/build.log": .readingBuild,
            "GET /builds/:id/bundle.zip": .readingBuild, "GET /builds/:id/bundle.tar.gz": .readingBuild,
            // The service of these tests speaks no TLS, so it has no key to attest to.
            "GET /attestation": .nothing(404),
            "GET /health": .nothing(200), "GET /openapi.json": .nothing(200), "GET /ready": .nothing(200),
            "GET /metrics": .seeingMetrics, "DELETE /builds/:id": .removingBuild,
            "GET /build/:id/events": .readingBuild, "GET /build/:id/result": .readingBuild,
            "GET /artifacts/sha256/:digest": .readingBuild,
            // No file of the pages is named as the build's are.
            "GET /": .nothing(200), "GET /builds/:id/badge.svg": .readingBuild,
            "GET /verify": .nothing(200), "POST /verify": .submitting(415), "GET /web/:version/:name": .nothing(404),
        ]

        private static func status(of demand: Demand, for standing: Standing) -> Int {
            switch (demand, standing) {
            case (_, .refused): 401
            case (.nothing(let status), _): status
            case (.submitting(let status), .submitter), (.submitting(let status), .administrator),
                (.submitting(let status), .otherOwner):
                status
            case (.submitting, .outsider(isKnown: false)): 401
            case (.submitting, _): 403
            case (.readingBuild, .reader), (.readingBuild, .submitter), (.readingBuild, .administrator): 200
            case (.readingBuild, _): 404
            case (.seeingMetrics, .metrics), (.seeingMetrics, .administrator): 200
            case (.seeingMetrics, .outsider(isKnown: false)): 401
            case (.seeingMetrics, _): 403
            case (.removingBuild, .submitter), (.removingBuild, .administrator): 204
            case (.removingBuild, .reader): 403
            case (.removingBuild, _): 404
            }
        }

        @Test func `every route answers every kind of caller as it should`() async throws {
            try await IdentityProvider.run { provider in
                let scratch = try ScratchFolder()
                try await Service.run(try Self.options(provider, in: scratch)) { service in
                    let callers = try await Self.callers(of: service, provider)
                    let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                    let build = try await service.build(Projects.hello, as: alice)
                    let unknown = String(repeating: "0", count: build.count)
                    let made = try await service.get("/v1/builds/\(build)", alice).json()["artifacts"]?.arrayValue
                    let digest = try #require(made?.first?["sha256"]?.stringValue)
                    let noDigest = String(repeating: "0", count: digest.count)
                    for route in HTTPService.routes {
                        let name = "\(route.method) \(route.path)"
                        let demand = try #require(Self.demands[name], "\(name) has no expectation")
                        if case .removingBuild = demand { continue }
                        let file = route.path.contains("build-config") ? "Cargo.lock" : "hello"
                        let path = "/v1" + route.path.replacing(":name", with: file)
                        for caller in callers {
                            let answer = try await service.send(
                                route.method, path.replacing(":id", with: build).replacing(":digest", with: digest),
                                caller.headers)
                            let expected = Self.status(of: demand, for: caller.standing)
                            #expect(answer.status == expected, "\(name) for \(caller.name): \(answer.text.prefix(200))")
                            Self.checkRefusal(answer, name, caller)
                            guard case .readingBuild = demand, answer.status == 404 else { continue }
                            // Not a byte tells that there is such a build.
                            let nothing = try await service.send(
                                route.method, path.replacing(":id", with: unknown).replacing(":digest", with: noDigest),
                                caller.headers)
                            #expect(nothing.status == 404)
                            #expect(
                                nothing.text.replacing(noDigest, with: digest).replacing(unknown, with: build)
                                    == answer.text, "\(name)")
                            #expect(Self.names(nothing) == Self.names(answer), "\(name)")
                        }
                    }
                    let here = Set(HTTPService.routes.map { "\($0.method) \($0.path)" })
                    #expect(here == Set(Self.demands.keys))
                }
            }
        }

        @Test func `who may remove a build is who may send it, and its administrator`() async throws {
            try await IdentityProvider.run { provider in
                let scratch = try ScratchFolder()
                try await Service.run(try Self.options(provider, in: scratch)) { service in
                    let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                    for caller in try await Self.callers(of: service, provider) {
                        let build = try await service.build(Projects.unsupported, as: alice)
                        let answer = try await service.send("DELETE", "/v1/builds/\(build)", caller.headers)
                        let expected = Self.status(of: .removingBuild, for: caller.standing)
                        #expect(answer.status == expected, "\(caller.name): \(answer.text.prefix(200))")
                        let state = try await service.get("/v1/builds/\(build)", alice).status
                        #expect(state == (expected == 204 ? 404 : 200), "\(caller.name)")
                    }
                    var form = try await FormData(
                        source: Command.packed(scratch.write(Projects.unsupported, to: "p"), as: "source.zip"))
                    form.add("visibility", "public")
                    let sent = try await service.post("/v1/build", form, alice)
                    let build = try #require(try sent.json()["build_id"]?.stringValue)
                    let bob = ["Authorization": "Bearer \(try await service.token("bob", ["submit"]))"]
                    let refused = try await service.send("DELETE", "/v1/builds/\(build)", bob)
                    #expect(refused.status == 403)
                    #expect(try refused.json()["code"] == "access.not_owner")
                    #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 401)
                    #expect(try await service.get("/v1/builds/\(build)").status == 200)
                }
            }
        }

        private static func names(_ answer: Answer) -> [String] {
            answer.headers.map { name, value in
                let name = name.lowercased()
                return name + (["date", "x-request-id"].contains(name) ? "" : value)
            }.sorted()
        }

        /// RFC 6750, section 3: what went wrong is told in a header, and the token is not repeated.
        private static func checkRefusal(_ answer: Answer, _ route: String, _ caller: ShownCaller) {
            let told = answer["WWW-Authenticate"]
            switch answer.status {
            case 401:
                #expect(answer["Content-Type"] == "application/problem+json", "\(route) for \(caller.name)")
                let isShown = caller.headers["Authorization"] != nil
                #expect(told?.contains("error=\"invalid_token\"") == isShown, "\(route) for \(caller.name)")
                #expect(answer.text.contains(isShown ? "access.token_invalid" : "access.token_missing"))
            case 403:
                #expect(told?.contains("error=\"insufficient_scope\"") == true, "\(route) for \(caller.name)")
                #expect(answer.text.contains("access.scope"))
            default: #expect(told == nil, "\(route) for \(caller.name)")
            }
            if let secret = caller.headers["Authorization"]?.split(separator: " ").last {
                #expect(!answer.text.contains(secret) || secret.count < 8, "\(route) repeats a token")
            }
        }

        struct ShownCaller: Sendable {
            var name: String
            var standing: Standing
            var headers: [String: String]
        }

        private static let audience = "kettle-tests"
        private static let subject = "repo:octo/app:ref:refs/heads/main"

        private static func options(_ provider: IdentityProvider, in scratch: ScratchFolder) throws -> [String] {
            let file = """
                access = "tokens"

                [oidc.alices]
                issuer = "\(provider.issuer)"
                audience = "alice"
                subject = "repo:alice/*:ref:refs/heads/main"
                scopes = ["submit", "read"]
                owner = "alice"

                [oidc.ci]
                issuer = "\(provider.issuer)"
                audience = "\(audience)"
                subject = "repo:octo/*:ref:refs/heads/*"
                scopes = ["submit", "read"]
                """
            try scratch.write(["kettle.toml": file], to: ".")
            return ["--config", scratch.path.appending("kettle.toml").string]
        }

        private static func callers(
            of service: Service, _ provider: IdentityProvider
        ) async throws -> [ShownCaller] {
            func shown(_ name: String, _ standing: Standing, _ token: String) -> ShownCaller {
                ShownCaller(name: name, standing: standing, headers: ["Authorization": "Bearer \(token)"])
            }
            let good = try await service.token("alice", ["submit"])
            let expired = try await service.token("alice", ["submit", "read"], expires: "1s")
            try await eventually {
                try await service.get("/v1/health", ["Authorization": "Bearer \(expired)"]).status == 401
            }
            let revoked = try await service.token("alice", ["submit", "read"])
            #expect(try await service.get("/v1/builds", ["Authorization": "Bearer \(revoked)"]).status == 200)
            let id = String(revoked.dropFirst("kettle_".count).prefix(12))
            let ended = try await service.kettleToken(["revoke", id])
            #expect(ended.status == 0, "\(ended.everything)")
            var callers = [
                ShownCaller(name: "nobody", standing: .outsider(isKnown: false), headers: [:]),
                shown("submit only", .submitter, good),
                shown("read only", .reader, try await service.token("alice", ["read"])),
                shown("metrics only", .metrics, try await service.token("alice", ["metrics"])),
                shown("another owner", .otherOwner, try await service.token("bob", ["submit", "read"])),
                shown("another reader", .outsider(isKnown: true), try await service.token("bob", ["read"])),
                shown("an administrator", .administrator, try await service.token("carol", ["admin"])),
                shown("an expired token", .refused, expired), shown("a revoked token", .refused, revoked),
                shown("another secret", .refused, good.dropLast() + (good.hasSuffix("A") ? "Q" : "A")),
                shown("no token's id", .refused, "kettle_000000000000_" + good.suffix(43)),
                shown("a cut-off token", .refused, String(good.dropLast())), shown("rubbish", .refused, "rubbish!"),
                shown("an endless token", .refused, good + String(repeating: "A", count: 20_000)),
                ShownCaller(name: "a password", standing: .refused, headers: ["Authorization": "Basic YTpi"]),
                ShownCaller(name: "an empty header", standing: .refused, headers: ["Authorization": "Bearer"]),
            ]
            func identity(
                _ name: String, _ standing: Standing, signed signing: IdentityProvider.Signing = .es256,
                to audience: JSONValue = .string(audience), subject: String = subject, keyID: String? = nil,
                _ changes: [String: JSONValue] = [:]
            ) throws {
                let token = try provider.token(
                    subject: subject, audience: audience, signed: signing, keyID: keyID, changes)
                callers.append(shown(name, standing, token))
            }
            let now = Int64(Date.now.timeIntervalSince1970)
            try identity("OIDC, ES256", .otherOwner)
            try identity("OIDC, RS256", .otherOwner, signed: .rs256)
            try identity("OIDC, EdDSA", .otherOwner, signed: .edDSA)
            try identity("OIDC, two audiences", .otherOwner, to: ["elsewhere", .string(Self.audience)])
            try identity("OIDC as alice", .submitter, to: "alice", subject: "repo:alice/x:ref:refs/heads/main")
            try identity("OIDC, other audience", .refused, to: "elsewhere")
            try identity("OIDC, other subject", .refused, subject: "repo:evil/app:ref:refs/heads/main")
            try identity("OIDC, a part too many", .refused, subject: "repo:octo/app:environment:x:ref:refs/heads/main")
            try identity("OIDC, other issuer", .refused, ["iss": "https://issuer.example"])
            try identity("OIDC, expired", .refused, ["exp": .integer(now - 1)])
            try identity("OIDC, without end", .refused, ["exp": nil])
            try identity("OIDC, for years", .refused, ["exp": .integer(now + 90_000)])
            try identity("OIDC, of the future", .refused, ["iat": .integer(now + 3600)])
            try identity("OIDC, not yet", .refused, ["nbf": .integer(now + 3600)])
            try identity("OIDC, alg none", .refused, signed: .none)
            try identity("OIDC, HMAC with the public key", .refused, signed: .hs256WithPublicKey)
            try identity("OIDC, another's key", .refused, signed: .rs256ByAnother)
            try identity("OIDC, another algorithm", .refused, signed: .es256UnderOtherName)
            try identity("OIDC, unknown key", .refused, keyID: "unknown")
            try identity("OIDC, a key for encryption", .refused, keyID: "encryption")
            return callers
        }

        // MARK: - Whose a build is

        @Test func `a build is its owner's unless it is made public, and lists show what may be read`() async throws {
            try await Service.run(["--access", "tokens"]) { service in
                func caller(_ owner: String) async throws -> [String: String] {
                    ["Authorization": "Bearer \(try await service.token(owner, ["submit", "read"]))"]
                }
                let (alice, bob) = (try await caller("alice"), try await caller("bob"))
                let admin = ["Authorization": "Bearer \(try await service.token("root", ["admin"]))"]
                let mine = try await service.build(Projects.unsupported, as: alice)
                let open = try await service.build(Projects.unsupported, ["visibility": "public"], as: alice)
                let his = try await service.build(Projects.unsupported, ["visibility": "private"], as: bob)
                func listed(_ headers: [String: String], _ query: String = "") async throws -> [String] {
                    let answer = try await service.get("/v1/builds\(query)", headers)
                    return try answer.json()["builds"]?.arrayValue?.compactMap { $0["build_id"]?.stringValue } ?? []
                }
                #expect(try await listed([:]) == [open])
                #expect(try await listed(alice) == [open, mine])
                #expect(try await listed(bob) == [his, open])
                #expect(try await listed(admin) == [his, open, mine])
                #expect(try await listed(alice, "?before=\(open)") == [mine])
                // A page that begins behind a build of somebody else's would tell that there is one.
                #expect(try await service.get("/v1/builds?before=\(his)", alice).status == 400)
                #expect(try await service.get("/v1/builds/\(open)", bob).status == 200)
                #expect(try await service.get("/v1/builds/\(open)").status == 200)

                let wrong = try await service.post(
                    "/v1/build", FormData(fields: ["repo_url": "https://a.example/b", "visibility": "secret"]), alice)
                #expect(wrong.status == 400)
                #expect(try wrong.json()["code"] == "request.bad_parameter")
            }
        }

        @Test func `without accounts builds are public, and what was private stays so`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let hidden = try await Service.run(["--access", "tokens"], data: data) { service in
                let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                return try await service.build(Projects.unsupported, as: alice)
            }
            try await Service.run(data: data) { service in
                let open = try #require(try await service.build(Projects.unsupported).buildID)
                #expect(try await service.get("/v1/builds/\(open)").status == 200)
                #expect(try await service.get("/v1/builds/\(hidden)").status == 404)
                let refused = try await service.post(
                    "/v1/build", FormData(fields: ["repo_url": "https://a.example/b", "visibility": "private"]))
                #expect(refused.status == 400)
                #expect(try refused.json()["code"] == "access.no_owner")
            }
        }

        @Test func `without accounts a service listens on this machine only`() async throws {
            for host in ["0.0.0.0", "::", "192.0.2.1"] {
                await #expect {
                    try await Service.run(["--host", host]) { _ in }
                } throws: { error in
                    let said = (error as? Service.DidNotStart)?.description ?? ""
                    return said.contains("whoever reaches \(host) could build")
                        && said.contains("kettle: hint: use --access tokens")
                }
            }
            try await Service.run(["--host", "0.0.0.0", "--access", "tokens"]) { service in
                #expect(service.address.contains("0.0.0.0"))
            }
        }

        @Test func `the keys of an issuer are asked for once, whatever keys tokens name`() async throws {
            try await IdentityProvider.run { provider in
                let scratch = try ScratchFolder()
                try await Service.run(try Self.options(provider, in: scratch)) { service in
                    for keyID in [nil, nil, "unknown", "unknown", nil, "another"] {
                        let token = try provider.token(
                            subject: Self.subject, audience: .string(Self.audience), keyID: keyID)
                        let answer = try await service.get("/v1/builds", ["Authorization": "Bearer \(token)"])
                        #expect(answer.status == (keyID == nil ? 200 : 401))
                    }
                    // Within the first minute not even an unknown key has them asked for again.
                    #expect(provider.keyRequests == 1)
                }
            }
        }

        @Test func `a CI job's builds are those of its subject`() async throws {
            try await IdentityProvider.run { provider in
                let scratch = try ScratchFolder()
                try await Service.run(try Self.options(provider, in: scratch)) { service in
                    func job(_ subject: String) throws -> [String: String] {
                        let token = try provider.token(subject: subject, audience: .string(Self.audience))
                        return ["Authorization": "Bearer \(token)"]
                    }
                    let build = try await service.build(Projects.unsupported, as: try job(Self.subject))
                    #expect(try await service.get("/v1/builds/\(build)", try job(Self.subject)).status == 200)
                    let branch = try job("repo:octo/app:ref:refs/heads/feature")
                    #expect(try await service.get("/v1/builds/\(build)", branch).status == 404)
                }
            }
        }

        @Test(arguments: [
            ("access = \"everybody\"", "must be one of anonymous, tokens"),
            ("[quota]\nbuilds-per-minute = 1", "there is no setting \"quota.builds-per-minute\""),
            ("[quota]\nbytes-per-day = \"much\"", "quota.bytes-per-day in kettle.toml is \"much\""),
            ("[oidc]\nissuer = \"https://a.example\"", "must be tables such as [oidc.NAME]"),
            ("[oidc.\"a:b\"]\nissuer = \"https://a.example\"", "must be named with 1 to 32 letters"),
            ("[oidc.a]\naudience = \"b\"\nscopes = [\"read\"]", "oidc.a.issuer is \"\", and must be a URL"),
            (rule(issuer: "http://a.example"), "must be a URL that begins with https://"),
            (rule(subject: "*:*"), "must be an exact subject"),
            (
                rule(scopes: "\"read\", \"everything\""),
                "there is no setting \"everything\" (in scopes in [oidc.a] of kettle.toml)"
            ),
            (rule(scopes: ""), "must be a list of"),
            (rule(more: "owner = \"oidc:b:c\""), "must be an owner's name"),
            (
                rule(more: "jwks-uri = \"https://a.example/keys\""),
                "there is no setting \"jwks-uri\" (in [oidc.a] of kettle.toml)"
            ),
            (
                rule(more: "jwks-url = \"file:///etc/passwd\""),
                "jwks-url in [oidc.a] of kettle.toml is \"file:///etc/passwd\""
            ),
        ])
        func `a rule that would not mean what it should is refused by name`(
            _ file: String, _ reason: String
        ) async throws {
            let scratch = try ScratchFolder()
            try scratch.write(["kettle.toml": file + "\n"], to: ".")
            let ended = try await Command.run(
                KettleExecutable.path.string, ["config", "check", "--config", "kettle.toml", "--data-dir", "data"],
                in: scratch.path)
            #expect(ended.status == 1)
            #expect(ended.everything.contains(reason), "\(ended.everything)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path.appending("data").string))
        }

        private static func rule(
            issuer: String = "https://a.example", subject: String = "b", scopes: String = "\"read\"", more: String = ""
        ) -> String {
            """
            [oidc.a]
            issuer = "\(issuer)"
            audience = "c"
            subject = "\(subject)"
            scopes = [\(scopes)]
            \(more)
            """
        }

        // MARK: - How much

        @Test func `what a build takes is written down as its owner's`() async throws {
            try await Service.run(["--access", "tokens"]) { service in
                let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                let before = Int64(Date.now.timeIntervalSince1970 * 1000)
                _ = try await service.build(Projects.hello, as: alice)
                let usage = UsageStore(of: try BuildStore(in: DataFolder(sharing: service.dataFolder)))
                // The build may have begun at the end of one day and ended in the next.
                var sum = try await usage.usage(of: "alice", at: before).day
                let after = try await usage.usage(of: "alice", at: before + 86_400_000).day
                sum.milliseconds += after.milliseconds
                #expect(sum.builds + after.builds == 1)
                #expect((1...16 << 20).contains(sum.bytes + after.bytes))
                #expect((1...Int64(Date.now.timeIntervalSince1970 * 1000) - before).contains(sum.milliseconds))
                #expect(try await usage.usage(of: "bob", at: before).day == Usage())
            }
        }

        private static func quota(_ lines: String, _ scratch: ScratchFolder) throws -> [String] {
            try scratch.write(["kettle.toml": "access = \"tokens\"\n\n[quota]\n\(lines)\n"], to: ".")
            return ["--config", scratch.path.appending("kettle.toml").string]
        }

        private static func check(_ answer: Answer, _ code: String, within seconds: ClosedRange<Int>) throws {
            #expect(answer.status == 429)
            #expect(try answer.json()["code"]?.stringValue == code)
            #expect(seconds.contains(answer["Retry-After"].flatMap { Int($0) } ?? 0), "\(answer.headers)")
        }

        @Test func `builds and bytes beyond an owner's are told when to come back, also after a restart`() async throws
        {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let options = try Self.quota("builds-per-hour = 2\nbytes-per-day = \"1MiB\"", scratch)
            let large = FormData(source: [UInt8](repeating: 0, count: 2 << 20))
            let (alice, bob) = try await Service.run(options, data: data) { service in
                let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                let bob = ["Authorization": "Bearer \(try await service.token("bob", ["submit"]))"]
                try Self.check(
                    try await service.post("/v1/build", large, alice), "quota.bytes", within: 1...86_400)
                // A request that is refused for its form is no build.
                #expect(try await service.post("/v1/build", FormData(), alice).status == 400)
                _ = try await service.build(Projects.unsupported, as: alice)
                _ = try await service.build(Projects.unsupported, as: alice)
                return (alice, bob)
            }
            try await Service.run(options, data: data) { service in
                let refused = try await service.post("/v1/build/stream", FormData(), alice)
                // The hour may have ended meanwhile.
                if refused.status != 400 { try Self.check(refused, "quota.builds", within: 1...3600) }
                _ = try await service.build(Projects.unsupported, as: bob)
                try await eventually { service.leftovers.isEmpty }
            }
        }

        @Test func `requests beyond the rate are refused, for each caller, and health never is`() async throws {
            let scratch = try ScratchFolder()
            try await Service.run(try Self.quota("requests-per-minute = 5", scratch)) { service in
                let alice = ["Authorization": "Bearer \(try await service.token("alice", ["read"]))"]
                let bob = ["Authorization": "Bearer \(try await service.token("bob", ["read"]))"]
                var answer = try await service.get("/v1/builds", alice)
                for _ in 0..<5 where answer.status == 200 { answer = try await service.get("/v1/builds", alice) }
                try Self.check(answer, "quota.requests", within: 1...12)
                #expect(try await service.get("/v1/builds", bob).status == 200)
                #expect(try await service.get("/v1/builds").status == 200)
                for _ in 0..<20 { #expect(try await service.get("/v1/health", alice).status == 200) }
                // Guessing tokens is counted too.
                let wrong = ["Authorization": "Bearer rubbish"]
                answer = try await service.get("/v1/builds", wrong)
                for _ in 0..<5 where answer.status == 401 { answer = try await service.get("/v1/builds", wrong) }
                try Self.check(answer, "quota.requests", within: 1...12)
            }
        }

        // MARK: - kettle token

        @Test func `a token's secret is shown once and stored nowhere`() async throws {
            let scratch = try ScratchFolder()
            try await Service.run(["--access", "tokens"], data: scratch.path.appending("data")) { service in
                let ended = try await service.kettleToken([
                    "create", "--owner", "alice", "--name", "laptop", "--scope", "read", "--scope", "submit",
                    "--expires", "90d", "--json",
                ])
                #expect(ended.status == 0, "\(ended.everything)")
                let made = try JSONValue(parsing: Array(ended.output.utf8.dropLast()))
                let token = try #require(made["token"]?.stringValue)
                #expect(token.hasPrefix("kettle_") && token.utf8.count == 63)
                #expect(made.keys == ["id", "token", "owner", "name", "scopes", "created_at", "expires_at"])
                #expect(try await service.get("/v1/builds", ["Authorization": "bearer \(token)"]).status == 200)

                let listing = try await service.kettleToken(["list", "--json"])
                let listed = try JSONValue(parsing: Array(listing.output.utf8.dropLast()))["tokens"]?.arrayValue
                #expect(listed?.count == 1)
                #expect(listed?.first?["id"] == made["id"])
                #expect(listed?.first?["last_used_at"] != nil)
                #expect(!listing.output.contains(token.suffix(43)))
                for name in ["kettle.db", "kettle.db-wal"] {
                    let bytes = try Data(contentsOf: URL(filePath: service.dataFolder.appending(name).string))
                    #expect(bytes.firstRange(of: Data(token.suffix(43).utf8)) == nil)
                }
                let id = try #require(made["id"]?.stringValue)
                #expect(try await service.kettleToken(["revoke", id]).status == 0)
                #expect(try await service.get("/v1/builds", ["Authorization": "Bearer \(token)"]).status == 401)
                #expect(try await service.kettleToken(["list"]).output.contains("revoked"))
            }
        }

        @Test(arguments: [
            (["create", "--owner", "oidc:ci:x", "--scope", "read"], "cannot be an owner's name"),
            (["create", "--owner", "a", "--scope", "everything"], "scope"),
            (["create", "--owner", "a"], "--scope"),
            (["create", "--owner", "a", "--scope", "read", "--expires", "never"], "--expires is \"never\""),
            (["revoke", "000000000000"], "there is no token of that id"),
        ])
        func `what cannot be a token is refused with the reason`(_ arguments: [String], _ reason: String) async throws {
            let scratch = try ScratchFolder()
            try BuildStore(in: DataFolder(opening: scratch.path.appending("d"))).close()
            let ended = try await Command.run(
                KettleExecutable.path.string,
                ["token"] + arguments + ["--data-dir", scratch.path.appending("d").string])
            #expect(ended.status == 2)
            #expect(ended.errors.contains(reason), "\(ended.everything)")
            #expect(ended.output.isEmpty)
        }
    }
}

extension Service {
    /// What lies in the folder of running builds.
    fileprivate var leftovers: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: dataFolder.appending("work").string)) ?? ["no folder"]
    }

    fileprivate func kettleToken(_ arguments: [String]) async throws -> Command.Ended {
        try await Command.run(
            KettleExecutable.path.string, ["token"] + arguments + ["--data-dir", dataFolder.string])
    }

    /// Makes a token by the command, as an operator does.
    func token(_ owner: String, _ scopes: [String], expires: String? = nil) async throws -> String {
        let ended = try await kettleToken(
            ["create", "--owner", owner] + scopes.flatMap { ["--scope", $0] }
                + (expires.map { ["--expires", $0] } ?? []))
        guard ended.status == 0 else { throw CommandFailed(program: "kettle token create", ended: ended) }
        return String(ended.output.dropLast())
    }

    /// Builds a project as a caller and returns the build's id.
    fileprivate func build(
        _ project: [String: String], _ fields: [String: String] = [:], as caller: [String: String]
    ) async throws -> String {
        let scratch = try ScratchFolder()
        var form = FormData(fields: fields)
        form.add(
            file: "source", try await Command.packed(scratch.write(project, to: "p"), as: "source.zip"),
            named: "source.zip")
        // Answered when the build counts as ended: a stream's reader may have its last event a moment before.
        let answer = try await post("/v1/build", form, caller)
        return try #require(try answer.json()["build_id"]?.stringValue, "\(answer.text)")
    }
}
