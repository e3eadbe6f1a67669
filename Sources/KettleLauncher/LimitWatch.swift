import CLinux
import Glibc

/// Looks every now and then whether a command has reached a limit that the kernel keeps without a word, or does not keep.
///
/// A control group bounds memory and processes at once, and counts here what it refused; without one the watch itself sums
/// up what the processes use, which a command can outrun by what it takes in a tenth of a second.
struct LimitWatch {
    private let limits: SandboxLimits
    private let memoryEvents: CInt?
    private let processEvents: CInt?
    private let processorTime: CInt?
    /// The folder of one group of the command's.
    private let group: CInt?
    private let workspace: CInt
    private let isDiskImage: Bool
    /// What the command may write of the workspace.
    private let folders: [CInt]
    private var nextLook = Self.shortestDelay
    private var nextWalk = 0

    /// In milliseconds.
    private static let shortestDelay = 100
    private static let longestDelay = 2000
    /// Looking takes at most one part in so many of the time, up to the longest delay.
    private static let share = 20

    /// With less room than this an image counts as full: ext4 refuses large writes before the last block is taken. Part of what
    /// an image has above its limit.
    private static let fullBytes: UInt = 4 << 20

    private static let temporaryFolders = ["/tmp", InsideSandbox.homeFolder, "/dev/shm"]

