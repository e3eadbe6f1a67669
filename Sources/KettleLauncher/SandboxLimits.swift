/// Where a run ends that does not end by itself.
package struct SandboxLimits: Sendable, Hashable {
    /// From the start of the command.
    package var wallClock: Duration

    /// Processor time of all processes together, user and system.
    package var processorTime: Duration

    /// Memory of all processes together, file systems in memory and the kernel's own for them included, in bytes.
    package var memoryBytes: Int

    /// Processes and threads at one time.
    package var processes: Int

    /// What the workspace may hold, in bytes. Bounds the folder and not one command alone.
    package var diskBytes: Int

    /// Files, folders and links that the workspace may hold.
    package var files: Int

    /// Descriptors that one process may have open.
    package var openFiles: Int

    /// Standard output and standard error together, in bytes.
    package var outputBytes: Int

    /// Standard output and standard error together, in lines.
    package var outputLines: Int

    /// The largest file that the command may write, in bytes, whatever room it takes; as much as the workspace may hold where it
    /// is nil, four times that in one with a file system of its own.
    package var fileBytes: Int?

    /// Each file system in memory (`/tmp`, the home folder, `/dev/shm`), in bytes. They count as memory as well.
    package var temporaryBytes: Int

    package init(
        wallClock: Duration = .seconds(3600), processorTime: Duration = .seconds(4 * 3600),
        memoryBytes: Int = 8 << 30, processes: Int = 4096, diskBytes: Int = 16 << 30, files: Int = 1_000_000,
        openFiles: Int = 16_384, outputBytes: Int = 256 << 20, outputLines: Int = 1_000_000, fileBytes: Int? = nil,
        temporaryBytes: Int = 1 << 30
    ) {
        self.wallClock = wallClock
        self.processorTime = processorTime
        self.memoryBytes = memoryBytes
        self.processes = processes
        self.diskBytes = diskBytes
        self.files = files
        self.openFiles = openFiles
        self.outputBytes = outputBytes
        self.outputLines = outputLines
        self.fileBytes = fileBytes
        self.temporaryBytes = temporaryBytes
    }
}

/// The limits of a run, by the names that callers are told.
package enum SandboxLimit: String, Sendable, Hashable, CaseIterable {
    case wallClock = "wall clock"
    case processorTime = "processor time"
    case memory
    case processes
    case disk
    case files
    case openFiles = "open files"
    case outputBytes = "output bytes"
    case outputLines = "output lines"
    case network = "network"
}

extension SandboxLimits {
    /// The value of a limit for people, with its unit; nil for the one that a command's policy has.
    package func text(of limit: SandboxLimit) -> String? {
        switch limit {
        case .wallClock: "\(wallClock.components.seconds) s"
        case .processorTime: "\(processorTime.components.seconds) s"
        case .memory: "\(memoryBytes) bytes"
        case .processes: "\(processes) at one time"
        case .disk: "\(diskBytes) bytes"
        case .files: "\(files)"
        case .openFiles: "\(openFiles) in one process"
        case .outputBytes: "\(outputBytes) bytes"
        case .outputLines: "\(outputLines)"
        case .network: nil
        }
    }
}
