package import KettleAttestation
package import KettleProvenance
package import KettleSource

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
    package var nonce: BuildNonce?

    package init(source: Source, path: String?, nonce: BuildNonce?) {
        self.source = source
        self.path = path
        self.nonce = nonce
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
