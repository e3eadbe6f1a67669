import KettleProvenance

/// Whether the lockfile and the log are the ones that the statement names. The published result tarball carries neither.
struct RecordChecks {
    let bundle: UnverifiedBundle
    let statement: Statement

    func run(_ findings: inout [Finding]) {
        let lockfile = statement.lockfile
        findings.append(
            compare(
                "build-config/\(lockfile?.name ?? "")", with: lockfile.flatMap(\.sha256), code: "lockfile",
                called: "the lockfile"))
        let logs = statement.byproducts.filter { $0.name == Statement.buildLogName }
        guard logs.count == 1, let digest = logs[0].sha256 else {
            findings.append(
                Finding(.failed, "build_log.unnamed", "the statement does not name one build.log with its sha256"))
            return
        }
        findings.append(compare(Statement.buildLogName, with: digest, code: "build_log", called: "the build's log"))
        checkBillOfMaterials(&findings)
    }

    /// Statements of earlier versions name none; a bundle may then hold none.
    private func checkBillOfMaterials(_ findings: inout [Finding]) {
        let name = SoftwareBillOfMaterials.fileName
        let bills = statement.byproducts.filter { $0.name == name }
        guard !bills.isEmpty || bundle.file(name) != nil else { return }
        guard bills.count == 1, let digest = bills[0].sha256 else {
            findings.append(
                Finding(.failed, "sbom.unnamed", "the statement does not name one \(name) with its sha256"))
            return
        }
        let mediaType = bills[0].mediaType
        if mediaType != SoftwareBillOfMaterials.mediaType {
            findings.append(
                Finding(
                    .failed, "sbom.media_type", "the bill of materials is of an unknown kind",
                    expected: SoftwareBillOfMaterials.mediaType, actual: mediaType ?? "none"))
        }
        findings.append(compare(name, with: digest, code: "sbom", called: "the bill of materials"))
    }

    private func compare(_ path: String, with expected: ContentDigest?, code: String, called name: String) -> Finding {
        guard let expected else {
            return Finding(.failed, "\(code).unnamed", "the statement does not name \(name)")
        }
        guard let file = bundle.file(path) else {
            return Finding(
                .notChecked, "\(code).absent", "\(name) is not in the bundle", expected: "sha256 \(expected)")
        }
        let matches = file.digest == expected
        return Finding(
            matches ? .passed : .failed, matches ? "\(code).match" : "\(code).mismatch",
            matches ? "\(name) is the one that the statement names" : "\(name) is not the one that the statement names",
            expected: "sha256 \(expected)", actual: "sha256 \(file.digest)")
    }
}
