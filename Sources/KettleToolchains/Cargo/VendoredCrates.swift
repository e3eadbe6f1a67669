import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTOML
import SystemPackage

/// Crates that stand unpacked in folders, as `cargo vendor` leaves them: in the source, or in a folder of the operator's.
///
/// Each has a `.cargo-checksum.json` with the SHA-256 of its `.crate` and of every file. cargo compares the first with the
/// lockfile and the listed files with their digests, in the build; Kettle does it before the build, and refuses what cargo
/// passes over: files that are not listed.
struct VendoredCrates {
    enum Owner: String, Hashable {
        case source
        case builder
    }

    /// What was seen of one crate.
    struct Checked: Sendable, Hashable {
        /// git's SHA-1 tree id of the folder.
        var tree: String
        /// Whether the folder's list names every file of it, so that the crate's checksum stands for them.
        var isListed: Bool
    }

    private static let listName = ".cargo-checksum.json"

    private let owner: Owner
    private let source: UnpackedSource
    /// The folders of each name and version, relative to the root.
    private let places: [String: [String]]

    /// Finds out which crates there are, by their manifests and not by the names of their folders, as cargo does.
    ///
    /// - Parameter folders: Relative to `root`, empty for the root itself.
    init(_ owner: Owner, root: FilePath, folders: [String]) throws(ToolchainError) {
        self.owner = owner
        let source = UnpackedSource(root: root)
        self.source = source
        var candidates: [String] = []
        for folder in folders {
            let prefix = folder.isEmpty ? "" : "\(folder)/"
            for entry in try source.entries(of: folder) where !entry.name.hasPrefix(".") {
                let place = prefix + entry.name
                if entry.isFolder {
                    candidates.append(place)
                } else {
                    try Self.refuseHidden(place, in: root)
                }
            }
        }
        let named = try inParallel(candidates) { folder throws(ToolchainError) -> (String, String)? in
            guard let manifest = try ProjectFile.readTOML("\(folder)/Cargo.toml", in: root),
                let package = (manifest["package"] ?? manifest["project"])?.tableValue,
                let name = package["name"]?.stringValue
            else { return nil }
            // cargo takes a missing version for 0.0.0, and others for what they are without blanks, or elsewhere.
            let version = package["version"].map(\.stringValue) ?? "0.0.0"
            guard let version, [name, version].allSatisfy({ $0.utf8.allSatisfy { $0 > 0x20 } }) else {
                throw .malformedFile(
                    name: "\(folder)/Cargo.toml", line: nil, reason: "a vendored package names itself and its version")
            }
            return ("\(name) \(version)", folder)
        }
        places = Dictionary(grouping: named.compactMap { $0 }, by: \.0).mapValues { $0.map(\.1) }
    }

    /// cargo would find a package behind a link, or under a name that is no text, and take it for another's.
    private static func refuseHidden(_ place: String, in root: FilePath) throws(ToolchainError) {
        let manifest = root.appending(FilePath(place).components).appending("Cargo.toml").string
        guard access(manifest, F_OK) == 0 || place.unicodeScalars.contains("\u{FFFD}") else { return }
        throw .unreadableFile(name: place, reason: "a vendored package must be in a plain folder with a name in UTF-8")
    }

    /// Compares one crate with what is locked.
    func check(_ package: LockedPackage) throws(ToolchainError) -> Checked {
        let title = "\(package.name) \(package.version)"
        guard let folders = places[title], let folder = folders.first else { throw .notVendored(package: title) }
        guard folders.count == 1 else { throw .vendoredTwice(package: title) }
        let list = try readList(of: folder)
        let expected: String? =
            switch package.origin {
            case .publicRegistry(let checksum), .registry(_, let checksum): checksum.hex
            case .git, .source: nil
            }
        guard list.package == expected else {
            throw .vendoredChecksumMismatch(
                package: title, expected: expected ?? "no checksum", actual: list.package ?? "no checksum")
        }
        let isListed = try checkFiles(of: folder, against: list.files, title)
        let tree = try GitTree.identify(source.root.appending(FilePath(folder).components), of: title)
        return Checked(tree: tree.sha1, isListed: isListed)
    }

    // MARK: - The list

    private func readList(of folder: String) throws(ToolchainError) -> (package: String?, files: [String: String]) {
        let path = "\(folder)/\(Self.listName)"
        func malformed(_ reason: String) -> ToolchainError { .malformedFile(name: path, line: nil, reason: reason) }
        guard let bytes = try ProjectFile.read(path, in: source.root) else { throw malformed("it is missing") }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw malformed(error.message)
        }
        guard let members = json["files"]?.objectValue else { throw malformed("it lists no files") }
        var files: [String: String] = [:]
        for (name, digest) in members {
            guard let hex = digest.stringValue, ContentDigest(hex: hex) != nil else {
                throw malformed("the digest of \"\(name)\" is not 64 lower-case hexadecimal digits")
            }
            files[name] = hex
        }
        switch json["package"] {
        case nil, .null?: return (nil, files)
        case .string(let checksum)?: return (checksum, files)
        default: throw malformed("its package is not a string")
        }
    }

    /// - Returns: Whether every file is listed.
    private func checkFiles(
        of folder: String, against list: [String: String], _ title: String
    ) throws(ToolchainError) -> Bool {
        var unseen = list
        var isListed = true
        var pending = [""]
        while let subfolder = pending.popLast() {
            for entry in try source.entries(of: folder + subfolder) {
                let path = "\(subfolder)/\(entry.name)"
                if entry.isFolder {
                    pending.append(path)
                    continue
                }
                let name = String(path.dropFirst())
                guard name != Self.listName else { continue }
                guard let expected = unseen.removeValue(forKey: name) else {
                    guard owner == .builder else { throw .vendoredFileUnlisted(package: title, file: name) }
                    isListed = false
                    continue
                }
                let actual = try digest(of: folder + path)
                guard actual.hex == expected else {
                    throw .vendoredFileChanged(package: title, file: name, expected: expected, actual: actual.hex)
                }
            }
        }
        if let missing = unseen.keys.min() { throw .vendoredFileMissing(package: title, file: missing) }
        return isListed
    }

    private func digest(of path: String) throws(ToolchainError) -> ContentDigest {
        do {
            let file = try openBeneath(root: source.root, relative: path)
            return try ContentDigest.ofFile(descriptor: file.descriptor)
        } catch {
            throw .unreadableFile(name: path, reason: "it is not a plain file that can be read")
        }
    }
}
