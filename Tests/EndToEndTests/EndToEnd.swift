import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

/// The built `kettle` over real sockets, with real cargo, git, bubblewrap and Chromium.
///
/// One test at a time: they measure memory and time, and each compiles something with all processors there are.
@Suite(
    .serialized, .timeLimit(.minutes(30)),
    .enabled(if: KettleExecutable.canConfine, "bubblewrap is not installed, or kettle is not built"),
    .enabled(if: Command.isInstalled("cargo"), "cargo is not installed"))
enum EndToEnd {}

/// Runs `kettle verify` on a build's bundle, downloaded in the given form.
func verify(
    _ build: String, of service: Service, as name: String = "bundle.zip", _ options: [String]
) async throws -> Command.Ended {
    let scratch = try ScratchFolder()
    let bundle = scratch.path.appending(name)
    try await service.download("/v1/builds/\(build)/\(name)", to: bundle)
    return try await Command.run(KettleExecutable.path.string, ["verify", bundle.string] + options)
}

extension Service {
    func download(_ path: String, to file: FilePath) async throws {
        let ended = try await Command.run("curl", ["-sS", "--fail", "-o", file.string, address + path])
        guard ended.status == 0 else { throw CommandFailed(program: "curl", ended: ended) }
    }
}

extension JSONValue {
    /// The keys of an object.
    var keys: Set<String> { Set((objectValue ?? [:]).keys) }
}
