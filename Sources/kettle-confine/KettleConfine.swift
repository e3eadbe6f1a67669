import CLinux
import Glibc
import KettleConfine
import KettleLauncher

/// `kettle-confine`: both ends of the way into the sandbox.
///
/// Outside, as `kettle-confine launch`, it is the ``SandboxLauncher``. Inside, run by bubblewrap in the command's place, it does
/// what must be done after the mounts are made, since Landlock forbids mounting, and then becomes the command. A program of
/// its own, linked statically: the sandbox has none of Kettle's libraries, and the service's program takes ten times as long
/// to start.
@main
enum Confine {
    static func main() {
        SandboxLauncher.runIfRequested(arguments: CommandLine.arguments)
        guard let request = ConfineRequest(arguments: CommandLine.arguments.dropFirst()) else { _exit(125) }
        // The command gets no hold of it: what is written here is Kettle's word.
        _ = fcntl(request.reportDescriptor, F_SETFD, FD_CLOEXEC)
        // Where memory runs out, it is the command that goes and not what watches over it.
        adjustMemoryScore()
        if let processes = request.processes, linux_limit_processes(UInt64(processes)) != 0 {
            fail(.processLimit, request)
        }
        if let version = LandlockRules.version {
            let rules = LandlockRules(
                version: version, writableFolders: request.writableFolders, proxyPort: request.proxyPort)
            guard linux_no_new_privileges() == 0, rules.enforce() else { fail(.landlock, request) }
        }
        let words = request.command.map { strdup($0) } + [nil]
        if let program = words[0] { execv(program, words) }
        fail(.start, request)
    }

    private static func adjustMemoryScore() {
        let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        write(file, "1000", 4)
        close(file)
    }

    private static func fail(_ step: ConfineFailure.Step, _ request: ConfineRequest) -> Never {
        let bytes = ConfineFailure(step, error: errno).encoded
        write(request.reportDescriptor, bytes, bytes.count)
        _exit(125)
    }
}
