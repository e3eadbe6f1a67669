import ArgumentParser
import Foundation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle prove`: a proof that one dependency is among a build's inputs, without showing the others.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Make a proof that a dependency is an input of a build.",
        discussion: """
            The proof is for someone who knows the statement's input Merkle root: it shows that entry and some digests, and \
            nothing else. It is about what the statement claims; kettle verify judges the statement. Exits 0, or 2 when it \
            could not be made.
            """)

    @Argument(help: "The bundle: a folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Argument(help: "A URI or name among the inputs, or a package's name, with @version where there are several.")
    var dependency: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where the proof goes. (default: standard output)", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        let entries = try StatementInputs(of: UnverifiedBundle(at: bundle)).entries
        let index = try Self.find(dependency, in: entries)
        guard let proof = InclusionProof(of: index, in: entries) else {
            throw ProofCommandError.unknown(dependency, [])
        }
        let text = proof.json.canonicalString()
        if let output {
            try OutputFile.write(Array("\(text)\n".utf8), to: output)
        } else {
            Terminal.say(text)
        }
    }

    /// The exact URI or name first; a package's name is for people.
    private static func find(_ wanted: String, in entries: [JSONValue]) throws(ProofCommandError) -> Int {
        let keys: [(JSONValue) -> [String]] = [
            { [$0["uri"]?.stringValue, $0["name"]?.stringValue].compactMap { $0 } },
            {
                $0["uri"]?.stringValue.flatMap(PackageURL.init(parsing:)).map {
                    [$0.name, "\($0.name)@\($0.version ?? "")"]
                } ?? []
            },
        ]
        for key in keys {
            let found = entries.indices.filter { key(entries[$0]).contains(wanted) }
            if found.count == 1 { return found[0] }
            if found.count > 1 { throw .ambiguous(wanted, found.map { name(of: entries[$0]) }) }
        }
        let near = entries.map(name).filter { $0.localizedCaseInsensitiveContains(wanted) }
        throw .unknown(wanted, near)
    }

    private static func name(of entry: JSONValue) -> String {
        entry["uri"]?.stringValue ?? entry["name"]?.stringValue ?? "?"
    }
}

/// `kettle verify-proof`: whether a proof holds for a root.
struct VerifyProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-proof",
        abstract: "Check a proof that kettle prove made.",
        discussion: """
            The root must come from a statement that you have verified: name it with --root, or name the bundle. Exits 0 when \
            the proof holds, 1 when it does not, 2 when that could not be found out.
            """)

    @Argument(help: "The proof's file; - is standard input.", completion: .file())
    var proof: String

    @Argument(help: "The bundle whose input it should be.", completion: .file())
    var bundle: String?

    @Option(help: ArgumentHelp("The statement's input_merkle_root.", valueName: "hex"))
    var root: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let (expected, size) = try expectedTree()
        let bytes = try read()
        let parsed: InclusionProof
        do {
            parsed = try InclusionProof(parsing: bytes)
        } catch {
            return try tell(nil, actual: nil, expected: expected, reason: error.message)
        }
        let actual = parsed.root
        var reason: String?
        if actual != expected {
            reason = actual == nil ? "no tree of that size has such a path" : "the proof leads to another root"
        } else if let size, size != parsed.treeSize {
            reason = "the proof is for \(parsed.treeSize) inputs, and the bundle has \(size)"
        }
        try tell(parsed, actual: actual, expected: expected, reason: reason)
    }

    private func tell(
        _ proof: InclusionProof?, actual: ContentDigest?, expected: ContentDigest, reason: String?
    ) throws {
        let leaf = proof?.leaf
        if json {
            var members: [String: JSONValue] = ["valid": .bool(reason == nil), "expected_root": .string(expected.hex)]
            members["actual_root"] = actual.map { .string($0.hex) }
            members["reason"] = reason.map(JSONValue.string)
            members["input"] = reason == nil ? leaf : nil
            Terminal.say(JSONValue.object(members).canonicalString())
        } else if let reason {
            Terminal.say("FAIL  \(Finding.printable(reason))")
            Terminal.say("        expected: \(expected)")
            Terminal.say("        actual:   \(actual?.hex ?? "no root")")
        } else if let leaf {
            let name = leaf["uri"]?.stringValue ?? leaf["name"]?.stringValue ?? "an input without a name"
            let digests = leaf["digest"]?.objectValue ?? [:]
            Terminal.say("ok    \(Finding.printable(name)) is among the inputs of that root")
            for (algorithm, digest) in digests.sorted(by: { $0.key < $1.key }) {
                Terminal.say("        \(Finding.printable("\(algorithm) \(digest.stringValue ?? "")"))")
            }
        }
        if reason != nil { throw ExitCode(1) }
    }

    /// - Returns: The root, and how many inputs there are where that is known.
    private func expectedTree() throws -> (root: ContentDigest, size: Int64?) {
        let named: ContentDigest? =
            if let root {
                try ContentDigest(hex: root.lowercased()) ?? { throw ProofCommandError.root(root) }()
            } else {
                nil
            }
        guard let bundle else {
            guard let named else { throw ProofCommandError.noRoot }
            return (named, nil)
        }
        let claimed = try StatementInputs(of: UnverifiedBundle(at: bundle))
        if named == nil { Terminal.warn("kettle: the root is what the bundle claims; kettle verify judges the bundle") }
        guard named == nil || named == claimed.root else { throw ProofCommandError.twoRoots }
        return (claimed.root, Int64(claimed.entries.count))
    }

    private func read() throws -> [UInt8] {
        let handle = proof == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: proof)
        guard let handle, let data = try? handle.read(upToCount: InclusionProof.limitInBytes + 1) else {
            throw ProofCommandError.unreadable(proof)
        }
        return Array(data)
    }
}

/// The inputs that a bundle's statement claims, as received, and their root.
struct StatementInputs {
    let entries: [JSONValue]
    let root: ContentDigest

    /// - Throws: ``StatementError``, ``ProofCommandError/rootMismatch`` where the statement contradicts itself.
    init(of bundle: UnverifiedBundle) throws {
        let bytes = bundle.statement ?? []
        let statement = try Statement(parsing: bytes)
        entries =
            try JSONValue(parsing: bytes)["predicate"]?["buildDefinition"]?["resolvedDependencies"]?.arrayValue ?? []
        root = Statement.inputMerkleRoot(of: entries)
        let claimed = statement.byproducts.filter { $0.name == Statement.inputMerkleRootName }
        guard claimed.count == 1, claimed[0].sha256 == root else { throw ProofCommandError.rootMismatch }
    }
}

/// Why a proof could not be made or checked. The paths in it are the caller's own words.
enum ProofCommandError: UserFacingError, Equatable {
    case unknown(String, _ near: [String])
    case ambiguous(String, _ found: [String])
    case root(String)
    case noRoot
    case twoRoots
    case rootMismatch
    case unreadable(String)

    var code: String {
        switch self {
        case .unknown: "prove.unknown_dependency"
        case .ambiguous: "prove.ambiguous_dependency"
        case .root: "prove.root"
        case .noRoot: "prove.no_root"
        case .twoRoots: "prove.two_roots"
        case .rootMismatch: "prove.root_mismatch"
        case .unreadable: "prove.unreadable"
        }
    }

    var message: String {
        switch self {
        case .unknown(let name, _): "no input is called \(Self.shown(name))"
        case .ambiguous(let name, let found): "\(found.count) inputs are called \(Self.shown(name))"
        case .root(let text): "\(Self.shown(text)) is not a digest"
        case .noRoot: "there is no root to hold the proof against"
        case .twoRoots: "the bundle's root is not the one that --root names"
        case .rootMismatch: "the statement's input_merkle_root is not that of its inputs"
        case .unreadable(let path): "the proof \(Self.shown(path)) cannot be read"
        }
    }

    var hint: String? {
        switch self {
        case .unknown(_, let names), .ambiguous(_, let names):
            names.isEmpty
                ? "kettle inspect lists the inputs"
                : "name one of " + names.prefix(5).map { Finding.printable($0) }.joined(separator: ", ")
                    + (names.count > 5 ? " …" : "")
        case .root: "a root is 64 hexadecimal digits; kettle inspect shows it as input_merkle_root"
        case .noRoot: "name --root from a statement that you have verified, or the bundle"
        case .twoRoots, .rootMismatch: "kettle verify says what is wrong with the bundle"
        case .unreadable: nil
        }
    }
}
