import Foundation
import KettleSource
import KettleTesting
import SystemPackage
import Testing

/// An archive on its way through ``ArchiveSource`` into a folder that a test can look at.
struct Unpacking {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: parent.string, withIntermediateDirectories: false)
    }

    /// What a test makes an archive of.
    var workplace: FilePath { scratch.path.appending("workplace") }
    var archive: FilePath { scratch.path.appending("archive") }
    var target: FilePath { parent.appending("source") }
    /// Holds the target and nothing else.
    private var parent: FilePath { scratch.path.appending("parent") }

    func write(_ files: [String: String]) throws {
        try scratch.write(files, to: "workplace")
    }

    func unpack(_ bytes: [UInt8], within limits: SourceLimits = .standard) throws {
        try Data(bytes).write(to: URL(filePath: archive.string))
        try ArchiveSource.unpack(.file(archive), into: target, within: limits)
    }

    /// The refusal of an archive, nil when it is taken in.
    func refusal(of bytes: [UInt8], within limits: SourceLimits = .standard) throws -> SourceError? {
        do {
            try unpack(bytes, within: limits)
            return nil
        } catch let error as SourceError {
            return error
        }
    }

    /// Everything that lies beside the archive, by its path below the target's parent.
    func leftovers() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: parent.string).sorted()
    }

    /// Files, links and folders below the target, each with its kind, mode and content.
    func tree() throws -> [String: String] {
        var result: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: target.string) {
            let place = target.appending(FilePath(path).components).string
            let attributes = try FileManager.default.attributesOfItem(atPath: place)
            let mode = String((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0, radix: 8)
            result[path] =
                switch attributes[.type] as? FileAttributeType {
                case .typeDirectory?: "folder \(mode)"
                case .typeSymbolicLink?: "-> " + (try FileManager.default.destinationOfSymbolicLink(atPath: place))
                default:
                    "\(mode) " + String(decoding: FileManager.default.contents(atPath: place) ?? Data(), as: UTF8.self)
                }
        }
        return result
    }
}
