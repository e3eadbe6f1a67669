import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import Synchronization
import SystemPackage

/// What a flake's derivations need from elsewhere, fetched and compared: signed store paths of the operator's binary cache, and
/// files that derivations pin.
///
/// curl fetches, Kettle compares, and a Nix that has no network unpacks (``unpacking(_:)``). What went through becomes a binary
/// cache in `layout.inputs`, of which the build takes what it needs as it would from any other, signatures checked again.
///
/// Shared by the members of one plan, which are asked one after the other.
final class FlakeFetches: Sendable {
    /// What derivations may be nested, as far as the cache has none of them.
    private static let roundLimit = 200
    private static let packed = "/build/cache"
    private static let arrived = "/build/dependencies"
    static let unpacked = "unpacked"

    let layout: BuildLayout
    let configuration: NixConfiguration
    let cache: NixCache?
    /// What has files by their digests.
    private let mirror: RegistryURL?
    private let state: Mutex<DerivationNeeds>
    private let timeLimit: Duration
    private let begun = ContinuousClock.now

    /// - Parameter timeLimit: Of all rounds together.
    init(
        _ graph: DerivationGraph, _ layout: BuildLayout, _ configuration: NixConfiguration,
        limits: DerivationNeeds.Limits = DerivationNeeds.Limits(), timeLimit: Duration = .seconds(2 * 3600)
    ) throws(ToolchainError) {
        self.layout = layout
        self.configuration = configuration
        self.timeLimit = timeLimit
        cache = try configuration.binaryCache()
        mirror = try configuration.mirror()
        state = Mutex(try DerivationNeeds(of: graph, hasMirror: mirror != nil, limits: limits))
    }

    /// Apart from the flake's inputs, which are compared already.
    private var fetching: BuildLayout {
        var fetching = layout
        fetching.dependencies = folder
        return fetching
    }

    /// Where what is fetched arrives.
    var folder: FilePath { layout.dependencies.appending("derivations") }

    // MARK: - What the cache says

    /// As far as the cache has answered.
    func needs() throws(ToolchainError) -> DerivationNeeds {
        try state.withLock { needs throws(ToolchainError) in
            try needs.follow { path throws(ToolchainError) in try answer(path) }
            return needs
        }
    }

    private func answer(_ path: StorePath) throws(ToolchainError) -> DerivationNeeds.Answer? {
        guard let cache else { return .absent }
        let name = "\(path.hash).narinfo"
        guard let head = try ProjectFile.read(Downloads.head(of: name), in: folder, limitInBytes: NarInfo.limitInBytes)
        else { return nil }
        let refuse = { (reason: String) in ToolchainError.cannotBeFetched(package: path.name, reason: reason) }
        switch Downloads.status(in: head) {
        case 200: break
        // A bucket that may not be listed says 403 for what is not in it.
        case 403, 404, 410: return .absent
        case let status: throw refuse("the binary cache answered \(status.map(String.init) ?? "nothing")")
        }
        let bytes = try ProjectFile.read(name, in: folder, limitInBytes: NarInfo.limitInBytes)
        guard let info = bytes.flatMap({ NarInfo(parsing: $0) }), info.path == path else {
            throw refuse("the binary cache does not describe it (\(name))")
        }
        guard let verified = cache.verified(info) else {
            throw refuse("the binary cache's description of it is not signed by \(cache.keyName)")
        }
        return .present(verified)
    }

    // MARK: - Fetching

