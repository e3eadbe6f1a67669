import CSeccomp
import Glibc

/// The system calls that a confined command cannot make, compiled by libseccomp and installed by bubblewrap.
///
/// Namespaces take away what a command could reach; the filter takes away ways around them and parts of the kernel that no
/// build needs and attackers like. Everything else is allowed, because builds use nearly everything. Calls of another
/// architecture (32-bit, x32), whose numbers the rules do not fit, end the process.
package struct SystemCallFilter {
    /// One kind of call that is refused.
    struct Rule {
        /// What the call answers: as where the caller lacks the right (`EPERM`), or as on a kernel without it (`ENOSYS`), for
        /// calls that programs try and do without.
        let answer: CInt
        let reason: String
        let calls: [String]
        /// When it is refused, by its arguments; always, where this is empty.
        let conditions: [scmp_arg_cmp]

        init(_ answer: CInt, _ reason: String, _ calls: [String], when conditions: scmp_arg_cmp...) {
            self.answer = answer
            self.reason = reason
            self.calls = calls
            self.conditions = conditions
        }
    }

    static let rules: [Rule] =
        [
            Rule(
                EPERM, "mounts decide what the command can see",
                [
                    "mount", "umount2", "umount", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen",
                    "fsconfig",
                    "fsmount", "fspick", "mount_setattr",
                ]),
            Rule(EPERM, "a new namespace would have all capabilities in it", ["unshare", "setns"]),
            Rule(ENOSYS, "its flags are in memory, where a filter cannot look; clone is used instead", ["clone3"]),
            Rule(
                EPERM, "other processes of the build could be made to act",
                ["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"]),
            Rule(EPERM, "keyrings are not namespaced", ["keyctl", "add_key", "request_key"]),
            Rule(
                ENOSYS, "does reads, writes and connects past this filter",
                ["io_uring_setup", "io_uring_enter", "io_uring_register"]),
            Rule(ENOSYS, "loads programs into the kernel", ["bpf"]),
            Rule(ENOSYS, "makes races in the kernel winnable", ["userfaultfd"]),
            Rule(ENOSYS, "sees what other processes do", ["perf_event_open", "lookup_dcookie"]),
            Rule(
                EPERM, "opens files by handle, past the mounts",
                ["open_by_handle_at", "name_to_handle_at", "fanotify_init"]),
            Rule(
                EPERM, "the clock is the host's",
                ["settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime"]),
            Rule(
                EPERM, "the kernel itself",
                [
                    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
                    "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup", "iopl",
                    "ioperm",
                    "nfsservctl", "sethostname", "setdomainname", "uselib", "_sysctl", "sysfs", "ustat", "modify_ldt",
                ]),
            Rule(
                EPERM, "pushes characters into a terminal (TIOCSTI)", ["ioctl"],
                when: Self.masked(1, 0xFFFF_FFFF, equals: 0x5412)),
            Rule(
                EPERM, "pastes into a console (TIOCLINUX)", ["ioctl"], when: Self.masked(1, 0xFFFF_FFFF, equals: 0x541C)
            ),
        ] + namespaceFlags + devices + setuidBits + sockets

    /// `clone` with a flag that makes a namespace (`CLONE_NEWTIME`, `NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`,
    /// `NEWPID` and `NEWNET` of linux/sched.h). One rule each: a rule can look for all of some bits, not for any of them.
    private static let namespaceFlags = [
        UInt64(0x80), 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
    ].map { flag in
        Rule(
            EPERM, "a new namespace would have all capabilities in it", ["clone"],
            when: masked(0, flag, equals: flag))
    }

    private static let devices = [S_IFCHR, S_IFBLK].flatMap { kind in
        [("mknod", UInt32(1)), ("mknodat", 2)].map { call, argument in
            Rule(
                EPERM, "a device is a door to the kernel", [call],
                when: masked(argument, UInt64(S_IFMT), equals: UInt64(kind)))
        }
    }

    /// A file that carries its owner's rights: worth something only to whoever meets it after the build. `openat2` has its mode
    /// in memory, where a filter cannot look; the mounts, which are `nosuid`, hold what it makes.
    private static let setuidBits = [S_ISUID, S_ISGID].flatMap { bit -> [Rule] in
        let reason = "an output never carries its owner's rights"
        let changing = [
            ("chmod", UInt32(1)), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("creat", 1), ("mknod", 1),
            ("mknodat", 2),
        ]
        .map { call, argument in
            Rule(EPERM, reason, [call], when: masked(argument, UInt64(bit), equals: UInt64(bit)))
        }
        // The mode counts only where a file may be made.
        let making = [UInt64(O_CREAT), unnamedFile].flatMap { flag in
            [("open", UInt32(1)), ("openat", 2)].map { call, argument in
                Rule(
                    EPERM, reason, [call], when: masked(argument, flag, equals: flag),
                    masked(argument + 1, UInt64(bit), equals: UInt64(bit)))
            }
        }
        return changing + making
    }

    /// `__O_TMPFILE` of open(2).
    private static let unnamedFile: UInt64 = 0o20_000_000

    /// What a build may talk with: itself, over AF_UNIX (1), AF_INET (2) and AF_INET6 (10), and the routing table of its own
    /// network (AF_NETLINK, 16, protocol 0), by which a C library lists interfaces. The rest is refused, also because
    /// AF_VSOCK (40) has no namespace: it reaches the host of a virtual machine.
    private static let sockets: [Rule] = {
        let allowed: Set<UInt64> = [1, 2, 10, 16]
        let reason = "reaches the kernel or the machine past the network namespace"
        let calls = ["socket", "socketpair"]
        var rules = (UInt64(0)..<64).filter { !allowed.contains($0) }.map { family in
            Rule(EAFNOSUPPORT, reason, calls, when: masked(0, 0xFFFF_FFFF, equals: family))
        }
        rules.append(
            Rule(EAFNOSUPPORT, reason, calls, when: .init(arg: 0, op: SCMP_CMP_GE, datum_a: 64, datum_b: 0)))
        // The kernel takes AF_INET with SOCK_PACKET (10), the old spelling, for AF_PACKET.
        rules.append(
            Rule(EAFNOSUPPORT, reason, ["socket"], when: masked(0, 0xFFFF_FFFF, equals: 2), masked(1, 0xF, equals: 10)))
        rules.append(
            Rule(
                EPROTONOSUPPORT, "the kernel's other services", ["socket"], when: masked(0, 0xFFFF_FFFF, equals: 16),
                .init(arg: 2, op: SCMP_CMP_NE, datum_a: 0, datum_b: 0)))
        return rules
    }()

    private static func masked(_ argument: UInt32, _ mask: UInt64, equals value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
    }

    /// How many calls are refused, some of them under conditions.
    package static let callCount = Set(rules.flatMap(\.calls)).count

    // MARK: - Compiled

    /// `SCMP_ACT_ALLOW`, `SCMP_ACT_KILL_PROCESS` and `SCMP_ACT_ERRNO(…)` of seccomp.h, which are macros.
    private static let allow: UInt32 = 0x7FFF_0000
    private static let killProcess: UInt32 = 0x8000_0000
    private static func refuse(_ answer: CInt) -> UInt32 { 0x0005_0000 | UInt32(truncatingIfNeeded: answer) & 0xFFFF }

    /// Writes the filter as the kernel's instructions to a file in memory, for bubblewrap to inherit.
    ///
    /// - Returns: The file's descriptor, at its beginning.
    static func compiled(into file: CInt) throws(LaunchFailure) {
        guard let context = seccomp_init(allow) else { throw LaunchFailure(reason: "could not begin a filter") }
        defer { seccomp_release(context) }
        try check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, killProcess), "set up the filter")
        for rule in rules {
            for call in rule.calls {
                // A call that this architecture does not have cannot be made either.
                let number = seccomp_syscall_resolve_name(call)
                guard number >= 0 else { continue }
                let result = seccomp_rule_add_array(
                    context, refuse(rule.answer), number, UInt32(rule.conditions.count), rule.conditions)
                try check(result, "refuse \(call)")
            }
        }
        try check(seccomp_export_bpf(context, file), "compile the filter")
        guard lseek(file, 0, SEEK_SET) == 0 else { throw LaunchFailure(reason: "could not rewind the filter") }
    }

    /// libseccomp returns negated error numbers.
    private static func check(_ result: CInt, _ purpose: String) throws(LaunchFailure) {
        guard result < 0 else { return }
        throw LaunchFailure(reason: "could not \(purpose): \(String(cString: strerror(-result)))")
    }
}
