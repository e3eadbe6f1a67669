import Glibc

/// The options that confine a command, as bubblewrap 0.8 reads them.
///
/// They reach it through a file in memory, because its command line is readable as `/proc/1/cmdline` inside.
struct BubblewrapArguments {
    private(set) var options: [String] = []

    /// Folders inside that are not mounted read-only.
    private(set) var writableFolders = ["/tmp", InsideSandbox.homeFolder, "/dev/shm"]

    /// - Parameters:
    ///   - sources: For each mount of the request, where it is now; nil for one that is a text.
    ///   - statusDescriptor: Where bubblewrap writes whether the command started and how it ended.
    ///   - filterDescriptor: The compiled ``SystemCallFilter``.
    ///   - file: Makes a file in memory with some content and returns its descriptor.
    init(
        _ request: LauncherRequest, sources: [String?], statusDescriptor: CInt, filterDescriptor: CInt,
        file: (String) throws(LaunchFailure) -> CInt
    ) throws(LaunchFailure) {
        addNamespaces(request)
        addSystem()
        try addConfiguration(request, file)
        addMemory(request.limits.temporaryBytes)
        writableFolders += request.mounts.filter { $0.access == .writable }.map(\.destination)
        for (mount, source) in zip(request.mounts, sources) {
            if let source {
                options += [mount.access == .writable ? "--bind" : "--ro-bind", source, mount.destination]
            } else {
                options += ["--perms", "0444", "--ro-bind-data", String(try file(mount.content)), mount.destination]
            }
        }
        // /dev is a file system in memory without a limit; what is mounted on it stays writable.
        options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", request.workingDirectory]
        options += ["--clearenv"]
        for variable in request.environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            options += ["--setenv", String(parts[0]), parts.count > 1 ? String(parts[1]) : ""]
        }
        options += ["--json-status-fd", String(statusDescriptor), "--seccomp", String(filterDescriptor)]
    }

    private mutating func addNamespaces(_ request: LauncherRequest) {
        options += [
            "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", "--unshare-pid", "--unshare-ipc",
            "--unshare-uts", "--hostname", "build", "--unshare-cgroup-try", "--cap-drop", "ALL", "--die-with-parent",
            // Without a session of its own it could push characters into a terminal that Kettle runs in.
            "--new-session",
        ]
        // With a way out, the launcher's own namespace is already a fresh one.
        if !request.hasEgress { options.append("--unshare-net") }
    }

    /// The operating system's programs and libraries, to read.
    private mutating func addSystem() {
        options += ["--ro-bind", "/usr", "/usr"]
        for folder in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            if let target = linkTarget(of: folder) {
                options += ["--symlink", target, folder]
            } else if access(folder, F_OK) == 0 {
                options += ["--ro-bind", folder, folder]
            }
        }
        options += [
            "--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp",
        ]
    }

    private mutating func addConfiguration(
        _ request: LauncherRequest, _ file: (String) throws(LaunchFailure) -> CInt
    ) throws(LaunchFailure) {
        let files = [
            "/etc/passwd": "build:x:1000:1000:build:\(InsideSandbox.homeFolder):/bin/sh\n",
            "/etc/group": "build:x:1000:\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        ]
        var shared = ["/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"]
        if request.hasEgress {
            // Names are resolved outside; certificates are checked inside.
            shared += [
                "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/pki/tls/certs",
                "/etc/pki/ca-trust/extracted",
            ]
        }
        options += ["--dir", "/etc"]
        for (path, content) in files.sorted(by: { $0.key < $1.key }) {
            options += ["--perms", "0444", "--file", String(try file(content)), path]
        }
        for path in shared {
            // bubblewrap follows an absolute link from the new root, where its target is not: resolve it here.
            guard let source = realpath(path, nil) else { continue }
            options += ["--ro-bind", String(cString: source), path]
            free(source)
        }
    }

    /// File systems in memory, which end with the command.
    private mutating func addMemory(_ limitInBytes: Int) {
        let size = String(limitInBytes)
        options += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
        options += ["--perms", "0700", "--size", size, "--tmpfs", InsideSandbox.homeFolder]
        options += ["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"]
    }

    private func linkTarget(of path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
