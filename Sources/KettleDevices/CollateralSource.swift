package import KettleAttestation
import KettleError
package import KettleProvenance
import Synchronization

/// A document of a chip maker's service: its body, and the headers that come with it, named in lower case.
package struct VendorDocument: Hashable, Sendable {
    package var body: [UInt8]
    package var headers: [String: String]

    package init(body: [UInt8], headers: [String: String] = [:]) {
        self.body = body
        self.headers = headers
    }
}

/// Gets a document by HTTP; throws for every answer but 200.
package typealias DocumentFetching = @Sendable (_ url: String) async throws -> VendorDocument

/// Gets what the chip makers publish to judge evidence by, so that it goes into the bundle and nobody has to get it later.
///
/// What is got is verified against the very evidence before it is given out, and kept for a day. A build waits for it a moment
/// and no longer, and then goes without. An actor because builds share what is kept and what is on its way.
package actor CollateralSource {
    /// Intel's Provisioning Certification Service, or a caching service (PCCS) with the same paths.
    package static let intelBase = "https://api.trustedservices.intel.com"
    /// Where Intel itself has the list that its service does not have.
    private static let intelRootList = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

    private let intel: String
    private let amd: String
    private let roots: TrustRoots
    private let fetch: DocumentFetching
    private let now: @Sendable () -> Statement.Timestamp
    private var kept: [CollateralNeed: Kept] = [:]
    private var running: [CollateralNeed: Task<Result<[String: [UInt8]], CollateralFailure>, Never>] = [:]

    private struct Kept {
        let answer: Result<[String: [UInt8]], CollateralFailure>
        let at: Statement.Timestamp
    }

    /// How long an answer is kept, in seconds, and how long it is that there was none.
    private static let lifetime: Int64 = 86_400
    private static let patience: Int64 = 60
    /// More platforms than one machine could be.
    private static let limit = 16

    /// - Parameters:
    ///   - intel: Intel's service or one that caches it, without a slash at its end.
    ///   - amd: AMD's Key Distribution Service or one that caches it.
    ///   - now: The time of this machine.
    package init(
        intel: String = intelBase, amd: String = KDS.standardBase, roots: TrustRoots,
        now: @escaping @Sendable () -> Statement.Timestamp, fetch: @escaping DocumentFetching
    ) {
        self.intel = intel
        self.amd = amd
        self.roots = roots
        self.now = now
        self.fetch = fetch
    }

    /// The files of `collateral/`, by name.
    ///
    /// - Parameters:
    ///   - evidence: As it was made.
    ///   - patience: How long to wait. What is on its way then is there for the next one.
    package func files(
        for evidence: Evidence, waiting patience: Duration
    ) async -> Result<[String: [UInt8]], CollateralFailure> {
        let time = now()
        let need: CollateralNeed
        do {
            need = try EvidenceVerifier(roots: roots).verify(evidence, at: time).collateralNeed
        } catch {
            return .failure(.unfit(error))
        }
        let answer = await answer(to: need, waiting: patience)
        guard case .success(let files) = answer else { return answer }
        do {
            let collateral = try Collateral(files: files)
            _ = try EvidenceVerifier(roots: roots, collateral: collateral).verify(evidence, at: time)
        } catch {
            // What a verifier would refuse the bundle for tells the builder something, and helps nobody in it.
            kept[need] = Kept(answer: .failure(.unfit(error)), at: time)
            return .failure(.unfit(error))
        }
        return answer
    }

    private func answer(
        to need: CollateralNeed, waiting patience: Duration
    ) async -> Result<[String: [UInt8]], CollateralFailure> {
        if let kept = kept[need] {
            let age = now().secondsSince1970 - kept.at.secondsSince1970
            let lifetime = (try? kept.answer.get()) == nil ? Self.patience : Self.lifetime
            if (0..<lifetime).contains(age) { return kept.answer }
        }
        let task = running[need] ?? start(need)
        return await Self.value(of: task, within: patience) ?? .failure(.late(patience))
    }

    private func start(_ need: CollateralNeed) -> Task<Result<[String: [UInt8]], CollateralFailure>, Never> {
        let task = Task { await get(need) }
        running[need] = task
        Task {
            let answer = await task.value
            running[need] = nil
            if kept.count >= Self.limit { kept.removeAll() }
            kept[need] = Kept(answer: answer, at: now())
        }
        return task
    }

    /// The task's value, or nil when it takes longer. The task goes on either way.
    private static func value<Value: Sendable>(
        of task: Task<Value, Never>, within patience: Duration
    ) async -> Value? {
        let isAnswered = Mutex(false)
        let first: @Sendable () -> Bool = {
            isAnswered.withLock { answered in
                defer { answered = true }
                return !answered
            }
        }
        return await withCheckedContinuation { continuation in
            Task {
                let value = await task.value
                if first() { continuation.resume(returning: value) }
            }
            Task {
                try? await Task.sleep(for: patience)
                if first() { continuation.resume(returning: nil) }
            }
        }
    }

    // MARK: - Getting

    private func get(_ need: CollateralNeed) async -> Result<[String: [UInt8]], CollateralFailure> {
        do {
            switch need {
            case .amd(let product, let key):
                let name = product.rawValue.prefix(1).uppercased() + product.rawValue.dropFirst()
                let list = try await fetch("\(amd)/\(key.rawValue)/v1/\(name)/crl")
                return .success([Collateral.amdFileName: list.body])
            case .intel(let fmspc, let authority):
                return .success(try await intelFiles(fmspc, authority))
            }
        } catch let failure as CollateralFailure {
            return .failure(failure)
        } catch let error as any UserFacingError {
            return .failure(.unavailable(error.message))
        } catch {
            return .failure(.unavailable("the service does not answer"))
        }
    }

    /// Intel PCS API v4: "Get TDX TCB Info", "Get TDX QE Identity", "Get PCK Certificate Revocation List".
    private func intelFiles(
        _ fmspc: [UInt8], _ authority: CollateralNeed.IntelAuthority
    ) async throws -> [String: [UInt8]] {
        async let info = fetch("\(intel)/tdx/certification/v4/tcb?fmspc=\(fmspc.hexadecimal.uppercased())")
        async let identity = fetch("\(intel)/tdx/certification/v4/qe/identity")
        async let platform = fetch("\(intel)/sgx/certification/v4/pckcrl?ca=\(authority.rawValue)&encoding=der")
        async let root = fetch(
            intel == Self.intelBase ? Self.intelRootList : "\(intel)/sgx/certification/v4/rootcacrl")
        return [
            "tcb_info.json": try await info.body,
            "tcb_signing_chain.pem": try Self.chain(in: try await info, "tcb-info-issuer-chain"),
            "qe_identity.json": try await identity.body,
            "qe_identity_signing_chain.pem": try Self.chain(
                in: try await identity, "sgx-enclave-identity-issuer-chain"),
            "pck_crl.der": try Self.list(try await platform.body),
            "root_ca_crl.der": try Self.list(try await root.body),
        ]
    }

    /// The signer's certificates in PEM, percent-encoded in a header.
    private static func chain(in document: VendorDocument, _ header: String) throws(CollateralFailure) -> [UInt8] {
        guard let text = document.headers[header] else { throw .unavailable("the answer has no header \(header)") }
        var bytes: [UInt8] = []
        var letters = Array(text.utf8)[...]
        while let letter = letters.popFirst() {
            guard letter == UInt8(ascii: "%") else {
                bytes.append(letter)
                continue
            }
            guard
                let byte = [UInt8](hexadecimal: String(decoding: letters.prefix(2), as: UTF8.self).lowercased())?.first,
                letters.count >= 2
            else { throw .unavailable("the header \(header) is malformed") }
            bytes.append(byte)
            letters.removeFirst(2)
        }
        return bytes
    }

    /// A revocation list in DER. Caching services give it in hexadecimal digits.
    private static func list(_ body: [UInt8]) throws(CollateralFailure) -> [UInt8] {
        if body.first == 0x30, body.contains(where: { $0 >= 0x80 }) { return body }
        let digits = String(decoding: body, as: UTF8.self).lowercased().filter { !$0.isWhitespace && $0 != "\"" }
        guard let bytes = [UInt8](hexadecimal: digits), bytes.first == 0x30 else {
            throw .unavailable("a revocation list is neither DER nor hexadecimal digits")
        }
        return bytes
    }
}

/// Why a bundle goes without collateral.
package enum CollateralFailure: Error, Hashable {
    case unavailable(String)
    case late(Duration)
    /// Genuine or not, with it the evidence would be refused.
    case unfit(EvidenceError)

    package var message: String {
        switch self {
        case .unavailable(let reason): reason
        case .late(let patience): "it did not come within \(patience.components.seconds) seconds"
        case .unfit(let error): error.message
        }
    }
}