    /// Opens what it looks at. Before privileges are given up: groups and workspace are the service's.
    init(_ request: LauncherRequest) throws(LaunchFailure) {
        limits = request.limits
        memoryEvents = try Self.open(request.group.memoryEvents)
        processEvents = try Self.open(request.group.processEvents)
        processorTime = try Self.open(request.group.processorTime)
        group = try request.group.joined.first.map { path throws(LaunchFailure) in
            try must(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open a control group")
        }
        workspace = try must(
            Glibc.open(request.workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open the workspace")
        isDiskImage = request.isDiskImage
        var folders: [CInt] = []
        for mount in request.mounts where mount.access == .writable && !isDiskImage {
            folders.append(try Self.openFolder(mount.content, in: workspace))
        }
        self.folders = folders
    }

    /// Opens a folder that an earlier command may have written in: through no link.
    private static func openFolder(_ path: String, in workspace: CInt) throws(LaunchFailure) -> CInt {
        let reference = try must(linux_open_reference(workspace, path, 1), "open a folder of the workspace")
        defer { close(reference) }
        return try must(openat(reference, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "read a folder of the workspace")
    }

    private static func open(_ path: String?) throws(LaunchFailure) -> CInt? {
        guard let path else { return nil }
        return try must(Glibc.open(path, O_RDONLY | O_CLOEXEC), "open a counter of a control group")
    }

    /// Whether the number of processes is bounded by a group and needs no other bound.
    var boundsProcesses: Bool { processEvents != nil }

    /// How long to wait until the next look, in milliseconds.
    var delay: CInt { CInt(nextLook) }

    /// Looks now, while the command runs.
    ///
    /// - Parameter budget: Ends the look early when there is something better to do.
    mutating func look(at bubblewrap: pid_t, _ budget: LookBudget) -> SandboxLimit? {
        let start = Self.milliseconds()
        var budget = budget
        // A command that is too much to look through keeps no limit.
        let found = exceeded(at: bubblewrap, now: start, &budget) ?? (budget.isSpent ? .openFiles : nil)
        nextLook = min(Self.longestDelay, max(Self.shortestDelay, Self.share * (Self.milliseconds() - start)))
        return found
    }

    private mutating func exceeded(at bubblewrap: pid_t, now: Int, _ budget: inout LookBudget) -> SandboxLimit? {
        if let limit = refused() { return limit }
        if let limit = processes(of: bubblewrap, &budget) { return limit }
        if isDiskImage, let limit = full() { return limit }
        guard now >= nextWalk else { return nil }
        let found = isDiskImage ? temporary(of: bubblewrap) : walked(&budget, bubblewrap) ?? temporary(of: bubblewrap)
        nextWalk = now + min(10_000, max(2 * Self.shortestDelay, Self.share * (Self.milliseconds() - now)))
        return found
    }

    /// Looks once more when every process has ended.
    func lookBack(succeeded: Bool, _ budget: LookBudget) -> SandboxLimit? {
        if let limit = refused() { return limit }
        if !isDiskImage {
            var budget = budget
            return walked(&budget) ?? (budget.isSpent ? .files : nil)
        }
        // A command that ended well did not miss anything.
        return succeeded ? nil : full()
    }

    // MARK: - What control groups say

    private func refused() -> SandboxLimit? {
        if let memoryEvents, GroupEvents.count("oom_kill", in: ProcFile.read(memoryEvents)) > 0 { return .memory }
        if let processEvents, GroupEvents.count("max", in: ProcFile.read(processEvents)) > 0 { return .processes }
        if let processorTime {
            let text = ProcFile.read(processorTime)
            let microseconds =
                Int(text.prefix { $0.isNumber }).map { $0 / 1000 } ?? GroupEvents.count("usage_usec", in: text)
            if microseconds / 1_000_000 >= Int(limits.processorTime.components.seconds) { return .processorTime }
        }
        return nil
    }

    // MARK: - What the processes show

    private func processes(of bubblewrap: pid_t, _ budget: inout LookBudget) -> SandboxLimit? {
        let all = CommandProcesses(bubblewrap: bubblewrap, group: group).list(&budget)
        var sum = CommandProcesses.Usage()
        for process in all {
            if memoryEvents != nil, processEvents != nil, processorTime != nil {
                sum.openFiles = max(sum.openFiles, CommandProcesses.openFiles(of: process, &budget))
            } else if let usage = CommandProcesses.usage(of: process, &budget) {
                sum.memoryBytes += usage.memoryBytes
                sum.threads += usage.threads
                sum.processorTicks += usage.processorTicks
                sum.openFiles = max(sum.openFiles, usage.openFiles)
            }
        }
        if sum.openFiles >= limits.openFiles { return .openFiles }
        if memoryEvents == nil, sum.memoryBytes > limits.memoryBytes { return .memory }
        // Bubblewrap's own two processes are among them.
        if processEvents == nil, sum.threads - 2 >= limits.processes { return .processes }
        let ticksPerSecond = max(1, sysconf(CInt(_SC_CLK_TCK)))
        if processorTime == nil, sum.processorTicks / ticksPerSecond >= Int(limits.processorTime.components.seconds) {
            return .processorTime
        }
        return nil
    }

    // MARK: - What lies on the disk

    /// Whether the workspace's own file system has no room left.
    private func full() -> SandboxLimit? {
        var status = statvfs()
        guard fstatvfs(workspace, &status) == 0 else { return nil }
        if status.f_files > 0, status.f_favail == 0 { return .files }
        return status.f_bavail * status.f_frsize < Self.fullBytes ? .disk : nil
    }

    /// - Parameter bubblewrap: Where processes may have files open that are in no folder any more.
    private func walked(_ budget: inout LookBudget, _ bubblewrap: pid_t? = nil) -> SandboxLimit? {
        var usage = DiskUsage()
        for folder in folders {
            usage.add(folder, bytesLimit: limits.diskBytes, filesLimit: limits.files, &budget)
        }
        if let bubblewrap {
            for process in CommandProcesses(bubblewrap: bubblewrap, group: group).list(&budget) {
                usage.addNamelessFiles(of: process, besides: workspace, &budget)
            }
        }
        // A file as large as all of it has ended its writer already.
        if usage.bytes >= limits.diskBytes { return .disk }
        return usage.files > limits.files || usage.isTooDeep ? .files : nil
    }

    /// Whether the file systems in memory hold too many files, which cost memory that their sizes do not bound.
    private func temporary(of bubblewrap: pid_t) -> SandboxLimit? {
        guard memoryEvents == nil, let first = CommandProcesses.children(of: bubblewrap).first else { return nil }
        for folder in Self.temporaryFolders {
            var status = statvfs()
            guard statvfs("/proc/\(first)/root\(folder)", &status) == 0 else { continue }
            if status.f_files - min(status.f_files, status.f_ffree) > UInt(limits.files) { return .files }
        }
        return nil
    }

    private static func milliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
