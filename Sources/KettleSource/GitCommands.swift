import Glibc
import KettleLauncher
import KettleSandbox
import NIOPosix
import Synchronization
import SystemPackage

/// git, as Kettle runs it: confined, with an environment and a configuration of ours alone.
struct GitCommands: Sendable {
    /// What a fetch and all its submodules have in common.
    struct Settings: Sendable {
        let sandbox: Sandbox
        let workspace: Workspace
        let threads: NIOThreadPool
        let policy: URLPolicy
        let limits: SourceLimits
        /// Of each command; what a fetch has of its own comes on top.
        let commandLimits: SandboxLimits
        let timeout: Duration
        let deadline: ContinuousClock.Instant
    }

    private static let configuration = [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "credential.helper=", "http.followRedirects=false",
        "protocol.allow=never", "protocol.https.allow=always", "fetch.fsckObjects=true", "transfer.fsckObjects=true",
        "fetch.recurseSubmodules=false", "gc.auto=0", "maintenance.auto=false", "http.lowSpeedLimit=1",
        // All objects stay in one file, so that the limit of a file is the limit of a fetch.
        "http.lowSpeedTime=60", "fetch.unpackLimit=1",
    ]

    /// git and the C library speak English, which ``GitFailure`` reads.
    private static let environment = [
        "PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder, "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false", "GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1",
    ]

    /// The commands that talk to the remote. The others have no network.
    private static let talking = ["ls-remote", "fetch", "lfs"]

    /// Lists, not files: what a repository says about itself.
    private static let textLimitInBytes = 64 << 20

    let settings: Settings
    /// On the host.
    let repository: FilePath
    let url: GitURL
    /// The one place that git may connect to.
    let remote: EgressEndpoint

    /// Runs git and returns what it prints.
    ///
    /// - Parameters:
    ///   - extra: More of git's configuration, `name=value`.
    ///   - missing: What it means that the object asked for is not there.
    ///   - failure: Told what a command that failed has to say, where its words are not git's.
    @discardableResult
    func run(
        _ arguments: [String], settings extra: [String] = [], allowFailure: Bool = false, missing: SourceError? = nil,
        failure: (@Sendable (_ standardError: String) throws(SourceError) -> Void)? = nil
    ) async throws -> [UInt8] {
        let output = Mutex<[UInt8]>([])
        try await run(
            arguments, settings: extra, allowFailure: allowFailure, missing: missing, failure: failure
        ) { chunk in
            try output.withLock { output in
                guard output.count + chunk.count <= Self.textLimitInBytes else {
                    throw SourceError.tooManyEntries(limit: settings.limits.entries)
                }
                output += chunk
            }
        }
        return output.withLock { $0 }
    }

    /// Runs git and hands on what it prints as it comes.
    func run(
        _ arguments: [String], settings extra: [String] = [], allowFailure: Bool = false, missing: SourceError? = nil,
        failure: (@Sendable (_ standardError: String) throws(SourceError) -> Void)? = nil,
        _ take: @escaping @Sendable (UnsafeRawBufferPointer) async throws -> Void
    ) async throws {
        let errors = Mutex<[UInt8]>([])
        let end: CommandEnd
        do {
            end = try await settings.sandbox.run(try command(arguments, extra), in: settings.workspace) {
                stream, chunk in
                switch stream {
                case .stdout: try await take(chunk)
                case .stderr: errors.withLock { if $0.count < 64 << 10 { $0 += chunk } }
                }
            }
        } catch SandboxError.limitExceeded(.wallClock, _) {
            throw timedOut
        } catch SandboxError.limitExceeded(let limit, _) where [.outputBytes, .network].contains(limit) {
            throw SourceError.fetchTooLarge(url: url.text)
        }
        guard !end.succeeded, !allowFailure else { return }
        guard !hasLargestPack else { throw SourceError.fetchTooLarge(url: url.text) }
        if let failure { return try failure(String(decoding: errors.withLock { $0 }, as: UTF8.self)) }
        throw GitFailure(errors.withLock { $0 }, status: end.status, url: url).error(missing: missing)
    }

    /// git in a repository that it reads and that nobody talks to.
    static func reading(_ repository: FilePath, _ arguments: [String], limits: SandboxLimits) -> SandboxCommand {
        SandboxCommand(
            arguments: program + configuration.flatMap { ["-c", $0] } + arguments, environment: environment,
            workingDirectory: "/", mounts: [.readOnly(repository, at: "/build/git")], network: .none, limits: limits)
    }

    private static let program = ["/usr/bin/git", "--git-dir=/build/git"]

    private func command(_ arguments: [String], _ extra: [String]) throws(SourceError) -> SandboxCommand {
        let remaining = ContinuousClock.now.duration(to: settings.deadline)
        guard remaining > .zero else { throw timedOut }
        var configuration = Self.configuration + extra
        if settings.policy.allowsHTTP { configuration.append("protocol.http.allow=always") }
        let isTalking = Self.talking.contains(arguments.first ?? "")
        if isTalking { configuration.append("http.proxy=\(EgressPolicy.proxyURL)") }
        return SandboxCommand(
            arguments: Self.program + configuration.flatMap { ["-c", $0] } + arguments, environment: Self.environment,
            workingDirectory: "/",
            mounts: [.writable(repository, at: "/build/git")],
            // A Git LFS server sends its clients to where its files are, on some other host.
            network: isTalking
                ? .egress(
                    EgressPolicy([remote], allowsPublicHosts: arguments.first == "lfs", limits: egressLimits))
                : .none,
            limits: limits(remaining))
    }

    private func limits(_ remaining: Duration) -> SandboxLimits {
        var limits = settings.commandLimits
        limits.wallClock = remaining
        limits.outputBytes = objectBytes
        limits.outputLines = .max
        limits.fileBytes = objectBytes
        return limits
    }

    /// Whether a fetch ended at the limit of a file. git does not say so, and leaves what it has got.
    private var hasLargestPack: Bool {
        let folder = repository.appending("objects/pack")
        return ((try? FolderListing.entries(of: folder)) ?? []).contains { entry in
            guard let name = FilePath.Component(String(decoding: entry.name.bytes, as: UTF8.self)) else { return false }
            var status = stat()
            return lstat(folder.appending(name).string, &status) == 0 && Int(status.st_size) >= objectBytes
        }
    }

    /// As many bytes as the objects of a commit may have: its files, and its trees and their index.
    private var objectBytes: Int {
        let entries = Int64(clamping: settings.limits.entries).multipliedReportingOverflow(by: 1024)
        let trees = entries.overflow ? Int64.max : max(1 << 20, entries.partialValue)
        let sum = max(0, settings.limits.bytes).addingReportingOverflow(trees)
        return Int(clamping: sum.overflow ? Int64.max : sum.partialValue)
    }

    /// A pack comes in frames, and a remote's list of refs comes beside it.
    private var egressLimits: EgressLimits {
        let received = objectBytes.addingReportingOverflow(2 * Self.textLimitInBytes)
        return EgressLimits(receivedBytes: received.overflow ? .max : received.partialValue)
    }

    private var timedOut: SourceError {
        .fetchTimedOut(url: url.text, limit: "\(settings.timeout)")
    }
}
