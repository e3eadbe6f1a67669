import KettleProvenance

/// `Package.resolved`, versions 1 to 3: which commit each dependency of a Swift package is.
///
/// Version 3 (Swift 5.10 and later) adds `originHash`, the digest of the manifest that the pins were resolved from; SwiftPM
/// itself refuses pins that do not fit the manifest. See SwiftPM's `ResolvedPackagesStore`.
package struct PackageResolved: Sendable, Hashable {
    package static let fileName = "Package.resolved"
    private static let pinLimit = 2000

    /// In the file's order.
    package let pins: [SwiftPin]

    /// Reads the file. It may come from anyone.
    ///
    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``, ``ToolchainError/unknownLockfileVersion(name:version:)``,
    ///   ``ToolchainError/unsupportedSource(package:source:)`` for a package that is no commit of a git repository.
    package init(parsing bytes: [UInt8]) throws(ToolchainError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, maximumDepth: 8, maximumBytes: ProjectFile.limitInBytes)
        } catch {
            throw Self.malformed(error.message)
        }
        guard case .integer(let version)? = document["version"] else { throw Self.malformed("it has no version") }
        let list: JSONValue?
        switch version {
        case 1: list = document["object"]?["pins"]
        case 2, 3: list = document["pins"]
        default: throw .unknownLockfileVersion(name: Self.fileName, version: "\(version)")
        }
        guard let entries = list?.arrayValue else { throw Self.malformed("it has no list of pins") }
        guard entries.count <= Self.pinLimit else { throw Self.malformed("it has more than \(Self.pinLimit) pins") }
        var pins: [SwiftPin] = []
        var identities: Set<String> = []
        for entry in entries {
            let pin = version == 1 ? try Self.firstVersionPin(entry) : try Self.pin(entry)
            guard identities.insert(pin.identity).inserted else {
                throw Self.malformed("\(pin.identity) is listed twice")
            }
            pins.append(pin)
        }
        self.pins = pins
    }

    private static func pin(_ entry: JSONValue) throws(ToolchainError) -> SwiftPin {
        guard let identity = entry["identity"]?.stringValue, let location = entry["location"]?.stringValue,
            let kind = entry["kind"]?.stringValue, let state = entry["state"]
        else { throw malformed("a pin has no identity, kind, location or state") }
        guard isFolderName(identity), identity == identity.lowercased() else {
            throw malformed("the identity \"\(identity)\" is not usable")
        }
        switch kind {
        case "remoteSourceControl": return try pin(identity, location, state)
        case "registry": throw .unsupportedSource(package: identity, source: "a package registry")
        case "localSourceControl":
            throw .unsupportedSource(package: identity, source: "the local repository \(location)")
        default: throw malformed("the kind \"\(kind)\" of \(identity) is unknown")
        }
    }

    /// Version 1 knows a package by its name, and by the address alone what it is now known by.
    private static func firstVersionPin(_ entry: JSONValue) throws(ToolchainError) -> SwiftPin {
        guard let location = entry["repositoryURL"]?.stringValue, let state = entry["state"] else {
            throw malformed("a pin has no repositoryURL or state")
        }
        guard let identity = SwiftPin.identity(of: location), isFolderName(identity) else {
            throw malformed("the repositoryURL \"\(location)\" gives no name")
        }
        return try pin(identity, location, state)
    }

    private static func pin(
        _ identity: String, _ location: String, _ state: JSONValue
    ) throws(ToolchainError) -> SwiftPin {
        guard let revision = state["revision"]?.stringValue, [UInt8](hexadecimal: revision)?.count == 20 else {
            throw malformed("\(identity) has no revision of 40 hexadecimal digits")
        }
        guard isText(location) else { throw malformed("the location of \(identity) is not usable") }
        let (version, branch) = (state["version"]?.stringValue, state["branch"]?.stringValue)
        guard [version, branch].allSatisfy({ $0.map(isText) ?? true }) else {
            throw malformed("the version or branch of \(identity) is not usable")
        }
        return SwiftPin(
            identity: identity, location: location, revision: revision, version: version, branch: branch)
    }

    /// What may be the name of a folder without meaning anything else.
    private static func isFolderName(_ text: String) -> Bool {
        isText(text) && text.utf8.count <= 200 && !text.contains("/") && !text.hasPrefix(".") && !text.hasPrefix("-")
    }

    private static func isText(_ text: String) -> Bool {
        (1...2048).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace }
    }

    private static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}

/// One dependency, pinned to a commit.
package struct SwiftPin: Sendable, Hashable {
    /// SwiftPM's name for the package, in lower case; one component of a path.
    package var identity: String
    /// The repository's URL as the manifest has it.
    package var location: String
    /// 40 hexadecimal digits.
    package var revision: String
    package var version: String?
    package var branch: String?

    /// The last component of an address without `.git`, in lower case (SwiftPM, `PackageIdentityParser`).
    static func identity(of location: String) -> String? {
        var rest = location[...]
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        guard var name = rest.split(whereSeparator: { $0 == "/" || $0 == ":" }).last else { return nil }
        if name.hasSuffix(".git") { name = name.dropLast(4) }
        return name.isEmpty ? nil : name.lowercased()
    }

    /// Names repository and commit: `pkg:swift/github.com/onevcat/Rainbow@4.2.2?vcs_url=…` (purl type "swift": the namespace is
    /// host and owner; a package without a version is known by its commit).
    package var packageURL: String {
        var path = location[...]
        if let scheme = path.firstRange(of: "://") { path = path[scheme.upperBound...] }
        if let at = path.firstIndex(of: "@"), path[..<at].allSatisfy({ $0 != "/" }) {
            path = path[path.index(after: at)...]
        }
        // As git's short form of an SSH address has it: git@host:owner/name.
        var parts = path.split(separator: "/").map(String.init)
        if !location.contains("://"), let first = parts.first, let colon = first.firstIndex(of: ":") {
            parts[0] = String(first[..<colon])
            let owner = first[first.index(after: colon)...]
            if !owner.isEmpty { parts.insert(String(owner), at: 1) }
        }
        var name = parts.popLast() ?? identity
        if name.hasSuffix(".git"), name.utf8.count > 4 { name = String(name.dropLast(4)) }
        return PackageURL(
            type: "swift", namespace: parts.joined(separator: "/"), name: name, version: version ?? revision,
            qualifiers: ["vcs_url": "git+\(location)@\(revision)"]
        ).text
    }
}
