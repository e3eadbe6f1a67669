import Synchronization
import SystemPackage

/// What a flake's attributes need to be built, as their evaluation left it in the build's store.
struct DerivationGraph: Sendable {
    private static let countLimit = 50_000

    /// What is built, never fetched.
    let roots: Set<StorePath>
    let derivations: [StorePath: Derivation]
    /// Those that are or need something whose content is pinned, which is what is fetched. All others are built from what is there.
    let needingFetch: Set<StorePath>

    /// Reads the derivations, from these to those that need no others.
    ///
    /// Blocks.
    /// - Parameters:
    ///   - target: The folder that has the store as `nix/store`.
    ///   - limitInBytes: Of all their files.
    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``, ``ToolchainError/unreadableFile(name:reason:)``.
    init(from roots: Set<StorePath>, in target: FilePath, limitInBytes: Int = 32 << 20) throws(ToolchainError) {
        var derivations: [StorePath: Derivation] = [:]
        var users: [StorePath: [StorePath]] = [:]
        var size = 0
        var waiting = Array(roots)
        while let path = waiting.popLast() {
            guard derivations[path] == nil else { continue }
            guard derivations.count < Self.countLimit else {
                throw Self.tooMuch("more than \(Self.countLimit) derivations")
            }
            guard path.name.hasSuffix(".drv"), let bytes = try ProjectFile.read("nix/store/\(path.base)", in: target)
            else { throw Self.malformed(path, "it is missing, or not a derivation") }
            size += bytes.count
            guard size <= limitInBytes else {
                throw Self.tooMuch("derivations of more than \(limitInBytes) bytes")
            }
            guard let derivation = Derivation(parsing: bytes) else {
                throw Self.malformed(path, "it is not a derivation")
            }
            derivations[path] = derivation
            for input in derivation.inputs.keys {
                users[input, default: []].append(path)
                waiting.append(input)
            }
        }
        var needingFetch: Set<StorePath> = []
        waiting = derivations.filter { $0.value.fixed != nil }.map(\.key)
        while let path = waiting.popLast() {
            if needingFetch.insert(path).inserted { waiting += users[path] ?? [] }
        }
        self.roots = roots
        self.derivations = derivations
        self.needingFetch = needingFetch
    }

    private static func tooMuch(_ reason: String) -> ToolchainError {
        .cannotBeFetched(package: "the flake", reason: "it needs \(reason), which is the limit")
    }

    private static func malformed(_ path: StorePath, _ reason: String) -> ToolchainError {
        .malformedFile(name: path.text, line: nil, reason: reason)
    }
}

/// What is fetched for an evaluated flake, worked out once. Shared by the members of one plan, which are asked one after the other.
final class EvaluatedFlake: Sendable {
    private let known = Mutex<FlakeFetches?>(nil)

    /// nil as long as nothing was read.
    var fetches: FlakeFetches? { known.withLock { $0 } }

    func fetches(_ read: () throws(ToolchainError) -> FlakeFetches) throws(ToolchainError) -> FlakeFetches {
        if let fetches { return fetches }
        let fetches = try read()
        known.withLock { $0 = fetches }
        return fetches
    }
}
