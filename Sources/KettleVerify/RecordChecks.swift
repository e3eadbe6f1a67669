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
