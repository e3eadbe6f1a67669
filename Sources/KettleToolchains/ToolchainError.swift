import KettleError

/// Why a source cannot be built as it is, or the toolchain cannot be used.
package enum ToolchainError: UserFacingError, Equatable {
    /// No toolchain knows the source.
    ///
    /// - Parameters:
    ///   - supported: What would be known, by toolchain.
    ///   - foundFiles: Names in the folder that was looked at, at most 50.
    case unsupported(supported: [String], foundFiles: [String])

    /// The folder that the request names is not in the source.
    case noSuchFolder(String)

    /// The project has no lockfile.
    case lockfileMissing(name: String)

    /// A file of the project cannot be read, or is not a plain file of bearable size.
    case unreadableFile(name: String, reason: String)

    /// A file of the project is not what its name says.
    case malformedFile(name: String, line: Int?, reason: String)

    /// A lockfile of a version that Kettle does not know.
    case unknownLockfileVersion(name: String, version: String)

    /// A package of a registry without the digest that would pin it.
    case missingChecksum(package: String)

    /// A package from somewhere that Kettle does not fetch from.
    case unsupportedSource(package: String, source: String)

    /// The project's configuration takes dependencies from elsewhere, in a way that the lockfile does not show.
    case sourceReplacement(file: String, key: String)

    /// The project's lockfile is not the one that the build would use.
    case notTheWorkspaceRoot(folder: String)

    /// What was fetched is not what is pinned.
    case checksumMismatch(package: String, expected: String, actual: String)

    /// The files of a git dependency are not those of the pinned commit.
    case checkoutMismatch(commit: String, expected: String, actual: String)

    /// Something was fetched that is not pinned.
    case unexpectedPackage(file: String)

    /// Something that is needed is not to be had in a way that Kettle fetches by.
    case cannotBeFetched(package: String, reason: String)

    /// Something pinned was not fetched.
    case missingPackage(String)

    /// The project vendors its dependencies, and not this one.
    case notVendored(package: String)

    /// Two folders of vendored packages hold the same one.
    case vendoredTwice(package: String)

    /// A vendored package says that it is of another archive than the one that is pinned.
    case vendoredChecksumMismatch(package: String, expected: String, actual: String)

    /// A file of a vendored package is not the one that the package's own list names.
    case vendoredFileChanged(package: String, file: String, expected: String, actual: String)

    /// A file that a vendored package's own list names is not there.
    case vendoredFileMissing(package: String, file: String)

    /// A file of a vendored package is not in the package's own list, so nothing speaks for it.
    case vendoredFileUnlisted(package: String, file: String)

    /// A path in a manifest leads out of the source, or nowhere.
    case outsideSource(manifest: String, path: String)

    /// The lockfile names a package of the project itself that no manifest leads to.
    case packageNotFound(package: String)

    /// The archive of a package has the pinned digest and cannot be unpacked.
    case unusablePackage(package: String, reason: String)

    /// What was fetched cannot be kept on this machine.
    case storageFailed(reason: String)

    /// Two artifacts of one name.
    case duplicateArtifact(name: String)

    /// A message about an artifact that is cut off or not JSON.
    case unreadableMessage

    /// The toolchain is not installed or not complete.
    case toolchainMissing(tool: String, reason: String)

    /// A setting of the operator's that cannot be used.
    case invalidConfiguration(reason: String)

    /// The project is of a kind that Kettle knows and this service does not have.
    case notInstalled(name: String, reason: String, installation: String, supported: [String])

    /// The request or the project's settings name a toolchain that nobody knows.
    case unknownToolchain(name: String, supported: [String])

    /// `kettle.toml` has a key that means nothing to the project's toolchain.
    case unsupportedSetting(key: String, toolchain: String)

    /// A pattern of `kettle.toml` leads to no file, or to too many.
    case noSuchArtifact(pattern: String)

    /// A pattern of `kettle.toml` leads to a file that the source brought along.
    case artifactInSource(path: String)

    /// A Go module whose files are not those that `go.sum` pins.
    case sumMismatch(module: String, expected: String, actual: String)
    /// A package is pinned by a digest that two files can have.
    case weakChecksum(package: String, algorithm: String)

    /// The package that builds a Python project is neither locked nor the operator's.
    case backendNotPinned(package: String)

    package var code: String {
        switch self {
        case .unsupported: "toolchain.unsupported"
        case .noSuchFolder: "toolchain.no_such_folder"
        case .lockfileMissing: "toolchain.lockfile_missing"
        case .unreadableFile: "toolchain.unreadable_file"
        case .malformedFile: "toolchain.malformed_file"
        case .unknownLockfileVersion: "toolchain.unknown_lockfile_version"
        case .missingChecksum: "toolchain.missing_checksum"
        case .unsupportedSource: "toolchain.unsupported_source"
        case .sourceReplacement: "toolchain.source_replacement"
        case .notTheWorkspaceRoot: "toolchain.not_the_workspace_root"
        case .checksumMismatch: "toolchain.checksum_mismatch"
        case .checkoutMismatch: "toolchain.checkout_mismatch"
        case .unexpectedPackage: "toolchain.unexpected_package"
        case .cannotBeFetched: "toolchain.cannot_be_fetched"
        case .missingPackage: "toolchain.missing_package"
        case .notVendored: "toolchain.not_vendored"
        case .vendoredTwice: "toolchain.vendored_twice"
        case .vendoredChecksumMismatch: "toolchain.vendored_checksum_mismatch"
        case .vendoredFileChanged: "toolchain.vendored_file_changed"
        case .vendoredFileMissing: "toolchain.vendored_file_missing"
        case .vendoredFileUnlisted: "toolchain.vendored_file_unlisted"
        case .outsideSource: "toolchain.outside_source"
        case .packageNotFound: "toolchain.package_not_found"
        case .unusablePackage: "toolchain.unusable_package"
        case .storageFailed: "toolchain.storage_failed"
        case .duplicateArtifact: "toolchain.duplicate_artifact"
        case .unreadableMessage: "toolchain.unreadable_message"
        case .toolchainMissing: "toolchain.missing"
        case .invalidConfiguration: "toolchain.invalid_configuration"
        case .notInstalled: "toolchain.not_installed"
        case .unknownToolchain: "toolchain.unknown"
        case .unsupportedSetting: "toolchain.unsupported_setting"
        case .noSuchArtifact: "toolchain.no_such_artifact"
        case .artifactInSource: "toolchain.artifact_in_source"
        case .sumMismatch: "toolchain.sum_mismatch"
        case .weakChecksum: "toolchain.weak_checksum"
        case .backendNotPinned: "toolchain.backend_not_pinned"
        }
    }

    package var message: String {
        switch self {
        case .unsupported(let supported, _):
            "the source holds no project that Kettle can build (it knows \(supported.joined(separator: ", ")))"
        case .noSuchFolder(let path): "the source has no folder \"\(path)\""
        case .lockfileMissing(let name): "the project has no \(name)"
        case .unreadableFile(let name, let reason): "\(name) cannot be read: \(reason)"
        case .malformedFile(let name, let line?, let reason): "\(name) is malformed in line \(line): \(reason)"
        case .malformedFile(let name, nil, let reason): "\(name) is malformed: \(reason)"
        case .unknownLockfileVersion(let name, let version): "\(name) has the unknown version \(version)"
        case .missingChecksum(let package): "the lockfile has no checksum for the package \(package)"
        case .unsupportedSource(let package, let source): "the package \(package) comes from \(source)"
        case .sourceReplacement(let file, let key): "\(file) changes where dependencies come from (\(key))"
        case .notTheWorkspaceRoot(let folder):
            folder.isEmpty
                ? "the source's root is a member of a workspace elsewhere"
                : "the folder \"\(folder)\" is a member of a workspace whose root is elsewhere"
        case .checksumMismatch(let package, let expected, let actual):
            "the package \(package) has the digest \(actual), and the lockfile says \(expected)"
        case .checkoutMismatch(let commit, let expected, let actual):
            "the checkout of commit \(commit) has the tree \(actual), and the commit says \(expected)"
        case .unexpectedPackage(let file): "\"\(file)\" was fetched although the lockfile does not name it"
        case .cannotBeFetched(let package, let reason): "\(package) is needed and cannot be fetched: \(reason)"
        case .missingPackage(let package): "the package \(package) was not fetched although the lockfile names it"
        case .notVendored(let package): "the package \(package) is locked, and no folder of vendored packages has it"
        case .vendoredTwice(let package): "the package \(package) is vendored twice"
        case .vendoredChecksumMismatch(let package, let expected, let actual):
            "the vendored package \(package) says that it is of SHA-256 \(actual), and the lockfile says \(expected)"
        case .vendoredFileChanged(let package, let file, let expected, let actual):
            "the file \"\(file)\" of the vendored package \(package) has SHA-256 \(actual), and its list says \(expected)"
        case .vendoredFileMissing(let package, let file):
            "the file \"\(file)\" of the vendored package \(package) is missing"
        case .vendoredFileUnlisted(let package, let file):
            "the file \"\(file)\" of the vendored package \(package) is not in its list"
        case .outsideSource(let manifest, let path):
            "\(manifest) names the path \"\(path)\", which is not in the source"
        case .packageNotFound(let package):
            "the lockfile names \(package) as a package of the project, and no manifest leads to it"
        case .unusablePackage(let package, let reason): "the package \(package) cannot be unpacked: \(reason)"
        case .storageFailed(let reason): "the dependencies could not be stored: \(reason)"
        case .duplicateArtifact(let name): "the build made two artifacts named \"\(name)\""
        case .unreadableMessage: "a message of the build about an artifact is cut off or not JSON"
        case .toolchainMissing(let tool, let reason): "\(tool) cannot be used: \(reason)"
        case .invalidConfiguration(let reason): "the toolchain's settings cannot be used: \(reason)"
        case .notInstalled(let name, let reason, _, _): "this service does not have \(name): \(reason)"
        case .unknownToolchain(let name, let supported):
            "there is no toolchain \"\(name)\" (Kettle knows \(supported.joined(separator: ", ")))"
        case .unsupportedSetting(let key, let toolchain):
            "\(ProjectSettings.fileName) has \"\(key)\", which means nothing to \(toolchain)"
        case .artifactInSource(let path): "\"\(path)\" is in the source already, so the build would not have made it"
        case .noSuchArtifact(let pattern): "the build made no file \"\(pattern)\", or too many"
        case .sumMismatch(let module, let expected, let actual):
            "the module \(module) has the sum \(actual), and go.sum says \(expected)"
        case .weakChecksum(let package, let algorithm):
            "the lockfile pins \(package) by \(algorithm.uppercased()) alone, which two files can have in common"
        case .backendNotPinned(let package):
            "pyproject.toml is built by \(package), which uv.lock does not pin and this service does not have"
        }
    }

    package var hint: String? {
        switch self {
        case .unsupported:
            "put the project at the root of the source, or name its folder (path, or --project of kettle)"
        case .noSuchFolder: "name a folder relative to the source's root, without \"..\" and links"
        case .lockfileMissing(let name): "commit \(name), so that the dependencies of the build are pinned"
        case .unknownLockfileVersion: "make the lockfile again with a released version of the package manager"
        case .missingChecksum: "make the lockfile again with a current version of the package manager"
        case .unsupportedSource:
            "take it from the public registry, or vendor it into the source (cargo vendor, configuration included)"
        case .sourceReplacement(_, "patch"): "patch in Cargo.toml, or vendor the dependencies (cargo vendor)"
        case .sourceReplacement: "replace crates-io by one folder of the source, as cargo vendor does, and nothing else"
        case .notTheWorkspaceRoot: "build the workspace's root, or make the folder a workspace of its own ([workspace])"
        case .checksumMismatch, .sumMismatch:
            "the registry served something else: try again, and ask its operator if it stays so"
        case .backendNotPinned(let package):
            "add it to a dependency group (uv add --group build \(package)), or ask the operator of the service for it"
        case .notVendored, .vendoredTwice, .vendoredChecksumMismatch, .vendoredFileChanged, .vendoredFileMissing,
            .vendoredFileUnlisted:
            "vendor again (cargo vendor, go mod vendor), and commit all that it writes"
        case .outsideSource: "send a source that holds every package of the project, and name them by relative paths"
        case .packageNotFound: "make the lockfile again"
        case .checkoutMismatch: "vendor the dependency; a rule in its .gitattributes may change its files on the way"
        case .cannotBeFetched:
            "make it an input of the flake, or ask the operator of the service for a binary cache that has it (nix-cache)"
        case .missingPackage: "build again; if it stays so, make the lockfile again"
        case .storageFailed: "try again later, or tell the operator"
        case .duplicateArtifact: "rename one of the two"
        case .toolchainMissing: "the operator must install the toolchain, and it must be readable to the service"
        case .notInstalled(_, _, let installation, _): "the operator of the service can \(installation)"
        case .unknownToolchain: "leave the toolchain out, and Kettle finds it"
        case .unsupportedSetting: "leave the key out"
        case .artifactInSource:
            "leave the file out of the source, or name another one in artifacts of \(ProjectSettings.fileName)"
        case .noSuchArtifact:
            "name the files that the build makes, relative to the project's folder, in artifacts of kettle.toml"
        case .weakChecksum:
            "take the package out of the lockfile and lock it again: registries have SHA-512 of all packages by now"
        case .unreadableFile, .malformedFile, .unexpectedPackage, .unreadableMessage, .invalidConfiguration,
            .unusablePackage:
            nil
        }
    }
}
