import CLinux
import Glibc

/// Makes the folders of a request reachable for the build's user.
///
/// As root, in a mount namespace of the launcher's own, each is bound below an empty file system at `/tmp`, under its
/// number. So the modes of the folders above it do not matter (a toolchain may lie below a closed home folder), and
/// bubblewrap's arguments tell nothing about the host. Otherwise the paths stay as they are.
enum LauncherMounts {
    /// - Returns: For each mount of the request, the path to give to bubblewrap; nil for one that is a text.
    static func open(_ request: LauncherRequest) throws(LaunchFailure) -> [String?] {
        let isRoot = geteuid() == 0
        if isRoot {
            try must(linux_unshare_mounts(), "make a mount namespace")
            // Nothing that is mounted here may show outside.
            try must(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil), "make mounts private")
            leaveOtherWorkspaces(request)
        }
        let workspace = try must(linux_open_reference(AT_FDCWD, request.workspace, 0), "open the workspace")
        var descriptors: [CInt?] = []
        for mount in request.mounts {
            let purpose = "open the folder for \(mount.destination)"
            switch mount.origin {
            case .text: descriptors.append(nil)
            case .host: descriptors.append(try must(linux_open_reference(AT_FDCWD, mount.content, 0), purpose))
            // Builds have written below the workspace: a symbolic link there is not followed.
            case .workspace: descriptors.append(try must(linux_open_reference(workspace, mount.content, 1), purpose))
            }
        }
        defer { for descriptor in descriptors + [workspace] { if let descriptor { close(descriptor) } } }
        if isRoot { return try bind(descriptors) }
        return request.mounts.map { mount in
            switch mount.origin {
            case .text: nil
            case .host: mount.content
            case .workspace: "\(request.workspace)/\(mount.content)"
            }
        }
    }

    /// Unmounts the workspaces of other builds here: they are none of this command's business, and one that is mounted
    /// anywhere takes room on the disk.
    private static func leaveOtherWorkspaces(_ request: LauncherRequest) {
        guard request.isDiskImage, let resolved = realpath(request.workspace, nil) else { return }
        let own = String(cString: resolved)
        free(resolved)
        guard let slash = own.lastIndex(of: "/") else { return }
        for path in MountTable.mountPoints where path.hasPrefix(own[...slash]) && path != own {
            umount2(path, CInt(MNT_DETACH))
        }
    }

    private static func bind(_ descriptors: [CInt?]) throws(LaunchFailure) -> [String?] {
        let flags = UInt(MS_NOSUID | MS_NODEV)
        try must(mount("tmpfs", "/tmp", "tmpfs", flags, "mode=0711,size=1m"), "mount a file system at /tmp")
        var paths: [String?] = []
        for (index, descriptor) in descriptors.enumerated() {
            guard let descriptor else {
                paths.append(nil)
                continue
            }
            let path = "/tmp/\(index)"
            var status = stat()
            try must(fstat(descriptor, &status), "look at a folder")
            if status.st_mode & S_IFMT == S_IFDIR {
                try must(mkdir(path, 0o700), "make a mount point")
            } else {
                close(try must(Glibc.open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0o600), "make a mount point"))
            }
            try must(mount("/proc/self/fd/\(descriptor)", path, nil, UInt(MS_BIND), nil), "bind a folder")
            paths.append(path)
        }
        return paths
    }
}
