import Foundation
import Glibc
import KettleError
import KettleProvenance
import KettleSandbox
import SystemPackage

extension FlakeFetches {
    private static let cacheInside = "/build/inputs/cache"
    private static let filesInside = "/build/inputs/files"

    /// Compares all that was fetched, and lays it out for the build.
    ///
    /// - Throws: ``ToolchainError/checksumMismatch(package:expected:actual:)``, ``ToolchainError/missingPackage(_:)``.
    func verify() throws(ToolchainError) -> VerifiedInputs {
        let needs = try needs()
        guard needs.unasked.isEmpty else { throw .missingPackage("of the binary cache") }
        var inputs = VerifiedInputs()
        let files = needs.files.values.sorted { $0.path < $1.path }
        if !files.isEmpty { try Self.make(layout.inputs.appending("files"), 0o755) }
        inputs.dependencies += try inParallel(files) { [self] file throws(ToolchainError) in try verify(file) }
        if !needs.substituted.isEmpty { try Self.makeCache(layout.inputs.appending("cache")) }
        let infos = needs.substituted.values.sorted { $0.path < $1.path }
        inputs.dependencies += try inParallel(infos) { [self] info throws(ToolchainError) in
            try verify(info, needs.pins[info.path])
        }
        // Two paths may have the same content.
        var laidOut: Set<ContentDigest> = []
        for info in infos { try layOut(info, isNew: laidOut.insert(info.digest).inserted) }
        for info in infos {
            inputs.graph[info.packageURL] = info.references.filter { $0 != info.path }.compactMap {
                needs.substituted[$0]?.packageURL
            }
        }
        inputs.graph[""] = inputs.dependencies.compactMap(\.uri)
        return inputs
    }

    private func verify(_ file: PinnedFile) throws(ToolchainError) -> ResourceDescriptor {
        let name = "\(file.path.hash).file"
        let arrived: OpenedFile
        do {
            arrived = try openBeneath(root: folder, relative: name)
        } catch {
            throw .missingPackage(file.path.name)
        }
        let path = folder.appending(name)
        guard fchmod(arrived.descriptor, file.isExecutable ? 0o755 : 0o644) == 0 else { throw Self.failed() }
        let actual = file.isArchive ? try NixArchive.hash(path) : try Self.digest(of: arrived)
        guard actual == file.digest else {
            throw .checksumMismatch(package: file.path.name, expected: file.digest.hex, actual: actual.hex)
        }
        // Nix calls a file that it takes in as it is called here.
        let place = layout.inputs.appending("files").appending(file.path.hash)
        try Self.make(place, 0o755)
        try Self.move(path, to: place.appending(file.path.name))
        return ResourceDescriptor(
            uri: PackageURL(
                type: "generic", name: file.path.name,
                qualifiers: ["store_path": file.path.text].merging(file.url.map { ["download_url": $0] } ?? [:]) { $1 }
            ).text,
            digest: ["sha256": file.digest.hex],
            annotations: file.isArchive ? ["form": .string(NarInfo.form)] : nil)
    }

    private func unpackedArchive(_ info: NarInfo) -> String {
        "\(Self.unpacked)/nar/\(NixBase32.encode(info.digest.bytes)).nar"
    }

    /// - Parameter pin: What a derivation says that it is.
    private func verify(
        _ info: NarInfo, _ pin: Derivation.FixedOutput?
    ) throws(ToolchainError) -> ResourceDescriptor {
        let archive: OpenedFile
        do {
            archive = try openBeneath(root: folder, relative: unpackedArchive(info))
        } catch {
            // It has the name that its digest gives it.
            throw .cannotBeFetched(
                package: info.path.name, reason: "what the binary cache has is not what it signed, \(info.digest)")
        }
        let actual = try Self.digest(of: archive)
        guard actual == info.digest, Int64(archive.size) == info.size else {
            throw .checksumMismatch(package: info.path.name, expected: info.digest.hex, actual: actual.hex)
        }
        var annotations: [String: JSONValue] = [
            "form": .string(NarInfo.form), "signedBy": .string(cache?.key ?? ""),
        ]
        if let pin, pin.algorithm != "sha256" {
            annotations["notCompared"] = .string("with the \(pin.algorithm) that its derivation pins")
        } else if let pin, !pin.isArchive {
            let content = try NixArchive.digestOfOnlyFile(archive.descriptor, size: Int64(archive.size))
            guard content?.hex == pin.digest else {
                throw .checksumMismatch(
                    package: info.path.name, expected: pin.digest, actual: content?.hex ?? "no plain file")
            }
        }
        return ResourceDescriptor(uri: info.packageURL, digest: ["sha256": actual.hex], annotations: annotations)
    }

