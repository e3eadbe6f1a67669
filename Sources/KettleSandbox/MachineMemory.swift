import Glibc
import KettleLauncher
import SystemPackage

/// How much memory there is for this process and all that it starts.
package enum MachineMemory {
    /// Bytes: what the machine has, or what the control groups allow that this process is in, whichever is less.
    package static var bytes: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES)).multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        let machine = pages.overflow ? Int.max : pages.partialValue
        let groups = limit(
            ProcFile.read("/proc/self/cgroup"), CgroupMount.all(in: ProcFile.read("/proc/self/mountinfo")))
        return min(machine, groups ?? .max)
    }

    /// The smallest limit among the groups on the way from the top to this process's own; nil where there is none.
    ///
    /// Version 2 has `memory.max`, which says `max` for none; version 1 has `memory.limit_in_bytes`, which is beyond any machine
    /// then (cgroups(7)).
    static func limit(_ own: String, _ mounts: [CgroupMount]) -> Int? {
        var smallest: Int?
        for place in CgroupMount.Membership.all(in: own) {
            let isUnified = place.controllers.isEmpty
            guard isUnified || place.controllers.contains("memory"),
                let mount = mounts.first(where: {
                    isUnified ? $0.isUnified : $0.controllers.contains("memory")
                }), let folder = mount.folder(of: place.path)
            else { continue }
            let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
            let top = FilePath(mount.mountPoint)
            var group = folder
            while group.starts(with: top) {
                let text = ProcFile.read(group.appending(file).string).split(whereSeparator: \.isNewline).first
                if let text, let bytes = Int(text) { smallest = min(smallest ?? bytes, bytes) }
                guard group != top else { break }
                group.removeLastComponent()
            }
        }
        return smallest
    }
}
