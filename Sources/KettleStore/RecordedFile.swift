package import KettleProvenance

/// A file of a build that may be downloaded: what it is called, and what it must be.
package struct RecordedFile: Sendable, Hashable {
    package enum Category: String, Sendable {
        /// What the build set out to make.
        case artifact
        /// The lockfile.
        case buildConfig = "build-config"
        /// What explains the build: statement, evidence, log, bundles.
        case record
    }

    package var category: Category
    /// The name by which a client asks for it; looked up, never joined to a path.
    package var name: String
    /// Where it lies below the build's folder. Made by Kettle, not taken from a client or a build. Empty when retention took it.
    package var location: String
    package var digest: ContentDigest
    package var size: Int64

    package init(category: Category, name: String, location: String, digest: ContentDigest, size: Int64) {
        self.category = category
        self.name = name
        self.location = location
        self.digest = digest
        self.size = size
    }

    /// Whether only its name, size and digest are left.
    package var isPruned: Bool { location.isEmpty }
}
