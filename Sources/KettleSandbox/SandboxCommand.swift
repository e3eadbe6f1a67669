package import KettleLauncher
package import SystemPackage

/// One command to run confined, and all that it may see.
///
/// Besides what is named here the command finds the host's `/usr` (and `/bin`, `/lib` …) to read, a small `/etc`, its own
/// `/proc`, a minimal `/dev`, an empty `/tmp` and an empty home folder at ``homeFolder``. Both are gone afterwards.
package struct SandboxCommand: Sendable, Hashable {
    /// The home folder inside, an empty file system in memory. Name it as `HOME` in ``environment``.
    package static let homeFolder = InsideSandbox.homeFolder

    /// Where the command searches programs when the caller has nothing to add.
    package static let standardSearchPath = "/usr/local/bin:/usr/bin:/bin"

    /// The program, an absolute path inside the sandbox, and its arguments.
    package var arguments: [String]

    /// The whole environment. The only other variable inside is `PWD`, the working directory.
    package var environment: [String: String]

    /// Where the command starts, an absolute path inside the sandbox.
    package var workingDirectory: String

    /// What of the host is there besides the system's own folders.
    package var mounts: [SandboxMount]

    package var network: SandboxNetwork
    package var limits: SandboxLimits

    package init(
        arguments: [String], environment: [String: String], workingDirectory: String, mounts: [SandboxMount] = [],
        network: SandboxNetwork = .none, limits: SandboxLimits = SandboxLimits()
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.mounts = mounts
        self.network = network
        self.limits = limits
    }
}

/// A folder or file, made visible at an absolute path inside the sandbox.
package enum SandboxMount: Sendable, Hashable {
    /// Readable, whatever the modes of the folders above it on the host.
    case readOnly(FilePath, at: String)

    /// Writable. It must lie inside the workspace, and belong to it: see ``Workspace/handOver(_:)``.
    case writable(FilePath, at: String)

    /// A small file with this text, readable. Over a file of another mount it hides that one.
    case text(String, at: String)
}

/// What a command can reach besides its own loopback. The host's network is never within reach.
package enum SandboxNetwork: Sendable, Hashable {
    /// Nothing.
    case none

    /// What the policy allows, through a SOCKS proxy at ``EgressPolicy/proxyURL``, with what is needed to check certificates.
    case egress(EgressPolicy)

    package var policy: EgressPolicy? {
        guard case .egress(let policy) = self else { return nil }
        return policy
    }
}

/// Which of the two streams of a command some output came from.
package enum OutputStream: String, Sendable, Hashable {
    case stdout
    case stderr
}

/// How a command ended that was left to end by itself.
package struct CommandEnd: Sendable, Hashable {
    /// What the command returned; nil when a signal ended it.
    package var exitCode: Int32?

    /// The signal that ended it.
    ///
    /// A program that returns 128 + n, as a shell does for a child that signal n ended, cannot be told from it and counts alike.
    package var signal: Int32?

    /// Processor time of the command and of every descendant it waited for, user and system together.
    package var processorTime: Duration

    /// The largest resident size of one of its processes, in bytes.
    package var peakMemoryBytes: Int

    /// The first of the places that it asked for and was not let through to, as `host:port`. The names are the command's.
    package var refusedEndpoints: [String] = []

    package var succeeded: Bool { exitCode == 0 }

    /// One number for both kinds of end, as a shell counts: the exit code, or 128 + the signal.
    package var status: Int32 { exitCode ?? (128 + (signal ?? 0)) }

    package init(exitCode: Int32?, signal: Int32?, processorTime: Duration = .zero, peakMemoryBytes: Int = 0) {
        self.exitCode = exitCode
        self.signal = signal
        self.processorTime = processorTime
        self.peakMemoryBytes = peakMemoryBytes
    }
}
