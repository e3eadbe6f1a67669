import Glibc

/// The processes of a command, as the launcher sees them from outside: bubblewrap and everything below it.
struct CommandProcesses {
    private let bubblewrap: pid_t
    /// The folder of the command's control group, where it has one.
    private let group: CInt?

    init(bubblewrap: pid_t, group: CInt?) {
        self.bubblewrap = bubblewrap
        self.group = group
    }

    /// Numbers of processes, the launcher's own left out. Some may be gone by the time they are looked at.
    func list(_ budget: inout LookBudget) -> [pid_t] {
        if let group {
            // Opened anew each time: version 1 shows an open file what it had at first.
            let members = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC)
            if members >= 0 {
                defer { close(members) }
                let own = getpid()
                return ProcFile.read(members).split(separator: "\n").compactMap { pid_t($0) }.filter { $0 != own }
            }
        }
        var found = [bubblewrap]
        var next = 0
        while next < found.count, budget.spend() {
            found += Self.children(of: found[next])
            next += 1
        }
        return found
    }

    static func children(of process: pid_t) -> [pid_t] {
        guard let threads = FolderStream(at: "/proc/\(process)/task") else {
            return []
        }
        var children: [pid_t] = []
        while let thread = threads.next() {
            children += ProcFile.read("/proc/\(process)/task/\(thread.text)/children").split(separator: " ")
                .compactMap { pid_t($0) }
        }
        return children
    }

    /// What one process uses now.
    struct Usage {
        /// Memory of its own and shared memory that it has mapped, in bytes: RssAnon and RssShmem.
        var memoryBytes = 0
        var threads = 0
        /// In clock ticks, with those of children that it has waited for.
        var processorTicks = 0
        var openFiles = 0
    }

    /// - Returns: nil for a process that is gone.
    static func usage(of process: pid_t, _ budget: inout LookBudget) -> Usage? {
        let status = ProcFile.read("/proc/\(process)/status")
        guard !status.isEmpty else { return nil }
        var usage = Usage()
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 1, let number = Int(words[1]) else { continue }
            switch words[0] {
            case "RssAnon:", "RssShmem:": usage.memoryBytes += number << 10
            case "Threads:": usage.threads = number
            default: break
            }
        }
        // The name of a program, in parentheses, may hold anything; utime, stime, cutime and cstime are fields 14 to 17.
        let stat = ProcFile.read("/proc/\(process)/stat")
        if let end = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            if fields.count > 14 { usage.processorTicks = fields[11...14].compactMap { Int($0) }.reduce(0, +) }
        }
        usage.openFiles = openFiles(of: process, &budget)
        return usage
    }

    /// How many descriptors a process has: the size of its `fd` folder, since Linux 6.2.
    static func openFiles(of process: pid_t, _ budget: inout LookBudget) -> Int {
        let path = "/proc/\(process)/fd"
        var status = stat()
        guard stat(path, &status) == 0 else { return 0 }
        if status.st_size > 0 { return Int(status.st_size) }
        guard let folder = FolderStream(at: path) else { return 0 }
        var count = 0
        while budget.spend(), folder.next() != nil { count += 1 }
        return count
    }
}
