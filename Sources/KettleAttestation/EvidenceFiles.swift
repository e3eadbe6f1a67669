public import KettleError

/// Certificates or collateral in a folder that cannot be used. Paths are the caller's own words.
public enum EvidenceFileError: UserFacingError, Hashable {
    /// With what the system says.
    case unreadable(path: String, reason: String)
    case noRoots(path: String)
    case noCollateral(path: String)
    case unusable(path: String, EvidenceError)

    public var code: String {
        switch self {
        case .unreadable: "files.unreadable"
        case .noRoots: "files.no_roots"
        case .noCollateral: "files.no_collateral"
        case .unusable(_, let error): error.code
        }
    }

    public var message: String {
        switch self {
        case .unreadable(let path, let reason): "\(Self.shown(path)) cannot be read: \(reason)"
        case .noRoots(let path): "\(Self.shown(path)) holds no trust roots"
        case .noCollateral(let path): "\(Self.shown(path)) holds no collateral"
        case .unusable(let path, let error): "\(Self.shown(path)): \(error.message)"
        }
    }

    public var hint: String? {
        switch self {
        case .unreadable: nil
        case .noRoots:
            "a folder of roots has intel/sgx-root-ca.der, and ark.der, ask.der and asvk.der below amd/milan, amd/genoa or amd/turin"
        case .noCollateral:
            "a folder of collateral has \(TDXCollateral.fileNames.joined(separator: ", ")), or \(Collateral.amdFileName), or \(Collateral.endorsementFileName)"
        case .unusable: nil
        }
    }
}

extension TrustRoots {
    private static let limitInBytes = 64 * 1024

    /// Reads a folder of other roots than the vendors': `intel/sgx-root-ca.der`, and `ark.der`, `ask.der` and `asvk.der` in
    /// `amd/milan`, `amd/genoa` and `amd/turin`. Blocks on the disk.
    ///
    /// - Parameter path: Of the folder. Products may be missing, Intel's root may not.
    /// - Throws: ``EvidenceFileError``.
    public init(folder path: String) throws(EvidenceFileError) {
        func products(_ name: String) throws(EvidenceFileError) -> [SNPProduct: [UInt8]] {
            var files: [SNPProduct: [UInt8]] = [:]
            for product in SNPProduct.allCases {
                files[product] = try Self.read(
                    "\(path)/amd/\(product.rawValue)/\(name).der", limitInBytes: Self.limitInBytes)
            }
            return files
        }
        guard let intel = try Self.read("\(path)/intel/sgx-root-ca.der", limitInBytes: Self.limitInBytes) else {
            throw .noRoots(path: path)
        }
        let contents = Contents(
            ark: try products("ark"), ask: try products("ask"), asvk: try products("asvk"), intel: intel)
        do {
            try self.init(contents)
        } catch {
            throw .unusable(path: path, error)
        }
    }

    /// Nil where there is no such file.
    fileprivate static func read(_ path: String, limitInBytes: Int) throws(EvidenceFileError) -> [UInt8]? {
        do {
            return try RegularFile.read(path, limitInBytes: limitInBytes)
        } catch RegularFile.Failure.missing {
            return nil
        } catch RegularFile.Failure.unreadable(let reason) {
            throw .unreadable(path: path, reason: reason)
        } catch RegularFile.Failure.tooLarge {
            throw .unreadable(path: path, reason: "it is larger than \(limitInBytes) bytes")
        } catch {
            throw .unreadable(path: path, reason: "it is not a regular file")
        }
    }
}

extension Collateral {
    /// Reads a folder of collateral: the files of ``fileNames`` that are there. Blocks on the disk.
    ///
    /// - Parameter path: Of the folder.
    /// - Throws: ``EvidenceFileError``, also when it holds none of them, or only a part of Intel's.
    public init(folder path: String) throws(EvidenceFileError) {
        var files: [String: [UInt8]] = [:]
        for name in Self.fileNames {
            files[name] = try TrustRoots.read("\(path)/\(name)", limitInBytes: Self.limitInBytes)
        }
        guard !files.isEmpty else { throw .noCollateral(path: path) }
        do {
            try self.init(files: files)
        } catch {
            throw .unusable(path: path, error)
        }
    }
}
