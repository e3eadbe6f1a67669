import KettleProvenance

/// A file that a derivation pins by its digest and names by its URL, so that Kettle fetches it: Nix's own `builtin:fetchurl`, and
/// what nixpkgs' `fetchurl` makes.
struct PinnedFile: Sendable, Hashable {
    /// Where Nix looks for it.
    let path: StorePath
    /// Of its bytes, or with ``isArchive`` of the file as a Nix archive.
    let digest: ContentDigest
    let isArchive: Bool
    let isExecutable: Bool
    /// nil where a mirror by digests is asked for it.
    let url: String?

    /// - Parameter hasMirror: Whether files are had by their digests, whatever their URLs.
    /// - Throws: ``ToolchainError/cannotBeFetched(package:reason:)`` for what fetches in another way.
    init(
        _ output: Derivation.FixedOutput, of derivation: Derivation, hasMirror: Bool
    ) throws(ToolchainError) {
        guard let path = derivation.outputs["out"] ?? nil else { throw .unreadableMessage }
        let refuse = { (reason: String) in ToolchainError.cannotBeFetched(package: path.name, reason: reason) }
        guard output.algorithm == "sha256", let digest = ContentDigest(hex: output.digest) else {
            throw refuse("it is pinned by \(output.algorithm), and only SHA-256 is taken")
        }
        let environment = derivation.environment
        let isBuiltin = derivation.builder == "builtin:fetchurl"
        let urls = (environment["urls"] ?? environment["url"] ?? "").split(whereSeparator: \.isWhitespace).map(
            String.init)
        guard !urls.isEmpty else { throw refuse("its derivation names no URL") }
        guard environment["unpack"] != "1" else { throw refuse("it is unpacked while it is fetched") }
        guard isBuiltin || !output.isArchive, (environment["postFetch"] ?? "").isEmpty else {
            throw refuse("it is what a program of its own makes of a download")
        }
        // A mirror stands in for all URLs, which the flake's code chooses: what it cannot have is not had from elsewhere.
        guard !hasMirror || !output.isArchive else {
            throw refuse("it is pinned as a Nix archive, and the operator's mirror has files by their bytes")
        }
        url = hasMirror ? nil : urls.first { $0.hasPrefix("https://") }
        guard hasMirror || url != nil else {
            throw refuse("none of its URLs begins with https:// (\(urls[0].prefix(200)))")
        }
        isArchive = output.isArchive
        isExecutable = isBuiltin && environment["executable"] == "1"
        // Else Nix would look for it elsewhere, and not find it.
        guard path == StorePath(fixed: digest, isArchive: isArchive, named: path.name) else {
            throw refuse("its store path does not follow from its digest")
        }
        self.path = path
        self.digest = digest
    }
}
