import Glibc
import KettleProvenance
import SystemPackage

/// Which modules a project is built from, by what `go.mod` requires and `go.sum` pins.
struct GoInputs: Sendable {
    struct Pinned: Sendable, Hashable {
        var module: GoModule
        var sum: GoSumHash
    }

    /// A module that stands in the source, in another folder than the project's.
    struct Local: Sendable, Hashable {
        /// The module path that the project requires it by.
        var path: String
        /// Relative to the source's root.
        var folder: String
    }

    let main: GoMod
    let sum: GoSum
    /// The modules whose packages may go into the build, sorted.
    let modules: [Pinned]
    /// Whose `go.mod` decides on versions: those and older ones.
    let goMods: [Pinned]
    let locals: [Local]
    /// What the source has in `vendor/`; nil for a project that vendors nothing. The modules are fetched to compare it with.
    let vendored: VendoredModules?

    var isFetched: Bool { !(modules.isEmpty && goMods.isEmpty) }

    /// - Throws: ``ToolchainError/missingChecksum(package:)`` for a requirement that `go.sum` does not pin,
    ///   ``ToolchainError/outsideSource(manifest:path:)``, and what is wrong with `vendor/`.
    init(_ main: GoMod, _ sum: GoSum, _ layout: BuildLayout) throws(ToolchainError) {
        self.main = main
        self.sum = sum
        let vendored = try VendoredModules(of: layout)
        var modules: Set<Pinned> = []
        var locals: Set<Local> = []
        for requirement in main.requirements {
            var module = requirement.module
            switch main.replacement(of: module) {
            case .folder(let path):
                locals.insert(Local(path: module.path, folder: try layout.folder(path, namedBy: GoMod.fileName)))
                continue
            case .module(let other): module = other
            case nil: break
            }
            if let digest = sum.modules[module] {
                modules.insert(Pinned(module: module, sum: digest))
            } else if !requirement.isIndirect {
                // What others need may lack files in the build, and go.sum then has its go.mod alone.
                throw .missingChecksum(package: module.spec)
            }
            guard sum.goMods[module] != nil || !main.isComplete else {
                throw .missingChecksum(package: module.spec + "/go.mod")
            }
        }
        if let vendored {
            modules = []
            for module in vendored.modules.compactMap(\.origin) {
                guard let digest = sum.modules[module] else { throw .missingChecksum(package: module.spec) }
                modules.insert(Pinned(module: module, sum: digest))
            }
        } else if !main.isComplete {
            modules.formUnion(sum.modules.map { Pinned(module: $0, sum: $1) })
        }
        self.modules = Self.sorted(modules)
        goMods = vendored == nil ? Self.sorted(Set(sum.goMods.map { Pinned(module: $0, sum: $1) })) : []
        self.locals = locals.sorted { ($0.path, $0.folder) < ($1.path, $1.folder) }
        self.vendored = vendored
    }

    private static func sorted(_ modules: Set<Pinned>) -> [Pinned] {
        modules.sorted { ($0.module.path, $0.module.version) < ($1.module.path, $1.module.version) }
    }
}
