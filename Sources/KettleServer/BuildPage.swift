import KettleAttestation
import KettleBuild
import KettleProvenance
import KettleStore
import SystemPackage

/// What the page of one build shows (`build.mustache`).
///
/// Every text may be a stranger's: control characters and what turns text round are taken out here, and the template escapes.
struct BuildPage: Sendable {
    struct Fact: Sendable {
        var name: String
        var value: String
    }

    struct Artifact: Sendable {
        var name: String
        var size: String
        var sha256: String
        /// Its address, relative to the page; nil where retention took the file.
        var file: String?
    }

    struct Failure: Sendable {
        var type: String
        var message: String
        var code: String
        var hint: String?
    }

    /// What there is of a build that succeeded.
    struct Success: Sendable {
        var artifacts: [Artifact]
        var statement: StatementWords?
        var hasEvidence: Bool
        var evidenceSays: String
        var verifyOptions: String
        var keyHint: String
        var badgeText: String
    }

    var id: String
    var source: String
    /// `queued`, `running`, `success` or `failed`.
    var state: String
    var facts: [Fact]
    var failure: Failure?
    var success: Success?
    /// Milliseconds since 1970.
    var finishedAt: Int64?
    /// Whether only its owner may read it.
    var isPrivate: Bool
    var hasLog: Bool
    /// The end of the output, for those without JavaScript.
    var logTail: String?
    var address: String
    var takesTokens: Bool

    /// - Parameter graph: Which packages a package needs, as the bill of materials has them.
    init(
        of record: BuildRecord, isQueued: Bool, address: String, takesTokens: Bool, graph: [String: [String]]?,
        logTail: String?
    ) {
        let result = record.result.flatMap { try? JSONValue(parsing: $0, maximumBytes: Self.resultLimit) }
        id = record.id.hex
        source = PrintableText.make(from: record.source)
        state = isQueued ? "queued" : record.state.rawValue
        finishedAt = record.finishedAt
        isPrivate = record.visibility == .private
        hasLog = logTail != nil
        self.logTail = logTail
        self.address = address
        self.takesTokens = takesTokens
        facts = [
            Fact(name: "Build", value: id),
            Fact(name: "Begun", value: BuildTime(milliseconds: record.createdAt).timestamp.text),
        ]
        func add(_ name: String, _ value: String?) {
            if let value { facts.append(Fact(name: name, value: PrintableText.make(from: value))) }
        }
        add("Took", record.duration)
        add("Asked for", record.ref)
        add("Toolchain", record.buildSystem)
        add("Readable", isPrivate ? "by its owner alone" : nil)
        add("Kept", record.isPruned ? "the statement and the evidence; the files are gone" : nil)
        guard let result else { return }
        if record.state == .failed { failure = Failure(result) }
        guard record.state == .success else { return }
        let statement = result["provenance"].flatMap { StatementWords($0, graph: graph ?? [:]) }
        let platform = result["platform"]?.stringValue.flatMap(Platform.init(rawValue:))
        let words = PlatformWords(platform)
        let badge = BuildBadge(state: record.state, isSigned: platform != nil)
        let nonce = result["provenance"]?["predicate"]?["buildDefinition"]?["externalParameters"]?["nonce"]?.stringValue
        success = Success(
            artifacts: (result["artifacts"]?.arrayValue ?? []).map {
                Artifact($0, isPruned: record.isPruned, in: record.id)
            },
            statement: statement, hasEvidence: platform != nil,
            evidenceSays: words.explanation,
            verifyOptions: words.options + (nonce.map { " --nonce \(PrintableText.make(from: $0))" } ?? ""),
            keyHint: words.hint, badgeText: badge.text)
    }

    /// Of the result, in bytes: a statement has at most some thousands of inputs.
    private static let resultLimit = 64 << 20

    // MARK: - Files of the build. These block.

    /// The last bytes of a file, and where they begin; nil for one that cannot be read.
    private static func end(of file: FilePath, limitInBytes limit: Int64) -> (bytes: [UInt8], start: Int64)? {
        guard let descriptor = try? FileDescriptor.open(file, .readOnly) else { return nil }
        defer { try? descriptor.close() }
        guard let size = try? descriptor.seek(offset: 0, from: .end) else { return nil }
        let start = max(0, size - limit)
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        let count = try? bytes.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: start, into: $0) }
        return count == bytes.count ? (bytes, start) : nil
    }

    /// Bytes of output that a page without JavaScript shows.
    private static let tailLimit: Int64 = 64 << 10

    /// The end of a log, made harmless; nil for one that cannot be read.
    static func tail(of file: FilePath) -> String? {
        guard let (bytes, start) = end(of: file, limitInBytes: tailLimit) else { return nil }
        // A line that was cut is left out.
        let text = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .dropFirst(start > 0 ? 1 : 0)
        return (start > 0 ? "…\n" : "")
            + text.map { line in line.withUnsafeBytes { PrintableText.make(from: $0) } }.joined(separator: "\n")
    }

    /// Of a bill of materials, in bytes.
    private static let billLimit: Int64 = 16 << 20

    /// Who needs whom, from a bill of materials that this service wrote; nil for one that is too large for a page.
    static func graph(of file: FilePath) -> [String: [String]]? {
        guard let (bytes, start) = end(of: file, limitInBytes: billLimit), start == 0,
            let bill = try? JSONValue(parsing: bytes)
        else { return nil }
        var graph: [String: [String]] = [:]
        for edge in bill["dependencies"]?.arrayValue ?? [] {
            guard let reference = edge["ref"]?.stringValue else { continue }
            graph[reference] = edge["dependsOn"]?.arrayValue?.compactMap(\.stringValue)
        }
        return graph
    }
}

extension BuildPage.Failure {
    init(_ result: JSONValue) {
        func text(_ key: String) -> String? { result[key]?.stringValue.map(PrintableText.make) }
        type = text("error_type") ?? "BuildFailedError"
        message = text("error") ?? "The build failed."
        code = text("code") ?? ""
        hint = text("hint")
    }
}

extension BuildPage.Artifact {
    init(_ artifact: JSONValue, isPruned: Bool, in build: BuildID) {
        name = PrintableText.make(from: artifact["name"]?.stringValue ?? "")
        sha256 = artifact["sha256"]?.stringValue ?? ""
        size = Self.words(for: artifact["size"]?.integerValue ?? 0)
        let last = artifact["download_url"]?.stringValue?.split(separator: "/").last
        file = isPruned ? nil : last.map { "\(build.hex)/artifacts/\($0)" }
    }

    private static func words(for bytes: Int64) -> String {
        var (value, unit) = (Double(bytes), "bytes")
        for next in ["KiB", "MiB", "GiB"] where value >= 1024 { (value, unit) = (value / 1024, next) }
        return unit == "bytes" ? "\(bytes) bytes" : "\((value * 10).rounded() / 10) \(unit)"
    }
}
