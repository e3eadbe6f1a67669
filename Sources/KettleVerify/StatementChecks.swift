import KettleAttestation
import KettleProvenance

/// Whether the statement is one that a builder of this platform may make, and whole in itself.
struct StatementChecks {
    let received: ReceivedStatement
    /// What the evidence claims to be of; nil when that cannot be read, which is a finding of its own.
    let platform: Platform?
    let verifier: BundleVerifier

    /// Clocks differ a little, in seconds.
    static let clockTolerance: Int64 = 300

    private var statement: Statement { received.statement }

    /// The toolchains whose build types this version knows (`docs/build-types/`).
    private static let toolchains = ["cargo"]
    /// `docs/build-types/cargo-v1.md`, "externalParameters".
    private static let externalParameters: Set<String> = ["source", "ref", "path", "nonce"]

    func run(_ findings: inout [Finding]) {
        checkBuildType(&findings)
        checkBuilder(&findings)
        checkParameters(&findings)
        checkRun(&findings)
        checkDependencies(&findings)
        checkMerkleRoot(&findings)
    }

    private func checkBuildType(_ findings: inout [Finding]) {
        let known = Self.toolchains.map(Statement.buildType(toolchain:))
        let isKnown = known.contains(statement.buildType)
        findings.append(
            Finding(
                isKnown ? .passed : .failed, "provenance.build_type",
                isKnown ? "the build type is \(statement.buildType)" : "the build type is unknown",
                expected: known.joined(separator: " or "), actual: statement.buildType))
    }

    private func checkBuilder(_ findings: inout [Finding]) {
        guard let platform else {
            findings.append(
                Finding(
                    .failed, "provenance.builder", "the evidence names no platform to hold the builder against",
                    actual: statement.builderID))
            return
        }
        let matches = statement.builderID == platform.builderID
        findings.append(
            Finding(
                matches ? .passed : .failed, "provenance.builder",
                matches
                    ? "the builder is \(statement.builderID), as its evidence is"
                    : "the builder is not of the platform that the evidence is of",
                expected: platform.builderID, actual: statement.builderID))
    }

    private func checkParameters(_ findings: inout [Finding]) {
        let unknown = statement.externalParameters.keys.filter { !Self.externalParameters.contains($0) }.sorted()
        for name in unknown {
            findings.append(
                Finding(
                    .failed, "provenance.external_parameter", "the external parameter \"\(name)\" is unknown",
                    expected: Self.externalParameters.sorted().joined(separator: ", "), actual: name))
        }
        guard let source = statement.externalParameters["source"] else {
            findings.append(
                Finding(.failed, "provenance.source", "the external parameters name no source", expected: "source"))
            return
        }
        let isKnown = source.hasPrefix("git+") || source.hasPrefix("archive:")
        findings.append(
            Finding(
                isKnown ? .passed : .failed, "provenance.source",
                isKnown ? "the source is \(source)" : "the source is neither git nor an archive",
                expected: "git+… or archive:…", actual: source))
        checkRef(source, &findings)
    }

    /// `docs/build-types/`: a repository's source ends in the ref that was asked for, and an archive has none.
    private func checkRef(_ source: String, _ findings: inout [Finding]) {
        guard let ref = statement.externalParameters["ref"] else { return }
        guard ref.isEmpty || SourcePattern.repository(of: source, ref: ref) == source else { return }
        findings.append(
            Finding(
                .failed, "provenance.ref", "the ref is not the one that the source names", expected: "…@\(ref)",
                actual: source))
    }

    private func checkRun(_ findings: inout [Finding]) {
        let id = statement.invocationID
        if id.utf8.count < 24 || id.utf8.count > 128 || [UInt8](hexadecimal: id) == nil {
            findings.append(
                Finding(
                    .failed, "provenance.invocation", "the build's id is none",
                    expected: "24 or more lower-case hexadecimal digits", actual: id))
        }
        let inOrder = statement.startedOn <= statement.finishedOn
        findings.append(
            Finding(
                inOrder ? .passed : .failed, "provenance.time",
                inOrder
                    ? "build \(statement.invocationID) ran from \(statement.startedOn) to \(statement.finishedOn)"
                    : "the build ended before it began",
                expected: "not before \(statement.startedOn)", actual: statement.finishedOn.text))
        // A build of tomorrow is somebody's invention.
        if let time = verifier.time,
            statement.finishedOn.secondsSince1970 > time.secondsSince1970 + Self.clockTolerance
        {
            findings.append(
                Finding(
                    .failed, "provenance.future", "the build ended after the time of verification",
                    expected: "not after \(time)", actual: statement.finishedOn.text))
        }
    }

    // MARK: Inputs

    private func checkDependencies(_ findings: inout [Finding]) {
        let problem = DependencyOrder(statement: statement).problem
        findings.append(
            problem.map { Finding(.failed, "provenance.dependencies", $0) }
                ?? Finding(
                    .passed, "provenance.dependencies",
                    "\(statement.resolvedDependencies.count) inputs are pinned by digest"))
    }

    private func checkMerkleRoot(_ findings: inout [Finding]) {
        let entries = received.json["predicate"]?["buildDefinition"]?["resolvedDependencies"]?.arrayValue ?? []
        let expected = Statement.inputMerkleRoot(of: entries)
        let roots = statement.byproducts.filter { $0.name == Statement.inputMerkleRootName }
        let matches = roots.count == 1 && roots[0].sha256 == expected
        findings.append(
            Finding(
                matches ? .passed : .failed, "provenance.merkle_root",
                matches ? "the input Merkle root covers all inputs" : "the input Merkle root is not that of the inputs",
                expected: expected.hex,
                actual: roots.isEmpty ? "none" : roots.map { $0.sha256?.hex ?? "no sha256" }.joined(separator: ", ")))
    }
}
