package import KettleAttestation
package import KettleLauncher
package import KettleSandbox
package import KettleSource
package import KettleToolchains

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
    package var toolchains: [any Toolchain]
    /// Nil leaves builds without evidence.
    package var attester: (any Attester)?
    /// What belongs into bundles beside the evidence; nil for nothing.
    package var collateral: CollateralFetching?
    /// Builds that run their toolchain at the same time.
    package var slots: Int
    /// Of every command of a build.
    package var limits: SandboxLimits
    /// All artifacts of one build together.
    package var artifactLimitInBytes: Int64

    package init(
        version: String, sandbox: Sandbox, git: GitSource, sourceLimits: SourceLimits = .standard,
        toolchains: [any Toolchain], attester: (any Attester)?, collateral: CollateralFetching? = nil, slots: Int,
        limits: SandboxLimits = SandboxLimits(),
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
        self.limits = limits
        self.artifactLimitInBytes = artifactLimitInBytes
    }

    /// The limits of a command that fetches: it computes nothing and has little to say.
    var fetchLimits: SandboxLimits {
        var limits = limits
        limits.wallClock = min(limits.wallClock, .seconds(900))
        limits.outputBytes = min(limits.outputBytes, 16 << 20)
        return limits
    }
}
