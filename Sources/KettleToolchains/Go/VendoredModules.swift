import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// The modules that a project has in `vendor/`, by `vendor/modules.txt` as `go mod vendor` writes it.
///
/// Of each module only the packages that the project needs are there, so no sum over them is that of `go.sum`: each file is compared
/// with the module's own, and what is recorded is what is there.
struct VendoredModules: Sendable {
    static let listName = "vendor/modules.txt"

    struct Entry: Sendable, Hashable {
        /// As the project requires it, and its folder in `vendor`.
        var module: GoModule
        /// What the files are of: the module, or the one that replaces it; nil for a folder that does.
        var origin: GoModule?
    }

    /// Those that have files, in the list's order.
    let modules: [Entry]
    private let root: FilePath

    /// - Returns: nil for a project without `vendor/modules.txt`.
    init?(of layout: BuildLayout) throws(ToolchainError) {
        guard let bytes = try ProjectFile.read(Self.listName, in: layout.projectFolder) else { return nil }
        root = layout.projectFolder.appending("vendor")
        modules = try Self.modules(parsing: bytes)
        for entry in modules {
            let isThere = (try? UnpackedSource(root: root).entries(of: entry.module.path)) != nil
            guard isThere else { throw .notVendored(package: entry.module.spec) }
        }
    }

    /// Reads the list: `# path version`, or `# path version => …`, and a line for each package of it that is there.
    static func modules(parsing bytes: [UInt8]) throws(ToolchainError) -> [Entry] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedFile(name: listName, line: nil, reason: "it is not UTF-8")
        }
        var modules: [Entry] = []
        var current: Entry?
        var seen: Set<Entry> = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("## ") || line.isEmpty { continue }
            if line.hasPrefix("# ") {
                let words = line.dropFirst(2).split(separator: " ").map(String.init)
                current = nil
                // A replacement that the project does not need stands there without a version.
                guard words.count >= 2, words[1] != "=>" else { continue }
                guard let module = GoModule(path: words[0], version: words[1]) else {
                    throw .malformedFile(name: listName, line: index + 1, reason: "it names no version of a module")
                }
                var entry = Entry(module: module, origin: module)
                if words.count > 2 {
                    guard words[2] == "=>", words.count <= 5 else {
                        throw .malformedFile(name: listName, line: index + 1, reason: "it replaces a module by nothing")
                    }
                    entry.origin = words.count == 5 ? GoModule(path: words[3], version: words[4]) : nil
                }
                current = entry
            } else {
                guard let current, line == current.module.path || line.hasPrefix(current.module.path + "/")
                else { throw .malformedFile(name: listName, line: index + 1, reason: "a package is of no module") }
                if seen.insert(current).inserted { modules.append(current) }
            }
        }
        return modules
    }

    /// Compares every file with the one of the module that it is said to be of.
    ///
    /// - Parameter original: Where those are that `go.sum` pins, or those of the folder that replaces the module; nil for nowhere.
    /// - Throws: ``ToolchainError/vendoredFileChanged(package:file:expected:actual:)``,
    ///   ``ToolchainError/vendoredFileUnlisted(package:file:)`` for what is no module's,
    ///   ``ToolchainError/vendoredTwice(package:)`` for a folder that is said to be of two.
    func check(against original: (Entry) -> FilePath?) throws(ToolchainError) {
        var entries: [String: Entry] = [:]
        for entry in modules where entries.updateValue(entry, forKey: entry.module.path) != nil {
            throw .vendoredTwice(package: entry.module.path)
        }
        var files: [(file: String, name: String, of: Entry, original: FilePath)] = []
        for file in try PlainFiles.list(root, skipsLinks: false) where "vendor/\(file)" != Self.listName {
            // The innermost: a module may lie in another one's folder.
            var parts = file.split(separator: "/")
            var entry: Entry?
            while entry == nil, parts.popLast() != nil { entry = entries[parts.joined(separator: "/")] }
            guard let entry, let original = original(entry) else {
                throw .vendoredFileUnlisted(package: entry?.module.spec ?? Self.listName, file: file)
            }
            files.append((file, String(file.dropFirst(entry.module.path.count + 1)), entry, original))
        }
        _ = try inParallel(files) { [root] file throws(ToolchainError) in
            let actual = try PlainFiles.digest(file.file, in: root)
            // Through no link: a folder of the source that replaces a module may have some, which lead anywhere.
            guard let opened = try? openBeneath(root: file.original, relative: file.name),
                let expected = try? ContentDigest.ofFile(descriptor: opened.descriptor)
            else { throw .vendoredFileUnlisted(package: file.of.module.spec, file: file.name) }
            guard actual == expected else {
                throw .vendoredFileChanged(
                    package: file.of.module.spec, file: file.name, expected: expected.hex, actual: actual.hex)
            }
        }
    }

    /// By the tree ids of the folders, those of modules inside included.
    ///
    /// - Parameter sum: Whose sums stand beside them.
    /// - Throws: ``ToolchainError/missingChecksum(package:)`` for a module that `go.sum` does not pin.
    func describe(_ sum: GoSum) throws(ToolchainError) -> [ResourceDescriptor] {
        var claimed: [(module: GoModule, annotations: [String: JSONValue])] = []
        for entry in modules {
            var annotations: [String: JSONValue] = ["vendored": "source"]
            if let origin = entry.origin {
                guard let sum = sum.modules[origin] else { throw .missingChecksum(package: origin.spec) }
                annotations["lockedH1"] = .string(sum.text)
                if origin != entry.module { annotations["replacedBy"] = .string(origin.spec) }
            } else {
                // Files of the source's own under another module's name.
                annotations["replacedBy"] = "source"
            }
            claimed.append((entry.module, annotations))
        }
        return try inParallel(claimed) { [root] claim throws(ToolchainError) in
            let tree = try GitTree.identify(
                root.appending(FilePath(claim.module.path).components), of: claim.module.spec)
            return ResourceDescriptor(
                uri: claim.module.packageURL(), digest: ["gitTree": tree.sha1], annotations: claim.annotations)
        }
    }
}
