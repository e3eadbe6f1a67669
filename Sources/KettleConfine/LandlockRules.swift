import CLinux
import Glibc

/// What a command may do to files, sockets and processes, by Landlock: a second fence behind the mounts and namespaces, and
/// the only one around `/proc/PID/mem`, by which a build script could rewrite the memory of the program that started it.
///
/// Everything can be read and executed; the mounts decide what there is. Writing is for the named folders and the harmless
/// devices. Rights that the kernel's version does not know are left out. The bits are those of linux/landlock.h.
package struct LandlockRules {
    /// The version of the kernel's Landlock, from 1; nil where it has none.
    package static var version: Int? {
        let version = linux_landlock_version()
        return version > 0 ? Int(version) : nil
    }

    private static let execute: UInt64 = 1 << 0
    private static let writeFile: UInt64 = 1 << 1
    private static let readFile: UInt64 = 1 << 2
    private static let readFolder: UInt64 = 1 << 3
    private static let makeDevices: UInt64 = 1 << 6 | 1 << 11
    private static let truncate: UInt64 = 1 << 14
    private static let deviceControl: UInt64 = 1 << 15

    /// All rights to files of a version: 13 of version 1, REFER (2), TRUNCATE (3), IOCTL_DEV (5).
    private static func fileRights(_ version: Int) -> UInt64 {
        let count = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13
        return (1 << UInt64(count)) - 1
    }

    /// BIND_TCP and CONNECT_TCP, since version 4.
    private static let bind: UInt64 = 1 << 0
    private static let connect: UInt64 = 1 << 1

    /// ABSTRACT_UNIX_SOCKET and SIGNAL, since version 6: not to what is outside.
    private static let scopes: UInt64 = 1 << 0 | 1 << 1

    /// What programs write to without thinking, and terminals of the command's own.
    private static let devices = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
    ]

    private let version: Int
    private let writableFolders: [String]
    private let proxyPort: UInt16?

    package init(version: Int, writableFolders: [String], proxyPort: UInt16?) {
        self.version = version
        self.writableFolders = writableFolders
        self.proxyPort = proxyPort
    }

    /// Binds this process and its descendants for good. It must have given up new privileges.
    ///
    /// - Returns: Whether all of it is in force; if not, `errno` says why.
    package func enforce() -> Bool {
        let all = Self.fileRights(version)
        let isNetworkBound = proxyPort != nil && version >= 4
        let rules = linux_landlock_begin(
            all, isNetworkBound ? Self.bind | Self.connect : 0, version >= 6 ? Self.scopes : 0)
        guard rules >= 0 else { return false }
        defer { close(rules) }
        let file = all & (Self.writeFile | Self.readFile | Self.truncate | Self.deviceControl)
        guard allow(Self.execute | Self.readFile | Self.readFolder, "/", rules),
            writableFolders.allSatisfy({ allow(all & ~Self.makeDevices & ~Self.deviceControl, $0, rules) }),
            Self.devices.allSatisfy({ allow(file, $0, rules, ifThere: true) }),
            allow(file | Self.readFolder, "/dev/pts", rules, ifThere: true)
        else { return false }
        if isNetworkBound, let proxyPort, linux_landlock_allow_port(rules, Self.connect, proxyPort) != 0 {
            return false
        }
        return linux_landlock_enforce(rules) == 0
    }

    private func allow(_ rights: UInt64, _ path: String, _ rules: CInt, ifThere: Bool = false) -> Bool {
        let reference = linux_open_reference(AT_FDCWD, path, 0)
        guard reference >= 0 else { return ifThere && errno == ENOENT }
        let result = linux_landlock_allow_path(rules, rights, reference)
        let error = errno
        close(reference)
        errno = error
        return result == 0
    }
}
