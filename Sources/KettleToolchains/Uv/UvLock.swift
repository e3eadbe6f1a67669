import KettleProvenance
import KettleTOML

/// Reads `uv.lock`, version 1 of any revision (uv's `crates/uv-resolver/src/lock`).
///
/// Within one version uv adds keys that older releases pass over; what Kettle reads is what pins: names, versions, sources,
/// dependencies and files. A source or digest that it does not know is refused where a build would need it.
package struct UvLock: Sendable {
    static let fileName = "uv.lock"
    private static let maximumPackages = 20_000

    package let packages: [UvPackage]

    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``,
    ///   ``ToolchainError/unknownLockfileVersion(name:version:)``.
    package init(parsing bytes: [UInt8]) throws(ToolchainError) {
        let document = try ProjectFile.parse(bytes, named: Self.fileName)
        switch document["version"] {
        case .integer(1): break
        case .integer(let version): throw .unknownLockfileVersion(name: Self.fileName, version: String(version))
        default: throw Self.malformed("it has no version")
        }
        guard let tables = document["package"].map({ $0.arrayValue }) ?? [] else {
            throw Self.malformed("\"package\" is not a list")
        }
        guard tables.count <= Self.maximumPackages else { throw Self.malformed("it has too many packages") }
        var packages: [UvPackage] = []
        var seen: Set<String> = []
        for table in tables {
            guard let table = table.tableValue else { throw Self.malformed("a package is not a table") }
            let package = try UvPackage(table)
            guard seen.insert("\(package.spec) \(package.source)").inserted else {
                throw Self.malformed("\(package.spec) is listed twice")
            }
            packages.append(package)
        }
        self.packages = packages
    }

    /// The packages that some of them need, by their places, those of all systems and all versions of Python: Kettle reads no
    /// environment markers, so it may find more than a build takes.
    func closure(of roots: [UvDependency]) -> [Int] {
        let places = Dictionary(grouping: packages.indices) { packages[$0].name }
        var found: Set<Int> = []
        var asked: Set<UvDependency> = Set(roots)
        var pending = roots
        while let next = pending.popLast() {
            for place in places[next.name] ?? [] where next.version == nil || packages[place].version == next.version {
                found.insert(place)
                var needed = packages[place].dependencies
                for extra in next.extras { needed += packages[place].optionalDependencies[extra] ?? [] }
                for dependency in needed where asked.insert(dependency).inserted { pending.append(dependency) }
            }
        }
        return found.sorted()
    }

    /// For the fuzzer: what the project's own packages lead to.
    package var reachable: [Int] {
        closure(
            of: packages.filter { if case .folder = $0.source { true } else { false } }.map {
                UvDependency(name: $0.name)
            })
    }

    static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}

/// What one package needs of another.
struct UvDependency: Sendable, Hashable {
    var name: String
    /// Where the lockfile has several versions of the package.
    var version: String?
    var extras: [String] = []
}

/// A package of `uv.lock`.
package struct UvPackage: Sendable, Hashable {
    enum Source: Sendable, Hashable {
        /// An index, by its URL.
        case registry(String)
        /// A folder, relative to the lockfile's: the project itself, or another package of the source.
        case folder(String, isPackage: Bool)
        /// Anything else, as the lockfile has it.
        case other(String)
    }

    /// A file that can be had.
    struct File: Sendable, Hashable {
        var name: String
        var url: String
        var digest: PinnedDigest?
    }

    package let name: String
    /// Missing where the project says it itself, when it is built.
    let version: String?
    let source: Source
    let dependencies: [UvDependency]
    let optionalDependencies: [String: [UvDependency]]
    /// The sdist, where there is one.
    let sdist: File?
    let wheels: [File]

    /// For the fuzzer: what its files would be called.
    package var fileNames: [String] { (wheels + (sdist.map { [$0] } ?? [])).map(\.name) }

    var spec: String { version.map { "\(name) \($0)" } ?? name }

    init(_ table: TOMLTable) throws(ToolchainError) {
        guard let name = table["name"]?.stringValue, Self.isPlain(name) else {
            throw UvLock.malformed("a package has no usable name")
        }
        self.name = name
        version = table["version"]?.stringValue
        guard version.map(Self.isPlain) ?? (table["version"] == nil) else {
            throw UvLock.malformed("the version of \(name) is not usable")
        }
        guard let source = table["source"]?.tableValue else { throw UvLock.malformed("\(name) has no source") }
        self.source = try Self.source(source, name)
        dependencies = try Self.dependencies(table["dependencies"], name)
        var optional: [String: [UvDependency]] = [:]
        for (extra, list) in table["optional-dependencies"]?.tableValue ?? [:] {
            optional[extra] = try Self.dependencies(list, name)
        }
        optionalDependencies = optional
        sdist = try table["sdist"].map { value throws(ToolchainError) in try Self.file(value, name) }
        var wheels: [File] = []
        for wheel in table["wheels"]?.arrayValue ?? [] { wheels.append(try Self.file(wheel, name)) }
        self.wheels = wheels
    }

    private static func source(_ table: TOMLTable, _ name: String) throws(ToolchainError) -> Source {
        for (key, value) in table.sorted(by: { $0.key < $1.key }) {
            guard let text = value.stringValue else { continue }
            switch key {
            case "registry": return .registry(text)
            case "editable", "directory": return .folder(text, isPackage: true)
            case "virtual": return .folder(text, isPackage: false)
            default: return .other("\(key) \(text)")
            }
        }
        throw UvLock.malformed("the source of \(name) is unknown")
    }

    private static func dependencies(_ value: TOMLValue?, _ name: String) throws(ToolchainError) -> [UvDependency] {
        guard let list = value.map({ $0.arrayValue }) ?? [] else {
            throw UvLock.malformed("the dependencies of \(name) are not a list")
        }
        var dependencies: [UvDependency] = []
        for element in list {
            guard let table = element.tableValue, let needed = table["name"]?.stringValue else {
                throw UvLock.malformed("a dependency of \(name) has no name")
            }
            dependencies.append(
                UvDependency(
                    name: needed, version: table["version"]?.stringValue,
                    extras: (table["extra"]?.arrayValue ?? []).compactMap(\.stringValue)))
        }
        return dependencies
    }

    private static func file(_ value: TOMLValue, _ name: String) throws(ToolchainError) -> File {
        guard let table = value.tableValue else { throw UvLock.malformed("a file of \(name) is not a table") }
        let url = table["url"]?.stringValue ?? ""
        let file = url.split(separator: "/").last.map { String($0.prefix { $0 != "#" && $0 != "?" }) } ?? ""
        guard url.isEmpty || isPlain(file) else { throw UvLock.malformed("the URL of a file of \(name) is not usable") }
        var digest: PinnedDigest?
        if let hash = table["hash"] {
            let parts = hash.stringValue?.split(separator: ":", maxSplits: 1).map(String.init) ?? []
            guard parts.count == 2 else { throw UvLock.malformed("the hash of \(file) is not usable") }
            // Others pin nothing, and count as missing.
            if let algorithm = PinnedDigest.Algorithm(rawValue: parts[0]) {
                digest = PinnedDigest(algorithm, hex: parts[1])
                guard digest != nil else { throw UvLock.malformed("the hash of \(file) is not usable") }
            }
        }
        return File(name: file, url: url, digest: digest)
    }

    /// What may stand in file names and on command lines: letters, digits and a few signs.
    private static func isPlain(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasPrefix(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "-_.+!%".utf8.contains(byte)
                }
            }
    }
}
