import KettleProvenance

/// What has to be fetched for a graph of derivations, as far as the binary cache has answered.
///
/// It decides as Nix will, which is asked for nothing else later: an output that the cache has comes from there, with all that it
/// needs at run time; any other is built, for which its inputs are needed, or is a pinned file. What needs no fetch is built from
/// what is there, and what the flake was asked for never comes from a cache.
struct DerivationNeeds: Sendable {
    /// What a cache says to one store path.
    enum Answer: Sendable, Hashable {
        case absent
        case present(NarInfo)
    }

    struct Limits: Sendable, Hashable {
        /// Store paths that the cache is asked for, and pinned files.
        var paths = 20_000
        /// What store paths need at run time, each counted as often as it is named.
        var references = 1_000_000
        /// Of the unpacked archives.
        var bytes: Int64 = 256 << 30
    }

    private enum Need: Hashable {
        case output(String, of: StorePath)
        /// From the cache, with all that it needs.
        case path(StorePath)
    }

    let graph: DerivationGraph
    private let hasMirror: Bool
    private let limits: Limits
    private let rootOutputs: Set<StorePath>

    /// What the cache must be asked for first.
    private(set) var unasked: Set<StorePath> = []
    private(set) var substituted: [StorePath: NarInfo] = [:]
    /// What derivations pin of these.
    private(set) var pins: [StorePath: Derivation.FixedOutput] = [:]
    private(set) var files: [StorePath: PinnedFile] = [:]
    /// All that is not built here.
    var fetched: Set<StorePath> { Set(substituted.keys).union(files.keys) }

    private var waiting: [Need] = []
    private var seen: Set<Need> = []
    private var built: Set<StorePath> = []
    private var answers: [StorePath: Answer] = [:]
    private var (referenceCount, byteCount) = (0, Int64(0))

    /// - Parameter hasMirror: See ``PinnedFile``.
    /// - Throws: ``ToolchainError/cannotBeFetched(package:reason:)``.
    init(of graph: DerivationGraph, hasMirror: Bool, limits: Limits = Limits()) throws(ToolchainError) {
        self.graph = graph
        self.hasMirror = hasMirror
        self.limits = limits
        rootOutputs = Set(graph.roots.flatMap { graph.derivations[$0]?.outputs.values.compactMap(\.self) ?? [] })
        for root in graph.roots.sorted() { try build(root) }
    }

    /// Goes on where answers were missing. What was settled is not looked at again.
    ///
    /// - Parameter ask: nil as long as the cache was not asked.
    /// - Throws: ``ToolchainError/cannotBeFetched(package:reason:)``, and what `ask` throws.
    mutating func follow(_ ask: (StorePath) throws(ToolchainError) -> Answer?) throws(ToolchainError) {
        unasked = []
        var blocked: [Need] = []
        while let need = waiting.popLast() {
            if try !settle(need, ask) { blocked.append(need) }
        }
        waiting = blocked
        guard answers.count + unasked.count + files.count <= limits.paths else {
            throw Self.tooMuch("more than \(limits.paths) store paths")
        }
    }

    /// - Returns: Whether the cache's answer was there.
    private mutating func settle(
        _ need: Need, _ ask: (StorePath) throws(ToolchainError) -> Answer?
    ) throws(ToolchainError) -> Bool {
        switch need {
        case .output(let name, let place):
            guard graph.needingFetch.contains(place), let derivation = graph.derivations[place] else { return true }
            guard derivation.allowsSubstitutes, !graph.roots.contains(place),
                let path = derivation.outputs[name] ?? nil
            else {
                try build(place)
                return true
            }
            switch try answer(path, ask) {
            case nil: return false
            case .absent: try build(place)
            case .present(let info):
                if let fixed = derivation.fixed { try compare(info, with: fixed) }
                add(.path(path))
            }
        case .path(let path):
            switch try answer(path, ask) {
            case nil: return false
            case .absent:
                throw .cannotBeFetched(
                    package: path.name, reason: "the binary cache has something that needs it, and not it")
            case .present(let info): try substitute(info)
            }
        }
        return true
    }

    private mutating func answer(
        _ path: StorePath, _ ask: (StorePath) throws(ToolchainError) -> Answer?
    ) throws(ToolchainError) -> Answer? {
        if let known = answers[path] { return known }
        guard let answer = try ask(path) else {
            unasked.insert(path)
            return nil
        }
        answers[path] = answer
        return answer
    }

    private mutating func add(_ need: Need) {
        if seen.insert(need).inserted { waiting.append(need) }
    }

    private mutating func build(_ place: StorePath) throws(ToolchainError) {
        guard graph.needingFetch.contains(place), let derivation = graph.derivations[place],
            built.insert(place).inserted
        else { return }
        if let fixed = derivation.fixed {
            let file = try PinnedFile(fixed, of: derivation, hasMirror: hasMirror)
            files[file.path] = file
            // Two derivations may pin the same, and only one of them take it from a cache.
            substituted[file.path] = nil
        } else {
            for (input, names) in derivation.inputs { for name in names { add(.output(name, of: input)) } }
        }
    }

    private mutating func substitute(_ info: NarInfo) throws(ToolchainError) {
        // It would be attested as built here.
        guard !rootOutputs.contains(info.path) else {
            throw .cannotBeFetched(
                package: info.path.name, reason: "it is to be built, and what the binary cache has needs the cache's")
        }
        guard files[info.path] == nil else { return }
        substituted[info.path] = info
        referenceCount += info.references.count
        byteCount += info.size
        guard referenceCount <= limits.references else {
            throw Self.tooMuch("store paths that name others more than \(limits.references) times")
        }
        guard byteCount <= limits.bytes else {
            throw Self.tooMuch("more than \(limits.bytes) bytes of the binary cache")
        }
        for reference in info.references { add(.path(reference)) }
    }

    /// Where a derivation pins its files, the cache's word must be the same.
    private mutating func compare(
        _ info: NarInfo, with fixed: Derivation.FixedOutput
    ) throws(ToolchainError) {
        pins[info.path] = fixed
        guard fixed.isArchive, fixed.algorithm == "sha256", info.digest.hex != fixed.digest else { return }
        throw .checksumMismatch(package: info.path.name, expected: fixed.digest, actual: info.digest.hex)
    }

    private static func tooMuch(_ reason: String) -> ToolchainError {
        .cannotBeFetched(package: "the flake", reason: "it needs \(reason), which is the limit")
    }
}
