import Glibc
import KettleLauncher
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSandbox

@Suite struct ControlGroupsTests {
    private static let versionOne = """
        25 20 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
        27 25 0:24 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        30 25 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test func `mounts and memberships are read`() {
        let mounts = CgroupMount.all(in: Self.versionOne)
        #expect(mounts.map(\.controllers) == [["cpu", "cpuacct"], ["memory"], []])
        #expect(mounts.map(\.isUnified) == [false, false, true])
        let places = CgroupMount.Membership.all(
            in: "4:memory:/docker/abc/x\n1:name=systemd:/\n0::/user.slice\nrubbish\n")
        #expect(places.map(\.controllers) == [["memory"], ["name=systemd"], []])
        #expect(places.map(\.path) == ["/docker/abc/x", "/", "/user.slice"])
    }

    @Test func `a group is looked for below what the mount shows`() throws {
        let mounts = CgroupMount.all(in: Self.versionOne)
        #expect(mounts[0].folder(of: "/a/b") == "/sys/fs/cgroup/cpu,cpuacct/a/b")
        #expect(mounts[0].folder(of: "/") == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(mounts[1].folder(of: "/docker/abc/x") == "/sys/fs/cgroup/memory/x")
        #expect(mounts[1].folder(of: "/docker/abcd") == nil)
        #expect(mounts[1].folder(of: "/elsewhere") == nil)
        #expect(mounts[0].folder(of: "/../..") == nil)
    }

    @Test func `mount points are read as they are`() {
        let line = #"27 25 0:24 /a\134b /x\040y\011z\9 rw - cgroup cgroup rw,memory"#
        let mounts = CgroupMount.all(in: line)
        #expect(mounts.map(\.mountPoint) == ["/x y\tz\\9"])
        #expect(mounts.map(\.root) == [#"/a\b"#])
    }

    @Test(arguments: [
        "", "1 2 3", "27 25 0:24 / /x rw - tmpfs tmpfs rw", "27 25 0:24 / /x rw -", "- cgroup cgroup rw,memory",
    ])
    func `other lines are passed over`(line: String) {
        #expect(CgroupMount.all(in: line).isEmpty)
    }

    @Test func `where nothing can be made there are no groups`() {
        #expect(ControlGroups.find("0::/\n4:memory:/\n", []) == nil)
        let elsewhere = "27 25 0:24 / /nonexistent/memory rw,relatime - cgroup cgroup rw,memory"
        #expect(ControlGroups.find("4:memory:/\n", CgroupMount.all(in: elsewhere)) == nil)
    }

    /// Folders in the place of the kernel's: which files are written, and what with.
    @Test func `version 2 is delegated and limited`() throws {
        let scratch = try ScratchFolder()
        try scratch.write(
            ["cgroup.controllers": "cpuset cpu io memory pids\n", "cgroup.subtree_control": "", "cgroup.procs": ""],
            to: "own")
        let mount = "30 25 0:30 / \(scratch.path) rw,relatime - cgroup2 cgroup2 rw"
        // The kernel would put files into a folder that is made; this one stays empty, so nothing can be made in it.
        #expect(ControlGroups.find("0::/own\n", CgroupMount.all(in: mount)) == nil)
        #expect(contents(of: scratch.path.appending("own/cgroup.subtree_control").string) == "+memory +pids +cpu")
        let group = ControlGroup(
            version: .two, folders: [.memory: "/a", .pids: "/a", .cpu: "/a"])
        #expect(
            group.membership
                == LauncherRequest.Group(
                    joined: ["/a"], memoryEvents: "/a/memory.events", processEvents: "/a/pids.events",
                    processorTime: "/a/cpu.stat"))
        let first = ControlGroup(version: .one, folders: [.memory: "/m", .pids: "/p", .cpu: "/c", .cpuacct: "/c"])
        #expect(
            first.membership
                == LauncherRequest.Group(
                    joined: ["/c", "/m", "/p"], memoryEvents: "/m/memory.oom_control", processEvents: "/p/pids.events",
                    processorTime: "/c/cpuacct.usage"))
    }

    @Test(arguments: [
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill", 3), ("max 0\n", "max", 0), ("", "max", 0),
        ("oom_killer 4\n", "oom_kill", 0), ("usage_usec 12\nuser_usec 5\n", "usage_usec", 12), ("max x\n", "max", 0),
    ])
    func `counters are read by their names`(text: String, name: String, count: Int) {
        #expect(GroupEvents.count(name, in: text) == count)
    }

    @Test(.enabled("needs control groups that can be made") { ControlGroups.find() != nil })
    func `a group is made with its limits and goes away`() throws {
        let groups = try #require(ControlGroups.find())
        let group = try groups.make(SandboxLimits(memoryBytes: 128 << 20, processes: 77))
        let folders = group.distinctFolders
        #expect(folders.allSatisfy { access($0.string, F_OK) == 0 })
        if let memory = group.folders[.memory] {
            let file = groups.version == .one ? "memory.limit_in_bytes" : "memory.max"
            #expect(contents(of: memory.appending(file).string) == "\(128 << 20)\n")
        }
        if let pids = group.folders[.pids] { #expect(contents(of: pids.appending("pids.max").string) == "80\n") }
        #expect(!group.ranOutOfMemory)
        group.remove()
        #expect(folders.allSatisfy { access($0.string, F_OK) != 0 })
    }

    @Test(.enabled("needs control groups that can be made") { ControlGroups.find() != nil })
    func `what a service that is gone has left is removed, and nothing else`() throws {
        let base = try #require(ControlGroups.find()?.bases.values.first)
        // No process has the number: it is above what the kernel gives.
        let left = base.appending("kettle-\(Int32.max)-5")
        let predecessors = base.appending("kettle-\(getpid())-0-1")
        let other = base.appending("kettle-\(getppid())-other")
        for folder in [left, predecessors, other] { #expect(mkdir(folder.string, 0o755) == 0) }
        defer { rmdir(other.string) }
        _ = ControlGroups.find()
        #expect(access(left.string, F_OK) != 0)
        #expect(access(predecessors.string, F_OK) != 0)
        #expect(access(other.string, F_OK) == 0)
    }
}
