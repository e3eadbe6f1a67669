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

    /// `docs/build-types/`, "externalParameters".
    private static let externalParameters: Set<String> = ["source", "ref", "path", "toolchain", "nonce"]

    func run(_ findings: inout [Finding]) {
        checkBuildType(&findings)
        checkBuilder(&findings)
        checkParameters(&findings)
        checkRun(&findings)
        checkDependencies(&findings)
        checkMerkleRoot(&findings)
    }

    private func checkBuildType(_ findings: inout [Finding]) {
        guard let toolchain = statement.toolchain else {
            let types = Statement.lockfileNames.keys.sorted().map(Statement.buildType(toolchain:))
            findings.append(
                Finding(
                    .failed, "provenance.build_type", "the build type is unknown",
                    expected: types.joined(separator: " or "), actual: statement.buildType))
            return
        }
        // The second dependency is the lockfile. That it is missing is found where dependencies are looked at.
        let names = Statement.lockfileNames[toolchain, default: []]
        let lockfile = statement.resolvedDependencies.dropFirst().first?.name
        let isOther = lockfile.map { !names.contains($0) } ?? false
        findings.append(
            Finding(
                isOther ? .failed : .passed, "provenance.build_type",
                isOther
                    ? "the build type is \(statement.buildType), and the lockfile is none of it"
                    : "the build type is \(statement.buildType)",
                expected: isOther ? names.joined(separator: " or ") : statement.buildType,
                actual: isOther ? lockfile : statement.buildType))
        // What was asked for, or else what the source's settings say.
        let chosen =
            statement.externalParameters["toolchain"]
            ?? statement.internalParameters["projectSettings"]?["toolchain"]?.stringValue
        if let chosen, chosen != toolchain {
            findings.append(
                Finding(
                    .failed, "provenance.toolchain", "another toolchain was asked for than the one that built",
                    expected: chosen, actual: toolchain))
        }
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
                    .failed, "provenance.invocation", "the build's id is malformed",
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
