package import KettleAttestation
package import KettleProvenance
package import KettleSource
package import KettleStore

/// What a caller asked for, checked in form and complete.
package struct BuildRequest: Sendable {
    package enum Source: Sendable {
        /// An uploaded archive. A file of it lies in the build's workspace.
        case archive(UploadedArchive, name: String, digest: ContentDigest, size: Int64)
        case git(GitURL, ref: GitRef?)
    }

    package var source: Source
    /// The project's folder inside the source, as the requester named it.
    package var path: String?
    /// The toolchain that is to build, by name; nil for the one that Kettle finds.
    package var toolchain: String?
    package var nonce: BuildNonce?
    /// On whose account the build is; nil where there are no accounts.
    package var owner: String?
    package var visibility: BuildRecord.Visibility
    package var idempotencyKey: IdempotencyKey?

    package init(
        source: Source, path: String?, toolchain: String? = nil, nonce: BuildNonce?, owner: String? = nil,
        visibility: BuildRecord.Visibility = .public
    ) {
        self.source = source
        self.path = path
        self.toolchain = toolchain
        self.nonce = nonce
        self.owner = owner
        self.visibility = visibility
    }

    /// How the source is called in lists and in the statement's `externalParameters`.
    package var sourceURI: String {
        switch source {
        case .archive(_, let name, _, _): "archive:\(name)"
        case .git(let url, let ref?): "git+\(url.text)@\(ref.text)"
        case .git(let url, nil): "git+\(url.text)"
        }
    }

    /// How lists of builds call the source.
    package var sourceName: String {
        switch source {
        case .archive(_, let name, _, _): name
        case .git(let url, _): url.text
        }
    }

    package var ref: String? {
        if case .git(_, let ref) = source { ref?.text } else { nil }
    }
}
