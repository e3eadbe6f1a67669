import KettleAttestation
public import KettleProvenance

extension Policy {
    /// A policy file that accepts builds like one: of the same source, ref, builder and signer, at any commit.
    ///
    /// Made of claims: nothing of the bundle is verified here.
    ///
    /// - Throws: `StatementError` when the bundle's statement cannot be read.
    public static func draft(for bundle: UnverifiedBundle) throws(StatementError) -> String {
        let statement = try Statement(parsing: bundle.statement ?? [])
        let ref = statement.externalParameters["ref"]
        var source = statement.externalParameters["source"] ?? ""
        if let ref, source.hasSuffix("@\(ref)") { source.removeLast(ref.count + 1) }
        let evidence = bundle.evidence.flatMap { try? Evidence(parsing: $0) }
        let key = evidence.flatMap { try? SoftwareEvidence($0) }?.publicKey.fingerprint.hex
        let commit = statement.resolvedDependencies.first?.digest["gitCommit"]
        var lines = [
            "# A policy for kettle verify --policy. It was made from what one bundle claims: read it before you use it.",
            "version = 1", "", "# Who may have built.", "builders = [\(quoted(statement.builderID))]",
        ]
        if let key {
            lines += [
                "# The keys whose word you take. Compare the fingerprint with the builder's own.",
                "software_keys = [\(quoted(key))]",
            ]
        }
        lines += [
            "", "# What may have been built, and how. A last component * stands for everything below.",
            "build_types = [\(quoted(statement.buildType))]", "sources = [\(quoted(source))]",
        ]
        if source.hasPrefix("git+") {
            lines += [
                "# HEAD is the default branch; v* is every ref that begins so.", "refs = [\(quoted(ref ?? "HEAD"))]",
            ]
        }
        if let commit { lines += ["# commits = [\(quoted(commit))]"] }
        lines += [
            "", "# How old a build may be when it is verified.", "# maximum_age = \"30d\"", "",
            "# [dependencies]", "# required = [\"pkg:cargo/serde@1.0.228\"]", "# denied = [\"pkg:cargo/openssl-sys\"]",
            "",
        ]
        return lines.joined(separator: "\n")
    }

    /// A basic string of TOML 1.0.
    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": output += "\\\(scalar)"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{202A}"..."\u{202E}":
                let hex = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}
