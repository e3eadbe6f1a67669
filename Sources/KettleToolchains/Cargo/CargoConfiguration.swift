package import SystemPackage

/// What the operator settled about cargo.
package struct CargoConfiguration: Sendable, Hashable {
    /// A sparse registry that stands in for crates.io, such as `sparse+https://mirror.example/index/`.
    package var registryMirror: String?

    /// A folder of vendored crates that stands in for crates.io. Nothing is fetched then.
    package var vendorDirectory: FilePath?

    /// Where digests of the toolchain's files are kept between starts.
    package var cache: FilePath?

    package init(registryMirror: String? = nil, vendorDirectory: FilePath? = nil, cache: FilePath? = nil) {
        self.registryMirror = registryMirror
        self.vendorDirectory = vendorDirectory
        self.cache = cache
    }

    /// cargo's configuration for it; nil when crates come from crates.io itself.
    var cargoConfiguration: String? {
        if vendorDirectory != nil {
            return Self.replacement("directory = \"/build/vendor\"")
        }
        return registryMirror.map { Self.replacement("registry = \"\($0)\"") }
    }

    private static func replacement(_ place: String) -> String {
        "[source.crates-io]\nreplace-with = \"kettle\"\n\n[source.kettle]\n\(place)\n"
    }

    func check() throws(ToolchainError) {
        if registryMirror != nil, vendorDirectory != nil {
            throw .invalidConfiguration(reason: "a registry and a vendor folder both stand in for crates.io")
        }
        if let registryMirror {
            let isURL = ["sparse+https://", "sparse+http://"].contains { registryMirror.hasPrefix($0) }
            let isPlain = registryMirror.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
            guard isURL, isPlain, registryMirror.hasSuffix("/") else {
                throw .invalidConfiguration(
                    reason: "\"\(registryMirror)\" is not a sparse registry (sparse+https://…/)")
            }
        }
        if let vendorDirectory, !vendorDirectory.isAbsolute {
            throw .invalidConfiguration(reason: "the vendor folder is not an absolute path")
        }
    }
}
