import KettleTesting
import Testing

@testable import KettleSandbox

@Suite struct MachineMemoryTests {
    /// The limit that a process sees in these files below a mounted hierarchy.
    private func limit(_ files: [String: String], own: String, options: String) throws -> Int? {
        let scratch = try ScratchFolder()
        let top = try scratch.write(files, to: "cgroup")
        let mounts = CgroupMount.all(in: "30 20 0:26 / \(top) rw - \(options)\n")
        #expect(mounts.count == 1)
        return MachineMemory.limit(own, mounts)
    }

    @Test func `the smallest limit on the way to the top holds`() throws {
        let files = [
            "memory.max": "9000\n", "a/memory.max": "4096\n", "a/b/memory.max": "max\n", "c/memory.max": "1\n",
        ]
        #expect(try limit(files, own: "0::/a/b\n", options: "cgroup2 none rw") == 4096)
        #expect(try limit(files, own: "0::/\n", options: "cgroup2 none rw") == 9000)
    }

    @Test func `there may be none`() throws {
        #expect(try limit(["a/memory.max": "max\n"], own: "0::/a\n", options: "cgroup2 none rw") == nil)
        #expect(try limit(["a/memory.max": "5\n"], own: "1:pids:/a\n", options: "cgroup none rw,pids") == nil)
    }

    @Test func `version 1 has a hierarchy for memory`() throws {
        let files = ["memory.limit_in_bytes": "9223372036854771712\n", "a/memory.limit_in_bytes": "8192\n"]
        #expect(try limit(files, own: "4:memory:/a\n", options: "cgroup none rw,memory") == 8192)
    }

    @Test func `this machine has some`() {
        #expect(MachineMemory.bytes > 1 << 26)
        #expect(MachineMemory.bytes < 1 << 50)
    }
}
