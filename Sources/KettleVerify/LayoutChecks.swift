import KettleAttestation
import KettleProvenance

/// Whether the bundle holds nothing that nothing in it speaks for.
struct LayoutChecks {
    let bundle: UnverifiedBundle
    /// Nil when the statement cannot be read, which is a finding of its own.
    let statement: Statement?
    /// What the evidence claims to be of.
    let platform: Platform?

    private static let records: Set<String> = [
        UnverifiedBundle.statementPath, UnverifiedBundle.evidencePath, Statement.buildLogName,
        SoftwareBillOfMaterials.fileName,
    ]

    func run(_ findings: inout [Finding]) {
        // Those below artifacts/ are for `ArtifactChecks`.
        for (path, kind) in bundle.oddities.sorted(by: { $0.key < $1.key }) where !path.hasPrefix("artifacts/") {
            findings.append(
                Finding(
                    .failed, "bundle.kind", "\"\(path)\" has no place in a bundle", expected: "regular files",
                    actual: kind))
        }
        let lockfile = statement?.lockfile?.name.map { "build-config/\($0)" }
        for path in bundle.files.keys.sorted() where !Self.records.contains(path) {
            if path.hasPrefix("artifacts/") || path == lockfile { continue }
            // The chip makers sign what these files say.
            if platform?.isHardware == true, path.hasPrefix("collateral/"),
                Collateral.fileNames.contains(String(path.dropFirst("collateral/".count)))
            {
                continue
            }
            if statement == nil && path.hasPrefix("build-config/") { continue }
            findings.append(Finding(.failed, "bundle.unexpected", "nothing in the statement speaks for \"\(path)\""))
        }
    }
}
