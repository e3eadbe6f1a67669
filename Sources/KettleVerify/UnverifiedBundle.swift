import KettleAttestation
public import KettleProvenance

/// What lies in a bundle, read within limits and not yet believed.
///
/// Only the statement, the evidence and what belongs to it are kept in memory. Every other file is digested as it passes, so a bundle of
/// gigabytes costs no memory and nothing is unpacked to disk.
public struct UnverifiedBundle: Sendable {
    /// A regular file.
    public struct File: Hashable, Sendable {
        /// Its path in the bundle, such as `artifacts/tally`.
        public let path: String
        /// SHA-256 of its bytes.
        public let digest: ContentDigest
        /// Its length in bytes.
        public let size: Int64
    }

    /// The name of the statement's file.
    public static let statementPath = "provenance.json"
    /// The name of the evidence's file.
    public static let evidencePath = "evidence.json"
    /// The name of the folder with what the chip makers publish.
    public static let collateralFolder = "collateral"

    /// The regular files, by path.
    public let files: [String: File]
    /// What else is there and should not be: paths, and what they are ("symbolic link", "folder").
    public let oddities: [String: String]
    /// The bytes of `provenance.json`, nil when there is none.
    public let statement: [UInt8]?
    /// The bytes of `evidence.json`, nil when there is none.
    public let evidence: [UInt8]?
    /// The files of `collateral/` that a verifier reads, by name.
    public let collateral: [String: [UInt8]]

    init(files: [String: File], oddities: [String: String], kept: [String: [UInt8]]) {
        self.files = files
        self.oddities = oddities
        statement = kept[Self.statementPath]
        evidence = kept[Self.evidencePath]
        collateral = Collateral.fileNames.reduce(into: [:]) { $0[$1] = kept["\(Self.collateralFolder)/\($1)"] }
    }

    /// The file of exactly this path, byte for byte. Swift alone would take two spellings of one accent for the same.
    public func file(_ path: String) -> File? {
        guard let file = files[path], file.path.utf8.elementsEqual(path.utf8) else { return nil }
        return file
    }

    /// Whether a path leads below a folder, byte for byte: to Swift a slash with an accent behind it is another character.
    static func isPath(_ path: String, below folder: String) -> Bool { path.utf8.starts(with: "\(folder)/".utf8) }

    /// Whether the statement says that the original Kettle made it.
    public var isOriginal: Bool {
        (statement.flatMap { try? JSONValue(parsing: $0) }).map(OriginalStatement.isClaimed) ?? false
    }

    /// The files directly in a folder of the bundle, sorted, with the folder left off.
    func names(in folder: String) -> [String] {
        files.keys.filter { Self.isPath($0, below: folder) }.map { path in
            String(decoding: path.utf8.dropFirst(folder.utf8.count + 1), as: UTF8.self)
        }.sorted()
    }
}

extension UnverifiedBundle {
    /// A bundle whose files are in memory, by path.
    ///
    /// - Throws: ``BundleError``.
    public init(contents: [String: [UInt8]], limits: BundleLimits = .standard) throws(BundleError) {
        var collector = BundleCollector(limits: limits)
        for (path, bytes) in contents {
            try collector.beginFile(path)
            try bytes.withUnsafeBufferPointer { piece throws(BundleError) in
                try collector.append(UnsafeRawBufferPointer(piece))
            }
            collector.endFile()
        }
        self = collector.bundle()
    }
}
