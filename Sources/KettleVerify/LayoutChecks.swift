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

    /// Whether a path is that of a file which the chip makers sign.
    static func isCollateral(_ path: String) -> Bool {
        Collateral.fileNames.contains { path.utf8.elementsEqual("\(UnverifiedBundle.collateralFolder)/\($0)".utf8) }
    }

    func run(_ findings: inout [Finding]) {
        // Those below artifacts/ are for `ArtifactChecks`.
        for (path, kind) in bundle.oddities.sorted(by: { $0.key < $1.key })
        where !UnverifiedBundle.isPath(path, below: "artifacts") {
            findings.append(
                Finding(
                    .failed, "bundle.kind", "\"\(path)\" has no place in a bundle", expected: "regular files",
                    actual: kind))
        }
        let lockfile = statement?.lockfile?.name.map { "build-config/\($0)" }
        for path in bundle.files.keys.sorted() where !Self.records.contains(path) {
            if UnverifiedBundle.isPath(path, below: "artifacts") || path == lockfile { continue }
            // The chip makers sign what these files say.
            if platform?.isHardware == true, Self.isCollateral(path) { continue }
            if statement == nil && path.hasPrefix("build-config/") { continue }
            findings.append(Finding(.failed, "bundle.unexpected", "nothing in the statement speaks for \"\(path)\""))
        }
    }
}
