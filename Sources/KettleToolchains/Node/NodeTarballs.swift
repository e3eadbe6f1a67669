import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// The tarballs that one build needs: fetched by their URLs, checked, kept by their digests.
struct NodeTarballs {
    /// Of one tarball, in bytes.
    private static let limitInBytes: Int64 = 1 << 30

    let tarballs: [NodeTarball]
    let configuration: NodeConfiguration
    let layout: BuildLayout

    private var store: PackageStore {
        PackageStore(folder: (configuration.cache ?? layout.inputs).appending("node-packages"))
    }

    /// Fetches those of the registry that are not kept, or were never had from their own place.
    func fetchSteps() throws(ToolchainError) -> [BuildStep] {
        let missing = store.missing(Array(Set(pins.map(\.digest))))
        let files = pins.filter { missing.contains($0.digest) || !places.has($0) }.map { pin in
            Downloads.File(url: configuration.url(of: pin.package), name: pin.fileName)
        }
        return try Downloads(
            files: files.sorted { $0.url < $1.url }, endpoints: configuration.endpoints,
            limitInBytes: Self.limitInBytes
        ).steps(in: layout)
    }

    /// Compares what was fetched, and what the source has, with the lockfile, and keeps it.
    ///
    /// - Throws: ``ToolchainError/checksumMismatch(package:expected:actual:)``,
    ///   ``ToolchainError/unexpectedPackage(file:)``, ``ToolchainError/missingPackage(_:)`` and what cannot be read or kept.
    func check() throws(ToolchainError) {
        try takeInFetched()
        for pin in pins where !places.has(pin) { throw .missingPackage(pin.package.text) }
        let store = store
        _ = try inParallel(Array(Set(tarballs))) { tarball throws(ToolchainError) in
            guard case .source(let path) = tarball.place else { return }
            try add(path, in: layout.source, to: store, as: tarball.digest, tarball.package.text)
        }
    }

    /// Lays out what has been checked.
    ///
    /// - Parameters:
    ///   - key: What tells places apart: each is laid out once.
    ///   - lay: Is told where a tarball is kept; several at once.
    func layOut<Key: Hashable>(
        by key: (NodeTarball) -> Key?,
        _ lay: @escaping @Sendable (PackageStore, NodeTarball) throws(ToolchainError) -> Void
    ) throws(ToolchainError) {
        let store = store
        var seen: Set<Key> = []
        let chosen = tarballs.filter { tarball in key(tarball).map { seen.insert($0).inserted } ?? false }
        _ = try inParallel(chosen) { tarball throws(ToolchainError) in try lay(store, tarball) }
    }

    private var pins: [RegistryPlaces.Pin] {
        tarballs.filter { $0.place == .registry }.map { RegistryPlaces.Pin(package: $0.package, digest: $0.digest) }
    }

    private var places: RegistryPlaces { RegistryPlaces(folder: store.folder.appending("places")) }

    private func takeInFetched() throws(ToolchainError) {
        let byName = Dictionary(pins.map { ($0.fileName, $0) }, uniquingKeysWith: { first, _ in first })
        let (store, places) = (store, places)
        let names = try UnpackedSource(root: layout.dependencies).entries(of: "").map(\.name)
        _ = try inParallel(names) { name throws(ToolchainError) in
            guard let pin = byName[name] else { throw .unexpectedPackage(file: name) }
            try add(name, in: layout.dependencies, to: store, as: pin.digest, pin.package.text)
            try places.note(pin)
        }
    }

    private func add(
        _ path: String, in root: FilePath, to store: PackageStore, as digest: PinnedDigest, _ package: String
    ) throws(ToolchainError) {
        let file: OpenedFile
        do {
            file = try openBeneath(root: root, relative: path)
        } catch {
            throw .unreadableFile(name: path, reason: "it is not a plain file that can be read")
        }
        let actual = try store.add(file.descriptor, as: digest)
        guard actual == digest else {
            throw .checksumMismatch(package: package, expected: digest.hex, actual: actual.hex)
        }
    }
}