    private func layOut(_ info: NarInfo, isNew: Bool) throws(ToolchainError) {
        let name = "nar/\(NixBase32.encode(info.digest.bytes)).nar"
        let cache = layout.inputs.appending("cache")
        if isNew {
            try Self.move(
                folder.appending(FilePath(unpackedArchive(info)).components),
                to: cache.appending(FilePath(name).components))
        }
        try Self.write(info.text(url: name, compression: "none"), to: cache.appending("\(info.path.hash).narinfo"))
    }

    // MARK: - Building

    /// The files' places inside, and how Nix takes them in.
    func additions() throws(ToolchainError) -> [[String]] {
        let files = try needs().files.values.sorted { $0.path < $1.path }
        return [false, true].flatMap { isArchive in
            let places = files.filter { $0.isArchive == isArchive }.map {
                "\(Self.filesInside)/\($0.path.hash)/\($0.path.name)"
            }
            return stride(from: 0, to: places.count, by: Self.additionLimit).map { start in
                ["--add-fixed"] + (isArchive ? ["--recursive"] : []) + ["sha256"]
                    + places[start..<min(start + Self.additionLimit, places.count)]
            }
        }
    }

    /// Files that one command takes in. A name has up to 211 bytes, and a command's arguments together 64 KiB.
    private static let additionLimit = 200

    /// Read-only: what was compared, and nothing else.
    func mounts() throws(ToolchainError) -> [SandboxMount] {
        let needs = try needs()
        return (needs.files.isEmpty ? [] : [.readOnly(layout.inputs.appending("files"), at: Self.filesInside)])
            + (needs.substituted.isEmpty ? [] : [.readOnly(layout.inputs.appending("cache"), at: Self.cacheInside)])
    }

    /// Lines of nix.conf(5) for the build.
    func nixConfiguration() throws(ToolchainError) -> String {
        guard let cache, try !needs().substituted.isEmpty else { return NixPlan.withoutSubstituters }
        return """
            substitute = true
            substituters = file://\(Self.cacheInside)
            trusted-public-keys = \(cache.key)
            require-sigs = true

            """
    }

    // MARK: - Files

    /// A binary cache without anything in it.
    static func makeCache(_ folder: FilePath) throws(ToolchainError) {
        try make(folder, 0o755)
        // Nix makes those that are not there, also where it only reads (`LocalBinaryCacheStore::init`).
        for name in ["nar", "log", "realisations"] { try make(folder.appending(name), 0o755) }
        try write("StoreDir: \(StorePath.folder)\n", to: folder.appending("nix-cache-info"))
    }

    static func make(_ folder: FilePath, _ mode: mode_t) throws(ToolchainError) {
        guard mkdir(folder.string, mode) == 0, chmod(folder.string, mode) == 0 else { throw failed() }
    }

    static func move(_ file: FilePath, to place: FilePath) throws(ToolchainError) {
        guard rename(file.string, place.string) == 0 else { throw failed() }
    }

    /// A new file that everybody can read.
    static func write(_ text: String, to file: FilePath) throws(ToolchainError) {
        guard (try? Data(text.utf8).write(to: URL(filePath: file.string), options: .withoutOverwriting)) != nil,
            chmod(file.string, 0o644) == 0
        else { throw failed() }
    }

    private static func digest(of file: borrowing OpenedFile) throws(ToolchainError) -> ContentDigest {
        do throws(DigestError) {
            return try ContentDigest.ofFile(descriptor: file.descriptor)
        } catch {
            throw .storageFailed(reason: error.message)
        }
    }

    private static func failed() -> ToolchainError { .storageFailed(reason: String(cString: strerror(errno))) }
}

extension NarInfo {
    static let form = "the SHA-256 is of the files as a Nix archive (narHash)"

    /// The name with the store path: that is what others know it by, and no type of package URLs is Nix's.
    package var packageURL: String {
        PackageURL(type: "generic", name: path.name, qualifiers: ["store_path": path.text]).text
    }
}
