import KettleLauncher
import SystemPackage

/// A mounted hierarchy of control groups, as `/proc/self/mountinfo` has it (proc_pid_mountinfo(5)).
struct CgroupMount: Hashable {
    /// Which group the mount shows at its top.
    var root: String
    var mountPoint: String
    /// The controllers of a hierarchy of version 1; empty for version 2.
    var controllers: [String]
    var isUnified: Bool

    static func all(in text: String) -> [CgroupMount] { text.split(separator: "\n").compactMap { CgroupMount($0) } }

    private init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count >= dash + 4 else { return nil }
        let type = fields[dash + 1]
        guard type == "cgroup" || type == "cgroup2" else { return nil }
        root = MountTable.unescaped(fields[3])
        mountPoint = MountTable.unescaped(fields[4])
        isUnified = type == "cgroup2"
        let options = fields[dash + 3].split(separator: ",").map(String.init)
        controllers = isUnified ? [] : options.filter { $0 != "rw" && $0 != "ro" }
    }

    /// Where a group of this hierarchy is; nil when the mount does not show it.
    func folder(of group: String) -> FilePath? {
        var path = group[...]
        if root != "/" {
            guard path == root || path.hasPrefix(root + "/") else { return nil }
            path = path.dropFirst(root.count)
        }
        guard !path.split(separator: "/").contains("..") else { return nil }
        return FilePath(mountPoint).appending(FilePath(String(path)).components)
    }

    /// A line of `/proc/self/cgroup`: in which group of a hierarchy this process is (cgroups(7)).
    struct Membership: Hashable {
        /// Empty for version 2.
        var controllers: [String]
        var path: String

        static func all(in text: String) -> [Membership] {
            text.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
                guard fields.count == 3 else { return nil }
                return Membership(
                    controllers: fields[1].split(separator: ",").map(String.init), path: String(fields[2]))
            }
        }
    }
}