    /// - Returns: None when all is there.
    func steps(round: Int) throws(ToolchainError) -> [BuildStep] {
        let needs = try needs()
        guard !needs.unasked.isEmpty || !needs.substituted.isEmpty || !needs.files.isEmpty else { return [] }
        guard round < Self.roundLimit else {
            throw .cannotBeFetched(
                package: "the flake", reason: "its derivations are nested more than \(Self.roundLimit) deep")
        }
        guard begun.duration(to: .now) <= timeLimit else {
            throw .cannotBeFetched(
                package: "the flake", reason: "fetching takes more than \(timeLimit.components.seconds) s")
        }
        if access(folder.string, F_OK) != 0 { try Self.make(folder, 0o700) }
        if let cache, !needs.unasked.isEmpty {
            let files = needs.unasked.sorted().map { path in
                Downloads.File(
                    url: "\(cache.url)\(path.hash).narinfo", name: "\(path.hash).narinfo", mayBeAbsent: true)
            }
            return try Downloads(
                files: files, endpoints: [cache.endpoint], limitInBytes: Int64(NarInfo.limitInBytes)
            ).steps(in: fetching)
        }
        var missing: [BuildStep] = []
        for downloads in try downloads(needs) { missing += try downloads.steps(in: fetching) }
        guard missing.isEmpty else { return missing }
        let isUnpacked = access(folder.appending(Self.unpacked).string, F_OK) == 0
        return needs.substituted.isEmpty || isUnpacked ? [] : [try unpacking(needs)]
    }

    /// A step for each whose places they are, so that no URL of a project's leads to the operator's.
    private func downloads(_ needs: DerivationNeeds) throws(ToolchainError) -> [Downloads] {
        var archives = Downloads(files: [], endpoints: cache.map { [$0.endpoint] } ?? [], listName: "archives.conf")
        var mirrored = Downloads(files: [], endpoints: mirror.map { [$0.endpoint] } ?? [], listName: "mirrored.conf")
        var named = Downloads(files: [], endpoints: [])
        // What is there arrived whole: a transfer that ended early has ended the build.
        let isMissing = { [folder] (name: String) in access(folder.appending(name).string, F_OK) != 0 }
        if let cache, access(packedFolder.string, F_OK) != 0 {
            for (path, info) in needs.substituted.sorted(by: { $0.key < $1.key }) where isMissing("\(path.hash).nar") {
                archives.files.append(.init(url: "\(cache.url)\(info.url)", name: "\(path.hash).nar"))
            }
        }
        var seen: Set<EgressEndpoint> = []
        for file in needs.files.values.sorted(by: { $0.path < $1.path }) where isMissing("\(file.path.hash).file") {
            let name = "\(file.path.hash).file"
            guard let url = file.url else {
                mirrored.files.append(.init(url: "\(mirror?.text ?? "")sha256/\(file.digest.hex)", name: name))
                continue
            }
            guard let host = try configuration.publicHost(of: url) else {
                throw .cannotBeFetched(package: file.path.name, reason: "its URL is not taken (\(url))")
            }
            named.files.append(.init(url: url, name: name))
            named.endpoints += RegistryURL.public(andWhereItSendsTo: host).filter { seen.insert($0).inserted }
        }
        return [archives, mirrored, named]
    }

    private var packedFolder: FilePath { layout.inputs.appending("packed") }

    /// Nix knows all the compressions; this one has no network, and its word is not taken for what it made.
    private func unpacking(_ needs: DerivationNeeds) throws(ToolchainError) -> BuildStep {
        try Self.makeCache(packedFolder)
        for (path, info) in needs.substituted {
            let name = "nar/\(path.hash)"
            try Self.move(folder.appending("\(path.hash).nar"), to: packedFolder.appending(FilePath(name).components))
            try Self.write(
                info.text(url: name, compression: info.compression, references: false),
                to: packedFolder.appending("\(path.hash).narinfo"))
        }
        return BuildStep(
            name: "nix copy",
            command: SandboxCommand(
                arguments: [
                    "/usr/bin/nix", "copy", "--all", "--no-check-sigs", "--from", "file://\(Self.packed)", "--to",
                    "file://\(Self.arrived)/\(Self.unpacked)?compression=none",
                ],
                environment: NixPlan.environment().merging([
                    "NIX_STATE_DIR": "/tmp/state", "NIX_LOG_DIR": "/tmp/log",
                ]) { $1 },
                workingDirectory: Self.arrived,
                mounts: [
                    .readOnly(packedFolder, at: Self.packed), .writable(folder, at: Self.arrived),
                ]))
    }
}
