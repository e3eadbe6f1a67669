import KettleProvenance

/// Whether `artifacts/` holds exactly the statement's subjects.
struct ArtifactChecks {
    let bundle: UnverifiedBundle
    let subjects: [Statement.Subject]

    func run(_ findings: inout [Finding]) {
        if subjects.isEmpty {
            findings.append(Finding(.failed, "artifact.none", "the statement names no artifact"))
        }
        var seen: Set<String> = []
        for subject in subjects {
            guard seen.insert(subject.name).inserted else {
                findings.append(
                    Finding(.failed, "artifact.duplicate", "the statement names the artifact \"\(subject.name)\" twice")
                )
                continue
            }
            findings.append(check(subject))
        }
        // Bytes, since Swift takes two spellings of one accent for the same text.
        let named = Set(subjects.map { Array($0.name.utf8) })
        for name in bundle.names(in: "artifacts") where !named.contains(Array(name.utf8)) {
            findings.append(
                Finding(.failed, "artifact.unexpected", "the statement does not name the artifact \"\(name)\""))
        }
    }

    private func check(_ subject: Statement.Subject) -> Finding {
        guard Self.isPlain(subject.name) else {
            return Finding(.failed, "artifact.name", "\"\(subject.name)\" is no plain file name")
        }
        guard let file = bundle.file("artifacts/\(subject.name)") else {
            return Finding(
                .failed, "artifact.missing", "the artifact \"\(subject.name)\" is not in the bundle",
                expected: "sha256 \(subject.digest)", actual: "no file")
        }
        let matches = file.digest == subject.digest
        return Finding(
            matches ? .passed : .failed, matches ? "artifact.match" : "artifact.mismatch",
            matches
                ? "the artifact \"\(subject.name)\" is sha256 \(subject.digest)"
                : "the artifact \"\(subject.name)\" is not the one that the statement names",
            expected: "sha256 \(subject.digest)", actual: "sha256 \(file.digest)")
    }

    /// A name that stays in its folder wherever it is unpacked.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}
