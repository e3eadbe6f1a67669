import Foundation
import Glibc
package import SystemPackage

/// A mounted file system that behaves like configfs-tsm (`Tests/Doubles/configfs-tsm.py`).
package struct ConfigfsDouble: Sendable {
    /// The folder that stands for /sys/kernel/config/tsm/report.
    package let root: FilePath
    private let log: FilePath

    /// Why there can be none on this machine, or nil.
    package static let unavailable: String? = {
        guard access("/dev/fuse", R_OK | W_OK) == 0 else { return "/dev/fuse is not there or not ours" }
        guard FileManager.default.isExecutableFile(atPath: python) else { return "\(python) is missing" }
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", "import fuse; fuse.Direntry"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "\(python) does not run" }
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : "the Debian package python3-fuse is missing"
    }()

    private static let python = "/usr/bin/python3"

    /// Mounts it for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - template: The report or quote whose report data are replaced.
    ///   - options: Further options of the program.
    @discardableResult
    package static func run<Result>(
        template: FilePath, _ options: [String] = [], _ body: (ConfigfsDouble) async throws -> Result
    ) async throws -> Result {
        let scratch = try ScratchFolder()
        let root = scratch.path.appending("report")
        try FileManager.default.createDirectory(atPath: root.string, withIntermediateDirectories: false)
        let double = ConfigfsDouble(root: root, log: scratch.path.appending("calls"))
        let program = Corpus.checkout.appending("Tests/Doubles/configfs-tsm.py").string
        return try await HelperProgram.run(
            python, [program, root.string, "--template", template.string, "--log", double.log.string] + options,
            log: scratch.path.appending("output"),
            isReady: { device(of: root) != device(of: scratch.path) },
            end: {
                let unmounting = Process()
                unmounting.executableURL = URL(filePath: "/usr/bin/env")
                unmounting.arguments = ["fusermount3", "-u", "-z", root.string]
                guard (try? unmounting.run()) != nil else { return }
                unmounting.waitUntilExit()
            }
        ) { try await body(double) }
    }

    /// The calls that changed something, in order: "mkdir", "rmdir", "write inblob 64 00…".
    package var calls: [String] { contents(of: log.string).split(separator: "\n").map(String.init) }

    private static func device(of path: FilePath) -> dev_t {
        var status = stat()
        return stat(path.string, &status) == 0 ? status.st_dev : 0
    }
}
