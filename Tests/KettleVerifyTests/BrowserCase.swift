import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage

/// A bundle as it is handed to the browser's verifier, what is asked of it, and the verdict that `kettle verify --json` prints.
struct BrowserCase: Sendable {
    let name: String
    /// The archive.
    let bundle: [UInt8]
    /// The questions in the form of `questions()` in `verifier.js`, tables as lists of pairs.
    let asked: JSONValue
    /// Canonical JSON.
    let verdict: String

    /// - Parameters:
    ///   - verifier: One that asks nothing which the page cannot ask.
    ///   - roots: The folder of its roots, where they are not the vendors' own.
    ///   - collateral: The files of its collateral.
    init(
        _ name: String, _ bundle: [UInt8], _ verifier: BundleVerifier, roots: String? = nil,
        collateral: [String: [UInt8]] = [:]
    ) throws {
        self.name = name
        self.bundle = bundle
        asked = try Self.asked(verifier, roots: roots, collateral)
        let scratch = try ScratchFolder()
        let path = scratch.path.appending("bundle").string
        try Data(bundle).write(to: URL(filePath: path))
        let verdict: Verdict
        do {
            verdict = try verifier.verify(at: path)
        } catch {
            verdict = Verdict(unread: error)
        }
        self.verdict = verdict.json.canonicalString()
    }

    /// The same for files, packed.
    init(
        _ name: String, _ contents: [String: [UInt8]], as kind: PackedEntry.Kind = .zip, _ verifier: BundleVerifier,
        roots: String? = nil, collateral: [String: [UInt8]] = [:]
    ) throws {
        let entries = contents.sorted { $0.key < $1.key }.map { PackedEntry(path: $0.key, content: $0.value) }
        try self.init(name, Self.packed(entries, as: kind), verifier, roots: roots, collateral: collateral)
    }

    static func packed(_ entries: [PackedEntry], as kind: PackedEntry.Kind) throws -> [UInt8] {
        let scratch = try ScratchFolder()
        let path = scratch.path.appending("bundle").string
        try PackedEntry.write(entries, as: kind, to: path)
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    /// What the page has no field for is asked on the command line.
    static func isAskable(_ verifier: BundleVerifier) -> Bool {
        var others = verifier.expected
        (others.builders, others.sources, others.commits) = (nil, nil, nil)
        return verifier.policy == nil && others == Policy() && verifier.references.isEmpty && verifier.time != nil
    }

    var json: JSONValue {
        ["name": .string(name), "bundle": .string(Data(bundle).base64EncodedString()), "asked": asked]
    }

    // MARK: - Questions

    private static func asked(
        _ verifier: BundleVerifier, roots: String?, _ collateral: [String: [UInt8]]
    ) throws -> JSONValue {
        let hardware = verifier.hardware
        func texts(_ values: some Sequence<[UInt8]>) -> JSONValue { .array(values.map { .string($0.hexadecimal) }) }
        func table(_ registers: [Int: Set<[UInt8]>]) -> JSONValue {
            .array(registers.map { [.integer(Int64($0)), texts($1)] })
        }
        let policy: JSONValue = [
            "launchDigests": hardware.launchDigests.map(texts) ?? nil, "pcrs": table(hardware.pcrs),
            "rtmrs": table(hardware.rtmrs), "hostData": hardware.hostData.map(texts) ?? nil,
            "allowsDebug": .bool(hardware.allowsDebug), "allowsMigration": .bool(hardware.allowsMigration),
            "allowsMultithreading": .bool(hardware.allowsMultithreading),
            "vmpls": hardware.vmpls.map { .array($0.map { .integer(Int64($0)) }) } ?? nil,
            "tcbStatuses": hardware.tcbStatuses.map { .array($0.map { .string($0.rawValue) }) } ?? nil,
            "minimumTCB": .array(hardware.minimumTCB.map { [.string($0.rawValue), .integer(Int64($1))] }),
        ]
        return [
            "softwareKeys": .array(verifier.softwareKeys.map { .string($0.hex) }),
            "nonce": verifier.nonce.map { .string($0.hex) } ?? nil,
            "time": verifier.time.map { .integer($0.secondsSince1970) } ?? nil,
            "judgesAtBuildTime": .bool(verifier.judgesAtBuildTime),
            "acceptsAnyMeasurement": .bool(verifier.acceptsAnyMeasurement),
            "builder": verifier.expected.builders?.first.map(JSONValue.string) ?? nil,
            "source": verifier.expected.sources?.first.map { .string($0.text) } ?? nil,
            "commit": verifier.expected.commits?.first.map(JSONValue.string) ?? nil,
            "leavesArtifactsOut": .bool(verifier.leavesArtifactsOut), "hardware": policy, "measurements": nil,
            "roots": try roots.map(rootFiles) ?? nil,
            "collateral": collateral.isEmpty
                ? nil : .array(collateral.map { [.string($0), .string(Data($1).base64EncodedString())] }),
        ]
    }

    /// A folder of roots, as `--trust-roots` takes it.
    private static func rootFiles(in folder: String) throws -> JSONValue {
        func file(_ path: String) throws -> JSONValue {
            .string(try Data(contentsOf: URL(filePath: "\(folder)/\(path)")).base64EncodedString())
        }
        func role(_ name: String) throws -> JSONValue {
            var files: [String: JSONValue] = [:]
            for product in SNPProduct.allCases {
                let path = "amd/\(product.rawValue)/\(name).der"
                if FileManager.default.fileExists(atPath: "\(folder)/\(path)") {
                    files[product.rawValue] = try file(path)
                }
            }
            return .object(files)
        }
        return [
            "ark": try role("ark"), "ask": try role("ask"), "asvk": try role("asvk"),
            "intel": try file("intel/sgx-root-ca.der"),
        ]
    }
}
