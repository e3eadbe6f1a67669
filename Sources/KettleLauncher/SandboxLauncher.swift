import CLinux
import Glibc

/// The small process between Kettle and bubblewrap, one per command: `kettle-confine launch`.
///
/// It does what bubblewrap leaves to whoever starts it. It gives up the server's descriptors, environment, user and
/// privileges, makes folders reachable that lie below ones closed to the build's user, and outlives every process of the
/// command. Its standard input is a socket to the server: the request comes in on it, the report goes out, and when the
/// server closes it or dies, the command is ended.
package enum SandboxLauncher {
    /// The first argument that makes a launcher of `kettle-confine`.
    package static let argument = "launch"

    /// Runs the launcher and never returns, if this process was started as one.
    ///
    /// Call it first thing in `main`: until the privileges are gone nothing else should run.
    package static func runIfRequested(arguments: [String]) {
        guard arguments.count == 2, arguments[1] == argument else { return }
        // Standard input, output and error; anything else is the server's and none of the command's business.
        guard linux_close_from(3) == 0 else { _exit(125) }
        let report: LauncherReport
        do throws(LaunchFailure) {
            report = try launch()
        } catch {
            report = .failed(reason: error.reason)
        }
        let bytes = Array(report.text.utf8)
        _ = send(STDIN_FILENO, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        // Not exit(): no destructor of the server's libraries has anything to do here.
        _exit(0)
    }

    private static func launch() throws(LaunchFailure) -> LauncherReport {
        guard let request = LauncherRequest.receive(from: STDIN_FILENO) else {
            throw LaunchFailure(reason: "the launcher was started without a request")
        }
        for folder in request.group.joined { try join(folder) }
        let watch = try LimitWatch(request)
        let sources = try LauncherMounts.open(request)
        if request.hasEgress { try LauncherEgress.open(sendingTo: STDIN_FILENO) }
        try confineThisProcess(request)
        var child = try Bubblewrap(request, sources: sources, watch: watch)
        return try child.run(lifeline: STDIN_FILENO)
    }

    /// Moves this process into a control group.
    private static func join(_ folder: String) throws(LaunchFailure) {
        // Version 1 lets a single thread in by `tasks` without waiting, 17 ms at times, until no other process of the machine
        // is about to start or end a thread. Version 2 has no such file.
        guard ProcFile.write("0", to: folder + "/tasks") || ProcFile.write("0", to: folder + "/cgroup.procs") else {
            throw LaunchFailure(reason: "could not join a control group: \(lastSystemError())")
        }
    }

    /// Takes on the build's user and limits. What follows has no privileges over anything but the build.
    private static func confineThisProcess(_ request: LauncherRequest) throws(LaunchFailure) {
        umask(0o022)
        try must(linux_forbid_core_dumps(), "turn core dumps off")
        try must(
            linux_limit_file_size(UInt64(request.limits.fileBytes ?? request.limits.diskBytes)), "limit file sizes")
        try must(linux_limit_descriptors(UInt64(request.limits.openFiles)), "limit open files")
        try must(linux_become_subreaper(), "adopt orphans")
        if let uid = request.uid {
            try must(linux_drop_capabilities(), "give up capabilities")
            try must(linux_become(uid, uid), "become the build's user")
        }
        guard geteuid() != 0 else {
            throw LaunchFailure(reason: "a build must not run as root, and its workspace has no user of its own")
        }
        try must(linux_no_new_privileges(), "forbid new privileges")
    }
}

/// Why a command could not be started, for the server's ``SandboxError/setupFailed(reason:)``.
struct LaunchFailure: Error {
    let reason: String
}

/// Throws unless a system call returned 0 or more; `purpose` completes "could not …".
@discardableResult
func must(_ result: CInt, _ purpose: String) throws(LaunchFailure) -> CInt {
    guard result >= 0 else { throw LaunchFailure(reason: "could not \(purpose): \(lastSystemError())") }
    return result
}

/// The system's words for the error that a call on this thread has just reported.
package func lastSystemError() -> String {
    String(cString: strerror(errno))
}
