import KettleError
package import KettleLauncher

/// Why a command could not be run confined, or was ended before its time.
package enum SandboxError: UserFacingError, Equatable {
    static func exceeded(_ limit: SandboxLimit, of limits: SandboxLimits) -> SandboxError {
        .limitExceeded(limit: limit, value: limits.text(of: limit) ?? "")
    }

    /// There is no `bwrap` on this machine.
    case bubblewrapMissing

    /// The sandbox could not be set up; `reason` is for people, without paths of the host.
    case setupFailed(reason: String)

    /// There is no `kettle-confine` beside the `kettle` binary, or it cannot be executed.
    case confinerMissing

    /// The launcher ended without saying how the command ended.
    case launcherLost

    /// The command, its environment or its mounts cannot be passed on.
    case invalidCommand(reason: String)

    /// A writable mount that is not inside the workspace; `at` is the path inside the sandbox.
    case mountOutsideWorkspace(at: String)

    /// A limit ended the run, and with it every process of the command.
    case limitExceeded(limit: SandboxLimit, value: String)

    /// A folder for the build could not be made or given to its user.
    case workspaceFailed(operation: String, reason: String)

    /// A relative path that is absolute, empty, or has `.`, `..` or empty components.
    case invalidPath(String)

    /// A file that is not there, or has a symbolic link on its path.
    case fileUnavailable(String, reason: String)

    /// A folder, link, device, pipe or socket where a file was expected.
    case notRegularFile(String)

    package var code: String {
        switch self {
        case .bubblewrapMissing: "sandbox.bubblewrap_missing"
        case .setupFailed: "sandbox.setup_failed"
        case .confinerMissing: "sandbox.confiner_missing"
        case .launcherLost: "sandbox.launcher_lost"
        case .invalidCommand: "sandbox.invalid_command"
        case .mountOutsideWorkspace: "sandbox.mount_outside_workspace"
        case .limitExceeded: "sandbox.limit_exceeded"
        case .workspaceFailed: "sandbox.workspace_failed"
        case .invalidPath: "sandbox.invalid_path"
        case .fileUnavailable: "sandbox.file_unavailable"
        case .notRegularFile: "sandbox.not_regular_file"
        }
    }

    package var message: String {
        switch self {
        case .bubblewrapMissing: "bubblewrap (bwrap) is not installed on this machine"
        case .confinerMissing: "the program kettle-confine, which stands beside kettle, cannot be executed"
        case .setupFailed(let reason): "the sandbox could not be set up: \(reason)"
        case .launcherLost: "the process that watches over the sandbox ended unexpectedly"
        case .invalidCommand(let reason): "the command cannot be run: \(reason)"
        case .mountOutsideWorkspace(let at): "the writable folder at \"\(at)\" lies outside the build's workspace"
        case .limitExceeded(let limit, let value): "the command exceeded its limit of \(limit.rawValue): \(value)"
        case .workspaceFailed(let operation, let reason): "the build's workspace failed to \(operation): \(reason)"
        case .invalidPath(let path): "\"\(path)\" is not a plain relative path"
        case .fileUnavailable(let path, let reason): "\"\(path)\" cannot be read: \(reason)"
        case .notRegularFile(let path): "\"\(path)\" is not a regular file"
        }
    }

    package var hint: String? {
        switch self {
        case .bubblewrapMissing: "install bubblewrap 0.8 or newer (apt install bubblewrap) and start Kettle again"
        case .confinerMissing: "install kettle and kettle-confine, which are built together, in one folder"
        case .setupFailed:
            "the machine must allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
                + "user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0) and have "
                + "bubblewrap 0.8 or newer"
        case .launcherLost: "look for a process killer or a lack of memory on the machine, then build again"
        case .limitExceeded: "make the build smaller, or ask the operator for a higher limit"
        case .workspaceFailed: "see that the data folder is writable and its disk is not full"
        case .invalidCommand, .mountOutsideWorkspace, .invalidPath, .fileUnavailable, .notRegularFile: nil
        }
    }
}
