import Glibc
package import KettleAttestation
package import KettleLauncher
package import KettleSandbox
package import KettleSource
package import KettleToolchains
import SystemPackage

/// Gives the files of `collateral/` for an `evidence.json`, by name: what the chip makers publish to judge it by. Empty where there
/// is none; it waits a moment and no longer.
package typealias CollateralFetching = @Sendable (_ evidence: [UInt8]) async -> [String: [UInt8]]

/// What the operator settled, read once at start.
package struct BuildConfiguration: Sendable {
    /// Kettle's own version, as the statement names it.
    package var version: String
    package var sandbox: Sandbox
    package var git: GitSource
    package var sourceLimits: SourceLimits
    /// In the order in which they look at a source.
    package var toolchains: [ToolchainOffer]
    /// Nil leaves builds without evidence.
    package var attester: (any Attester)?
    /// What belongs into bundles beside the evidence; nil for nothing.
    package var collateral: CollateralFetching?
    /// Builds that run their toolchain at the same time.
    package var slots: Int
    /// Builds that may be under way beyond those in slots; of one owner half as many.
    package var queueLimit: Int
    /// How often a build is begun whose service ends unexpectedly.
    package var attemptLimit: Int
    /// Bytes that must be free on the data folder's disk for a build to be taken.
    package var minimumFreeBytes: Int64
    /// How long a build that has ended waits for a disk that takes the record of it.
    package var recordingPatience: Duration
    package var retention: Retention
    /// Of every command of a build.
    package var limits: SandboxLimits
    /// All artifacts of one build together.
    package var artifactLimitInBytes: Int64

    package init(
        version: String, sandbox: Sandbox, git: GitSource, sourceLimits: SourceLimits = .standard,
        toolchains: [ToolchainOffer], attester: (any Attester)?, collateral: CollateralFetching? = nil, slots: Int,
        queueLimit: Int = 500, attemptLimit: Int = 3, minimumFreeBytes: Int64 = 0, recordingPatience: Duration = .zero,
        retention: Retention = Retention(), limits: SandboxLimits = SandboxLimits(),
        artifactLimitInBytes: Int64 = 4 << 30
    ) {
        self.version = version
        self.sandbox = sandbox
        self.git = git
        self.sourceLimits = sourceLimits
        self.toolchains = toolchains
        self.attester = attester
        self.collateral = collateral
        self.slots = slots
        self.queueLimit = queueLimit
        self.attemptLimit = attemptLimit
        self.minimumFreeBytes = minimumFreeBytes
        self.recordingPatience = recordingPatience
        self.retention = retention
        self.limits = limits
        self.artifactLimitInBytes = artifactLimitInBytes
    }

    /// The names of the toolchains that can build here, in the order in which they look at a source.
    package var readyToolchains: [String] { toolchains.filter(\.isReady).map(\.kind.name) }

    /// Whether the disk of a folder has the room that the operator wants to keep.
    func hasRoom(_ folder: FilePath) -> Bool {
        guard minimumFreeBytes > 0 else { return true }
        var status = statvfs()
        guard statvfs(folder.string, &status) == 0 else { return false }
        return Double(status.f_bavail) * Double(status.f_frsize) >= Double(minimumFreeBytes)
    }

    /// The limits of a command that fetches: it computes nothing and has little to say.
    var fetchLimits: SandboxLimits {
        var limits = limits
        limits.wallClock = min(limits.wallClock, .seconds(900))
        limits.outputBytes = min(limits.outputBytes, 16 << 20)
        return limits
    }
}
