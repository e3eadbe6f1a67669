import KettleProvenance

/// Whether `artifacts/` holds exactly the statement's subjects.
struct ArtifactChecks {
    let bundle: UnverifiedBundle
    let subjects: [Statement.Subject]
    /// Whether the caller has the statement and the evidence alone.
    let isLeftOut: Bool

    func run(_ findings: inout [Finding]) {
        if subjects.isEmpty {
            findings.append(Finding(.failed, "artifact.none", "the statement names no artifact"))
        }
        let kinds = oddNames
        var seen: Set<String> = []
        for subject in subjects {
            guard seen.insert(subject.name).inserted else {
                findings.append(
                    Finding(.failed, "artifact.duplicate", "the statement names the artifact \"\(subject.name)\" twice")
                )
                continue
            }
            if let finding = check(subject, kinds) { findings.append(finding) }
        }
        for (path, kind) in bundle.oddities.sorted(by: { $0.key < $1.key })
        where UnverifiedBundle.isPath(path, below: "artifacts") {
            findings.append(
                Finding(
                    .failed, "artifact.kind", "\"\(path)\" is not a regular file", expected: "regular files",
                    actual: kind)
            )
        }
        if isLeftOut {
            findings.append(
                Finding(
                    .notChecked, "artifact.left_out",
                    "the artifacts were left out, as you asked: only digests are known"))
        }
        // Bytes, since Swift takes two spellings of one accent for the same text.
        let named = Set(subjects.map { Array($0.name.utf8) })
        for name in bundle.names(in: "artifacts") where !named.contains(Array(name.utf8)) {
            if name.utf8.contains(UInt8(ascii: "/")) {
                findings.append(
                    Finding(
                        .failed, "artifact.kind", "\"artifacts/\(name)\" is in a folder of its own",
                        expected: "regular files", actual: "folder"))
                continue
            }
            findings.append(
                Finding(.failed, "artifact.unexpected", "the statement does not name the artifact \"\(name)\""))
        }
    }

    /// Nil where there is nothing to say of one that was left out.
    ///
    /// - Parameter kinds: The names under which something else than a file is there.
    private func check(_ subject: Statement.Subject, _ kinds: Set<[UInt8]>) -> Finding? {
        guard Self.isPlain(subject.name) else {
            return Finding(.failed, "artifact.name", "\"\(subject.name)\" is not a plain file name")
        }
        guard let file = bundle.file("artifacts/\(subject.name)") else {
            // What is there in its place is a finding of its own.
            if isLeftOut || kinds.contains(Array(subject.name.utf8)) { return nil }
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

    /// What is in `artifacts/` and is no regular file: links and devices, and folders that hold something.
    private var oddNames: Set<[UInt8]> {
        let length = "artifacts/".utf8.count
        var names: Set<[UInt8]> = []
        for path in bundle.oddities.keys where UnverifiedBundle.isPath(path, below: "artifacts") {
            names.insert(Array(path.utf8.dropFirst(length)))
        }
        for path in bundle.files.keys where UnverifiedBundle.isPath(path, below: "artifacts") {
            let parts = path.utf8.dropFirst(length).split(separator: UInt8(ascii: "/"), maxSplits: 1)
            if parts.count == 2 { names.insert(Array(parts[0])) }
        }
        return names
    }

    /// A name that stays in its folder wherever it is unpacked.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}
