import KettleLauncher
import SystemPackage

extension LauncherRequest {
    /// - Throws: ``SandboxError/invalidCommand(reason:)`` or ``SandboxError/mountOutsideWorkspace(at:)``.
    init(
        command: SandboxCommand, workspace: Workspace, bubblewrap: String, confiner: String, group: Group = .none
    ) throws(SandboxError) {
        var limits = command.limits
        // A file system of its own is full before a file in it is larger; that can be told from a program's own failure.
        limits.fileBytes = limits.fileBytes ?? (workspace.disk == nil ? limits.diskBytes : limits.diskBytes << 2)
        var mounts = [Mount(access: .readable, origin: .host, content: confiner, destination: Self.confinerInside)]
        for mount in command.mounts { mounts.append(try Self.resolve(mount, in: workspace)) }
        self.init(
            bubblewrap: bubblewrap, confiner: confiner, workspace: workspace.path.string,
            isDiskImage: workspace.disk != nil, uid: workspace.uid, hasEgress: command.network.policy != nil,
            workingDirectory: command.workingDirectory, limits: limits, group: group, arguments: command.arguments,
            environment: command.environment.map { "\($0.key)=\($0.value)" }.sorted(),
            mounts: mounts.sorted { $0.destination < $1.destination })
        try check(command)
    }

    private static func resolve(_ mount: SandboxMount, in workspace: Workspace) throws(SandboxError) -> Mount {
        let (host, destination, access): (FilePath, String, Access)
        switch mount {
        case .text(let text, let at): return Mount(access: .readable, origin: .text, content: text, destination: at)
        case .readOnly(let path, let at): (host, destination, access) = (path, at, .readable)
        case .writable(let path, let at): (host, destination, access) = (path, at, .writable)
        }
        guard host.isAbsolute, !host.components.contains(where: { $0.kind != .regular }) else {
            throw .invalidCommand(reason: "the folder for \"\(destination)\" is not named by an absolute path")
        }
        var relative = host
        if relative.removePrefix(workspace.path), !relative.isEmpty {
            return Mount(access: access, origin: .workspace, content: relative.string, destination: destination)
        }
        guard access == .readable else { throw .mountOutsideWorkspace(at: destination) }
        return Mount(access: .readable, origin: .host, content: host.string, destination: destination)
    }

    private func check(_ command: SandboxCommand) throws(SandboxError) {
        guard let program = arguments.first, program.hasPrefix("/") else {
            throw .invalidCommand(reason: "its program is not an absolute path")
        }
        guard command.environment.keys.allSatisfy({ !$0.isEmpty && !$0.contains("=") }) else {
            throw .invalidCommand(reason: "an environment variable has no usable name")
        }
        guard ([workingDirectory] + mounts.map(\.destination)).allSatisfy({ Self.isPlainAbsolute($0) }) else {
            throw .invalidCommand(reason: "a folder inside is not a plain absolute path")
        }
        let fields =
            arguments + environment + [workingDirectory, workspace, confiner] + group.joined
            + mounts.flatMap { [$0.content, $0.destination] }
        guard !fields.contains(where: { $0.utf8.contains(0) }) else {
            throw .invalidCommand(reason: "an argument, a variable or a path holds a NUL character")
        }
        guard hasUsableLimits else {
            throw .invalidCommand(reason: "a limit is not above zero")
        }
    }

    private static func isPlainAbsolute(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path == "/"
            || (path.hasPrefix("/") && parts.dropFirst().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." })
    }
}
