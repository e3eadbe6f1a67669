import Glibc
import KettleLauncher
import Synchronization
import SystemPackage

/// Where on this machine Kettle may make control groups, which bound and count what all processes of a command do together.
///
/// Version 2 where its controllers are delegated to the service, version 1 where that is what there is. A group is made for
/// each command and removed when the last process has ended; its name holds the number of the process that made it, so that
/// what a killed service left is found.
package struct ControlGroups: Sendable, Hashable {
    /// cgroups(7): each controller of version 1 has a hierarchy of its own, version 2 has one for all.
    package enum Version: String, Sendable, Hashable {
        case one = "cgroup v1"
        case two = "cgroup v2"
    }

    package enum Controller: String, Sendable, Hashable, CaseIterable {
        case memory
        case pids
        case cpu
        /// Version 1's counter of processor time; `cpu` counts in version 2.
        case cpuacct
    }

    package let version: Version

    /// The group below which groups can be made, by controller.
    let bases: [Controller: FilePath]

    private static let runs = Atomic<UInt64>(0)
    private static let prefix = "kettle-"
    /// Tells this process's groups from those of an earlier one that had its number, as in a container each has.
    private static let instance = String(UInt32.random(in: .min ... .max), radix: 16)

    package func has(_ controller: Controller) -> Bool { bases[controller] != nil }

    /// Looks where groups can be made, by making one; nil where none can.
    ///
    /// Blocks. Under version 2 it may move this process into a group below its own, as a service must whose groups are to have
    /// controllers (cgroups(7), "no internal processes"). Groups of services that are gone are removed.
    package static func find() -> ControlGroups? {
        let own = ProcFile.read("/proc/self/cgroup")
        let mounts = CgroupMount.all(in: ProcFile.read("/proc/self/mountinfo"))
        let found = find(own, mounts)
        for base in Set(found?.bases.values.map { $0 } ?? []) { removeLeftovers(in: base) }
        return found
    }

    static func find(_ own: String, _ mounts: [CgroupMount]) -> ControlGroups? {
        let places = CgroupMount.Membership.all(in: own)
        if let unified = versionTwo(places, mounts) { return unified }
        var bases: [Controller: FilePath] = [:]
        for controller in Controller.allCases {
            guard let place = places.first(where: { $0.controllers.contains(controller.rawValue) }),
                let mount = mounts.first(where: { $0.controllers.contains(controller.rawValue) }),
                let base = mount.folder(of: place.path), canMake(in: base)
            else { continue }
            bases[controller] = base
        }
        return bases.isEmpty ? nil : ControlGroups(version: .one, bases: bases)
    }

    private static func versionTwo(_ places: [CgroupMount.Membership], _ mounts: [CgroupMount]) -> ControlGroups? {
        guard let place = places.first(where: \.controllers.isEmpty), let mount = mounts.first(where: \.isUnified),
            let base = mount.folder(of: place.path)
        else { return nil }
        let available = words(base.appending("cgroup.controllers"))
        let wanted: [Controller] = [.memory, .pids, .cpu].filter { available.contains($0.rawValue) }
        guard !wanted.isEmpty, delegate(wanted, below: base), canMake(in: base) else { return nil }
        var bases: [Controller: FilePath] = [:]
        for controller in wanted { bases[controller] = base }
        return ControlGroups(version: .two, bases: bases)
    }

    /// Turns controllers on for the groups below one.
    private static func delegate(_ controllers: [Controller], below base: FilePath) -> Bool {
        let text = controllers.map { "+\($0.rawValue)" }.joined(separator: " ")
        let control = base.appending("cgroup.subtree_control")
        if ProcFile.write(text, to: control.string) { return true }
        // A group with processes of its own cannot have controllers below it. In a delegated group that is this process alone.
        guard errno == EBUSY else { return false }
        let service = base.appending("kettle-service")
        guard mkdir(service.string, 0o755) == 0 || errno == EEXIST,
            ProcFile.write("0", to: service.appending("cgroup.procs").string)
        else { return false }
        if ProcFile.write(text, to: control.string) { return true }
        _ = ProcFile.write("0", to: base.appending("cgroup.procs").string)
        rmdir(service.string)
        return false
    }

    private static func canMake(in base: FilePath) -> Bool {
        let trial = base.appending(name())
        guard mkdir(trial.string, 0o755) == 0 else { return false }
        defer { rmdir(trial.string) }
        return access(trial.appending("cgroup.procs").string, W_OK) == 0
    }

    private static func removeLeftovers(in base: FilePath) {
        guard let folder = FolderStream(at: base.string) else { return }
        while let name = folder.next()?.text {
            guard name.hasPrefix(prefix), let owner = pid_t(name.dropFirst(prefix.count).prefix { $0 != "-" }) else {
                continue
            }
            let isPredecessor = owner == getpid() && !name.hasPrefix("\(prefix)\(owner)-\(instance)-")
            guard isPredecessor || (kill(owner, 0) != 0 && errno == ESRCH) else { continue }
            rmdir(base.appending(name).string)
        }
    }

    private static func words(_ file: FilePath) -> [String] {
        ProcFile.read(file.string).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func name() -> String {
        "\(prefix)\(getpid())-\(instance)-\(runs.wrappingAdd(1, ordering: .relaxed).oldValue)"
    }

    /// Makes a group for one command, empty and with its limits. Blocks.
    func make(_ limits: SandboxLimits) throws(SandboxError) -> ControlGroup {
        let name = Self.name()
        let group = ControlGroup(version: version, folders: bases.mapValues { $0.appending(name) })
        do throws(SandboxError) {
            for folder in group.distinctFolders where mkdir(folder.string, 0o755) != 0 {
                throw SandboxError.setupFailed(reason: "no control group could be made: \(lastSystemError())")
            }
            try group.set(limits)
        } catch {
            group.remove()
            throw error
        }
        return group
    }
}

/// The control group of one command.
struct ControlGroup: Sendable, Hashable {
    let version: ControlGroups.Version
    let folders: [ControlGroups.Controller: FilePath]

    var distinctFolders: [FilePath] { Set(folders.values).sorted { $0.string < $1.string } }

    /// The launcher and bubblewrap's two processes, which are in the group and not the command's.
    private static let ownProcesses = 3

    /// For sockets, of version 1.
    private static let socketBytes = 64 << 20

    fileprivate func set(_ limits: SandboxLimits) throws(SandboxError) {
        if let memory = folders[.memory] {
            let bytes = String(limits.memoryBytes)
            switch version {
            case .one:
                try write(bytes, to: memory.appending("memory.limit_in_bytes"))
                // Not there where the kernel does not account swap; then a build may swap, within the machine's own limit.
                _ = ProcFile.write(bytes, to: memory.appending("memory.memsw.limit_in_bytes").string)
                // What waits in TCP sockets is accounted by itself, and only where it has a limit.
                _ = ProcFile.write(
                    String(min(limits.memoryBytes, Self.socketBytes)),
                    to: memory.appending("memory.kmem.tcp.limit_in_bytes").string)
                // Inherited; with 1 a build would hang where it should end.
                _ = ProcFile.write("0", to: memory.appending("memory.oom_control").string)
            case .two:
                try write(bytes, to: memory.appending("memory.max"))
                _ = ProcFile.write("0", to: memory.appending("memory.swap.max").string)
                _ = ProcFile.write("1", to: memory.appending("memory.oom.group").string)
            }
        }
        if let pids = folders[.pids] {
            try write(String(limits.processes + Self.ownProcesses), to: pids.appending("pids.max"))
        }
    }

    private func write(_ text: String, to file: FilePath) throws(SandboxError) {
        guard ProcFile.write(text, to: file.string) else {
            throw .setupFailed(reason: "a control group could not be limited: \(lastSystemError())")
        }
    }

    /// What the launcher needs of it.
    var membership: LauncherRequest.Group {
        LauncherRequest.Group(
            joined: distinctFolders.map(\.string),
            memoryEvents: file(.memory, one: "memory.oom_control", two: "memory.events"),
            processEvents: file(.pids, one: "pids.events", two: "pids.events"),
            processorTime: version == .one
                ? file(.cpuacct, one: "cpuacct.usage", two: "") : file(.cpu, one: "", two: "cpu.stat"))
    }

    private func file(_ controller: ControlGroups.Controller, one: String, two: String) -> String? {
        folders[controller]?.appending(version == .one ? one : two).string
    }

    /// Whether the kernel has ended one of its processes for want of memory.
    var ranOutOfMemory: Bool {
        guard let file = membership.memoryEvents else { return false }
        return GroupEvents.count("oom_kill", in: ProcFile.read(file)) > 0
    }

    /// Removes the group, which has no process any more. Blocks.
    func remove() {
        for folder in distinctFolders {
            // The kernel may be a moment behind with the last process.
            var attempts = 50
            while rmdir(folder.string) != 0, errno == EBUSY, attempts > 0 {
                attempts -= 1
                usleep(2000)
            }
        }
    }
}
