import KettleProvenance

/// Whether a bundle is what a policy, or the one who asks, wants.
struct PolicyChecks {
    let policy: Policy
    /// Begins the codes and the messages: a policy's findings are told from those of single questions.
    let asker: Asker
    let claims: Claims
    let time: Statement.Timestamp?

    enum Asker {
        case policy
        case caller

        fileprivate func code(_ what: String) -> String { self == .policy ? "policy.\(what)" : "expected.\(what)" }
        fileprivate var words: String { self == .policy ? "the policy" : "you" }
        fileprivate var wants: String { self == .policy ? "the policy wants" : "you want" }
    }

    func run(_ findings: inout [Finding]) {
        Self.checkBuilder(claims.builderID, policy, asker, &findings)
        asker.check("build_type", policy.buildTypes, claims.buildType, Self.isSame, { $0 }, &findings)
        asker.check(
            "source", policy.sources, claims.source,
            { pattern, source in pattern.matches(source: source, ref: claims.requestedRef) }, \.text, &findings)
        asker.check(
            "ref", policy.refs, claims.ref ?? "none: the source is not a repository, or does not tell",
            { pattern, _ in claims.ref.map(pattern.matches) ?? false }, \.text, &findings)
        asker.check("commit", policy.commits, claims.commit ?? "no git commit", Self.isSame, { $0 }, &findings)
        checkAge(&findings)
        checkDependencies(&findings)
    }

    /// Whether the builder is one that is wanted, which evidence tells without a statement too.
    static func checkBuilder(_ id: String, _ policy: Policy, _ asker: Asker, _ findings: inout [Finding]) {
        asker.check("builder", policy.builders, id, isSame, { $0 }, &findings)
    }

    /// Byte for byte. Swift alone would take two spellings of one accent for the same.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

    private func checkAge(_ findings: inout [Finding]) {
        guard let limit = policy.maximumAge else { return }
        guard let time, let finished = claims.finishedOn else {
            findings.append(
                Finding(
                    .undetermined, asker.code("age"),
                    "without the time of verification and that of the build there is no age"))
            return
        }
        let age = time.secondsSince1970 - finished.secondsSince1970
        findings.append(
            Finding(
                age <= limit ? .passed : .failed, asker.code("age"),
                age <= limit
                    ? "the build is not older than \(asker.words) allow\(asker == .policy ? "s" : "")"
                    : "the build is older than \(asker.words) allow\(asker == .policy ? "s" : "")",
                expected: "at most \(limit) s", actual: "\(age) s"))
    }

    // MARK: - Dependencies

    private func checkDependencies(_ findings: inout [Finding]) {
        guard !policy.required.isEmpty || !policy.denied.isEmpty else { return }
        let packages = claims.packages
        for wanted in policy.required {
            let isThere = packages.contains { Self.is($0, wanted, fromElsewhereToo: false) }
            findings.append(
                Finding(
                    isThere ? .passed : .failed, asker.code("required"),
                    isThere ? "\(wanted.text) is an input" : "\(wanted.text) is not among the inputs",
                    expected: wanted.text, actual: isThere ? wanted.text : "no such input"))
        }
        if !policy.denied.isEmpty, let unreadable = claims.unreadablePackages.first {
            findings.append(
                Finding(
                    .failed, asker.code("denied"),
                    "an input has no package URL that could be compared with what is denied",
                    expected: "package URLs", actual: unreadable))
        }
        for unwanted in policy.denied {
            let found = packages.first { Self.is($0, unwanted, fromElsewhereToo: true) }
            findings.append(
                Finding(
                    found == nil ? .passed : .failed, asker.code("denied"),
                    found == nil
                        ? "\(unwanted.text) is not among the inputs" : "\(unwanted.text) is an input, and denied",
                    expected: "no such input", actual: found?.text ?? "no such input"))
        }
    }

    /// - Parameter elsewhere: Whether a package counts that comes from another place than `wanted` says, or from a folder of
    ///   the source. What is denied is denied from anywhere; what is required is not replaced by its namesake.
    private static func `is`(_ package: PackageURL, _ wanted: PackageURL, fromElsewhereToo elsewhere: Bool) -> Bool {
        guard package.type == wanted.type, package.namespace == wanted.namespace, package.name == wanted.name,
            wanted.version == nil || package.version == wanted.version
        else { return false }
        if !elsewhere { return package.qualifiers == wanted.qualifiers && package.subpath == wanted.subpath }
        return wanted.qualifiers.allSatisfy { package.qualifiers[$0.key] == $0.value }
            && (wanted.subpath.isEmpty || package.subpath == wanted.subpath)
    }
}

extension PolicyChecks.Asker {
    fileprivate func check<Element>(
        _ what: String, _ wanted: [Element]?, _ actual: String, _ matches: (Element, String) -> Bool,
        _ text: (Element) -> String, _ findings: inout [Finding]
    ) {
        guard let wanted else { return }
        let isMet = wanted.contains { matches($0, actual) }
        let name = what.split(separator: "_").joined(separator: " ")
        findings.append(
            Finding(
                isMet ? .passed : .failed, code(what),
                isMet ? "the \(name) is one that \(wants)" : "the \(name) is not one that \(wants)",
                expected: wanted.map(text).joined(separator: " or "), actual: actual))
    }
}
