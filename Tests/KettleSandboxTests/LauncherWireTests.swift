import KettleLauncher
import SystemPackage
import Testing

@testable import KettleSandbox

@Suite struct LauncherWireTests {
    private func request() throws -> LauncherRequest {
        let workspace = Workspace(path: "/data/one", uid: 300_007)
        let command = SandboxCommand(
            arguments: ["/bin/sh", "", "-c"], environment: ["B": "x\ny", "A": ""], workingDirectory: "/build",
            mounts: [.writable("/data/one/target", at: "/build/target"), .readOnly("/opt/rust", at: "/a")],
            network: .egress(EgressPolicy([])))
        let group = LauncherRequest.Group(
            joined: ["/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/pids/a"], memoryEvents: "/sys/fs/cgroup/memory/a/x",
            processEvents: nil, processorTime: nil)
        return try LauncherRequest(
            command: command, workspace: workspace, bubblewrap: "/usr/bin/bwrap", confiner: "/opt/kettle-confine",
            group: group)
    }

    @Test func `a request survives the wire`() throws {
        let request = try request()
        #expect(LauncherRequest(parsing: request.encoded()) == request)
        #expect(request.mounts.map(\.destination) == ["/a", "/build/target", "/run/kettle-confine"])
        #expect(request.mounts[1].content == "target")
        #expect(request.limits.fileBytes == request.limits.diskBytes)
        #expect(request.environment == ["A=", "B=x\ny"])
    }

    @Test func `a request that is cut off or followed by more is none`() throws {
        let bytes = try request().encoded()
        for count in 0..<bytes.count { #expect(LauncherRequest(parsing: Array(bytes[..<count])) == nil) }
        #expect(LauncherRequest(parsing: bytes + [0]) == nil)
    }

    @Test(arguments: [
        LauncherReport.ended(status: 101, processorMicroseconds: 12, peakMemoryKibibytes: 34),
        .failed(reason: "could not do a thing: no"), .stopped, .exceeded(.outputLines),
    ])
    func `a report survives the wire`(report: LauncherReport) throws {
        #expect(LauncherReport(parsing: Array(report.text.utf8)) == report)
    }

    @Test(arguments: [
        "", "ended", "ended 1", "ended 1 2", "ended 1 2 3 4", "ended -1 2 3", "ended x 2 3", "done", "failed",
        "exceeded", "exceeded patience",
    ])
    func `anything else is a lost launcher`(text: String) {
        #expect(LauncherReport(parsing: Array(text.utf8)) == nil)
    }

    @Test(
        arguments: [(0, 0, nil), (127, 127, nil), (137, nil, 9), (139, nil, 11), (255, 255, nil)]
            as [(Int32, Int32?, Int32?)])
    func `a status above 128 is a signal's`(status: Int32, exitCode: Int32?, signal: Int32?) throws {
        let end = try LauncherReport.ended(status: status, processorMicroseconds: 0, peakMemoryKibibytes: 0)
            .end(within: SandboxLimits())
        #expect(end.exitCode == exitCode)
        #expect(end.signal == signal)
        #expect(end.status == status)
    }
}
