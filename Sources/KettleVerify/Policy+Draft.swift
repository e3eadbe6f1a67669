import KettleAttestation
public import KettleError
public import KettleProvenance

extension Policy {
    /// A policy file that accepts builds like one: of the same source, ref, builder and signer, at any commit.
    ///
    /// Made of claims: nothing of the bundle is verified here.
    ///
    /// - Throws: ``PolicyDraftError``.
    public static func draft(for bundle: UnverifiedBundle) throws(PolicyDraftError) -> String {
        let statement: Statement
        do {
            statement = try Statement(parsing: bundle.statement ?? [])
        } catch {
            throw .statement(error)
        }
        let lines =
            [
                "# A policy for kettle verify --policy. It was made from what one bundle claims: read it before you use it.",
                "version = 1",
            ] + builder(statement, bundle.evidence.flatMap { try? Evidence(parsing: $0) }) + source(statement) + [
                "", "# How old a build may be when it is verified.", "# maximum_age = \"30d\"", "",
                "# [dependencies]", "# required = [\"pkg:cargo/serde@1.0.228\"]",
                "# denied = [\"pkg:cargo/openssl-sys\"]", "",
            ]
        let text = lines.joined(separator: "\n")
        // A star that is claimed would be a pattern in a policy.
        for claim in [statement.externalParameters["source"] ?? "", statement.externalParameters["ref"] ?? ""]
        where claim.contains("*") {
            throw .inexpressible(
                PolicyError(
                    line: nil,
                    problem: .invalid(key: "sources", value: claim, expected: "a source or ref without a *")))
        }
        do {
            _ = try Policy(parsing: Array(text.utf8))
        } catch {
            throw .inexpressible(error)
        }
        return text
    }

    private static func builder(_ statement: Statement, _ evidence: Evidence?) -> [String] {
        let lines = ["", "# Who may have built.", "builders = [\(quoted(statement.builderID))]"]
        guard let evidence else {
            return lines + ["# The bundle has no evidence that can be read, so it names no key and no measurement."]
        }
        guard let software = try? SoftwareEvidence(evidence) else {
            guard let claims = EvidenceClaims(evidence) else {
                return lines + ["# The bundle's evidence is not of its platform's form, so it names no measurement."]
            }
            var hardware = [
                "# The images that may have built, by their launch digests. Compare them with the builder's own.",
                "measurements = [\(quoted(claims.launchDigest.hexadecimal))]",
            ]
            if let rtmrs = claims.rtmrs {
                hardware +=
                    [
                        "# What the firmware started, by the registers of TDX: leave out those that the image does not fix."
                    ]
                hardware += registers("rtmrs", rtmrs)
            }
            if let pcrs = claims.pcrs {
                hardware += [
                    "# What ran above the cloud's paravisor, by the vTPM's registers: leave out those that the image does not fix."
                ]
                hardware += registers("pcrs", pcrs)
            }
            return lines + hardware
        }
        return lines + [
            "# The keys whose word you take. Compare the fingerprint with the builder's own.",
            "software_keys = [\(quoted(software.publicKey.fingerprint.hex))]",
        ]
    }

    /// An inline table, since other keys of the policy follow.
    private static func registers(_ name: String, _ values: [[UInt8]]) -> [String] {
        let entries = values.enumerated().filter { $1.contains { $0 != 0 } }.map {
            "\($0) = [\(quoted($1.hexadecimal))]"
        }
        return entries.isEmpty ? [] : ["\(name) = { \(entries.joined(separator: ", ")) }"]
    }

    private static func source(_ statement: Statement) -> [String] {
        let ref = statement.externalParameters["ref"]
        let source = SourcePattern.repository(of: statement.externalParameters["source"] ?? "", ref: ref)
        var lines = [
            "", "# What may have been built, and how. A last component * stands for everything below.",
            "build_types = [\(quoted(statement.buildType))]", "sources = [\(quoted(source))]",
        ]
        if source.hasPrefix("git+") {
            lines += [
                "# HEAD is the default branch; v* is every ref that begins so.", "refs = [\(quoted(ref ?? "HEAD"))]",
            ]
        }
        if let commit = statement.resolvedDependencies.first?.digest["gitCommit"] {
            lines += ["# This very commit only:", "# commits = [\(quoted(commit))]"]
        }
        return lines
    }

    /// A basic string of TOML 1.0 that shows nothing on a terminal but what it says.
    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                let hex = String(scalar.value, radix: 16)
                output += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
            default:
                if scalar == "\"" || scalar == "\\" { output += "\\" }
                output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}

/// Why no policy can be made from a bundle.
public enum PolicyDraftError: UserFacingError, Hashable {
    case statement(StatementError)
    /// The bundle claims something that a policy cannot name, such as a source that is neither a repository nor an archive.
    case inexpressible(PolicyError)

    public var code: String {
        switch self {
        case .statement(let error): error.code
        case .inexpressible: "policy.inexpressible"
        }
    }

    public var message: String {
        switch self {
        case .statement(let error): error.message
        case .inexpressible(let error): "no policy can name what the bundle claims: \(error.reason)"
        }
    }

    public var hint: String? {
        switch self {
        case .statement(let error): error.hint
        case .inexpressible: "kettle inspect shows what it claims"
        }
    }
}
