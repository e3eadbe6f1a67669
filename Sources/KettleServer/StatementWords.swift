import KettleBuild
import KettleProvenance

/// A statement as the page of its build shows it: what went in, what was done, and by whom.
struct StatementWords: Sendable {
    struct Package: Sendable {
        var name: String
        var digest: String
        /// The packages that it needs, in one line.
        var needs: String?
    }

    struct Tool: Sendable {
        var name: String
        var digest: String
    }

    var sourceName: String
    var sourceDigests: [BuildPage.Fact]
    var lockfile: String?
    var packageCount: Int
    var hasPackages: Bool
    var packages: [Package]
    /// How many are not listed; nil for none.
    var packagesLeftOut: Int?
    var toolCount: Int
    var tools: [Tool]
    var toolchain: String
    var commands: [String]
    var builder: String
    var statementDigest: String
    var merkleRoot: String

    /// Packages that a page lists.
    private static let packageLimit = 2000

    /// - Parameter graph: Which packages a package needs, by their package URLs.
    init?(_ json: JSONValue, graph: [String: [String]]) {
        guard let statement = try? Statement(json: json) else { return nil }
        let inputs = statement.resolvedDependencies
        let packages = inputs.dropFirst(2).filter(\.isPackage)
        let tools = inputs.dropFirst(2).filter { !$0.isPackage }
        let source = inputs.first
        sourceName = PrintableText.make(from: source?.uri ?? statement.externalParameters["source"] ?? "")
        sourceDigests = (source?.digest ?? [:]).sorted { $0.key < $1.key }
            .map { BuildPage.Fact(name: PrintableText.make(from: $0.key), value: PrintableText.make(from: $0.value)) }
        lockfile = inputs.dropFirst().first.flatMap { $0.name ?? $0.uri }.map(PrintableText.make)
        packageCount = packages.count
        hasPackages = !packages.isEmpty
        self.packages = packages.prefix(Self.packageLimit).map { input in
            let needs = (graph[input.uri ?? ""] ?? []).map(Self.short).joined(separator: ", ")
            return Package(
                name: Self.short(input.uri ?? ""), digest: Self.digest(of: input), needs: needs.isEmpty ? nil : needs)
        }
        packagesLeftOut = packages.count > Self.packageLimit ? packages.count - Self.packageLimit : nil
        toolCount = tools.count
        self.tools = tools.map { tool in
            let version = tool.annotations?["version"]?.stringValue
            let bare = tool.name ?? tool.uri ?? ""
            // Some versions say whose they are, some do not.
            let name = version.map { $0.hasPrefix(bare) ? $0 : "\(bare) \($0)" } ?? bare
            return Tool(name: PrintableText.make(from: name), digest: Self.digest(of: tool))
        }
        toolchain = statement.toolchain ?? PrintableText.make(from: statement.buildType)
        commands = (statement.internalParameters["commands"]?.arrayValue ?? []).map { command in
            PrintableText.make(
                from: (command["arguments"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " "))
        }
        builder = PrintableText.make(from: statement.builderID)
        statementDigest = ContentDigest(of: json.canonicalBytes()).hex
        merkleRoot =
            statement.byproducts.first { $0.name == Statement.inputMerkleRootName }?.sha256?.hex ?? ""
    }

    /// Name and version of a package URL, for people; the URL itself where it is none.
    private static func short(_ url: String) -> String {
        guard let parsed = PackageURL(parsing: url) else { return PrintableText.make(from: url) }
        let name = [parsed.namespace, parsed.name].filter { !$0.isEmpty }.joined(separator: "/")
        return PrintableText.make(from: [name, parsed.version].compactMap(\.self).joined(separator: " "))
    }

    /// The strongest digest there is, with its algorithm where that is not SHA-256.
    private static func digest(of input: ResourceDescriptor) -> String {
        if let sha256 = input.digest["sha256"] { return PrintableText.make(from: sha256) }
        let other = input.digest.sorted { $0.key < $1.key }.first
        return PrintableText.make(from: other.map { "\($0.key) \($0.value)" } ?? "")
    }
}
