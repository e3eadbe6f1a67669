//! What every attack needs: facts about the host, verdicts, and the kernel's own interface.
//!
//! Attacks use no crates, so that nothing has to be fetched for them, and make the system calls of x86_64 directly, so
//! that no C library chooses another on the way.
#![allow(dead_code)]

use std::fmt::Display;
use std::io;
use std::io::Write;

// Facts and verdicts

/// What the test knows about the host and an attacker could find out: `facts.txt` has a line `NAME=value` for each.
pub fn fact(name: &str) -> String {
    include_str!("facts.txt")
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("facts.txt does not have {name}"))
        .to_string()
}

/// cargo shows a warning of a build script as `warning: attack@0.1.0: …`, once the script has ended.
pub fn contained(what: &str, reason: impl Display) {
    println!("cargo::warning=contained: {what}: {reason}");
}

pub fn escaped(what: &str, detail: impl Display) {
    println!("cargo::warning=ESCAPED: {what}: {detail}");
}

/// For what must not succeed: the error's name is the reason.
pub fn refused<Success>(what: &str, result: io::Result<Success>) {
    match result {
        Ok(_) => escaped(what, "it succeeded"),
        Err(error) => contained(what, name(&error)),
    }
}

/// For what must not be read: a file, or the names in a folder.
pub fn unreadable(what: &str, path: &str) {
    let bytes = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => std::fs::read_dir(path).map(|names| names.count()),
        Ok(_) => std::fs::File::open(path).and_then(|mut file| {
            let mut block = [0; 64];
            io::Read::read(&mut file, &mut block)
        }),
        Err(error) => Err(error),
    };
    match bytes {
        Ok(count) => escaped(what, format_args!("{count} bytes or names of {path}")),
        Err(error) => contained(what, name(&error)),
    }
}

/// `EPERM` and so on, as manuals call them: the same in every language.
pub fn name(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    match ERRORS.iter().find(|(_, value)| *value == number) {
        Some((name, _)) => name.to_string(),
        None => format!("error {number}"),
    }
}

const ERRORS: &[(&str, i32)] = &[
    ("EPERM", 1),
    ("ENOENT", 2),
    ("ESRCH", 3),
    ("EINTR", 4),
    ("EIO", 5),
    ("ENXIO", 6),
    ("EBADF", 9),
    ("ECHILD", 10),
    ("EAGAIN", 11),
    ("ENOMEM", 12),
    ("EACCES", 13),
    ("EFAULT", 14),
    ("EBUSY", 16),
    ("EEXIST", 17),
    ("EXDEV", 18),
    ("ENODEV", 19),
    ("ENOTDIR", 20),
    ("EISDIR", 21),
    ("EINVAL", 22),
    ("ENFILE", 23),
    ("EMFILE", 24),
    ("ENOTTY", 25),
    ("ETXTBSY", 26),
    ("EFBIG", 27),
    ("ENOSPC", 28),
    ("EROFS", 30),
    ("EMLINK", 31),
    ("EPIPE", 32),
    ("ENAMETOOLONG", 36),
    ("ENOSYS", 38),
    ("ELOOP", 40),
    ("EPROTONOSUPPORT", 93),
    ("ESOCKTNOSUPPORT", 94),
    ("EOPNOTSUPP", 95),
    ("EAFNOSUPPORT", 97),
    ("EADDRNOTAVAIL", 99),
    ("ENETUNREACH", 101),
    ("ECONNREFUSED", 111),
    ("EHOSTUNREACH", 113),
    ("ETOOMANYREFS", 109),
    ("ETIMEDOUT", 110),
    ("EDQUOT", 122),
];

// System calls

/// Numbers of `asm/unistd_64.h`.
pub mod nr {
    pub const MMAP: usize = 9;
    pub const RT_SIGACTION: usize = 13;
    pub const IOCTL: usize = 16;
    pub const MADVISE: usize = 28;
    pub const SHMGET: usize = 29;
    pub const DUP2: usize = 33;
    pub const GETPID: usize = 39;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const SENDTO: usize = 44;
    pub const RECVFROM: usize = 45;
    pub const SENDMSG: usize = 46;
    pub const BIND: usize = 49;
    pub const SOCKETPAIR: usize = 53;
    pub const CLONE: usize = 56;
    pub const FORK: usize = 57;
    pub const EXIT_GROUP: usize = 231;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const MSGGET: usize = 68;
    pub const FCHMOD: usize = 91;
    pub const CHMOD: usize = 90;
    pub const GETPPID: usize = 110;
    pub const SETSID: usize = 112;
    pub const PTRACE: usize = 101;
    pub const SYSLOG: usize = 103;
    pub const SETUID: usize = 105;
    pub const SETGID: usize = 106;
    pub const SETGROUPS: usize = 116;
    pub const SETRESUID: usize = 117;
    pub const CAPSET: usize = 126;
    pub const MKNOD: usize = 133;
    pub const USELIB: usize = 134;
    pub const STATFS: usize = 137;
    pub const SETPRIORITY: usize = 141;
    pub const SCHED_SETSCHEDULER: usize = 144;
    pub const MODIFY_LDT: usize = 154;
    pub const PIVOT_ROOT: usize = 155;
    pub const PRCTL: usize = 157;
    pub const ADJTIMEX: usize = 159;
    pub const SETRLIMIT: usize = 160;
    pub const CHROOT: usize = 161;
    pub const ACCT: usize = 163;
    pub const SETTIMEOFDAY: usize = 164;
    pub const MOUNT: usize = 165;
    pub const UMOUNT2: usize = 166;
    pub const SWAPON: usize = 167;
    pub const SWAPOFF: usize = 168;
    pub const REBOOT: usize = 169;
    pub const SETHOSTNAME: usize = 170;
    pub const IOPL: usize = 172;
    pub const IOPERM: usize = 173;
    pub const INIT_MODULE: usize = 175;
    pub const DELETE_MODULE: usize = 176;
    pub const QUOTACTL: usize = 179;
    pub const SETXATTR: usize = 188;
    pub const CLOCK_SETTIME: usize = 227;
    pub const KEXEC_LOAD: usize = 246;
    pub const ADD_KEY: usize = 248;
    pub const REQUEST_KEY: usize = 249;
    pub const KEYCTL: usize = 250;
    pub const IOPRIO_SET: usize = 251;
    pub const OPENAT: usize = 257;
    pub const MKDIRAT: usize = 258;
    pub const MKNODAT: usize = 259;
    pub const LINKAT: usize = 265;
    pub const UNSHARE: usize = 272;
    pub const FALLOCATE: usize = 285;
    pub const PERF_EVENT_OPEN: usize = 298;
    pub const FANOTIFY_INIT: usize = 300;
    pub const PRLIMIT64: usize = 302;
    pub const NAME_TO_HANDLE_AT: usize = 303;
    pub const OPEN_BY_HANDLE_AT: usize = 304;
    pub const CLOCK_ADJTIME: usize = 305;
    pub const SETNS: usize = 308;
    pub const PROCESS_VM_READV: usize = 310;
    pub const PROCESS_VM_WRITEV: usize = 311;
    pub const KCMP: usize = 312;
    pub const FINIT_MODULE: usize = 313;
    pub const SCHED_SETATTR: usize = 314;
    pub const RENAMEAT2: usize = 316;
    pub const SECCOMP: usize = 317;
    pub const MEMFD_CREATE: usize = 319;
    pub const KEXEC_FILE_LOAD: usize = 320;
    pub const BPF: usize = 321;
    pub const USERFAULTFD: usize = 323;
    pub const IO_URING_SETUP: usize = 425;
    pub const OPEN_TREE: usize = 428;
    pub const MOVE_MOUNT: usize = 429;
    pub const FSOPEN: usize = 430;
    pub const FSPICK: usize = 433;
    pub const PIDFD_OPEN: usize = 434;
    pub const CLONE3: usize = 435;
    pub const CLOSE_RANGE: usize = 436;
    pub const OPENAT2: usize = 437;
    pub const PIDFD_GETFD: usize = 438;
    pub const PROCESS_MADVISE: usize = 440;
    pub const MOUNT_SETATTR: usize = 442;
    pub const FCHMODAT2: usize = 452;
}

/// "Relative to the working directory", for the calls that take a folder.
pub const AT_FDCWD: usize = -100isize as usize;

/// Makes a system call with up to six arguments; the missing ones are 0.
pub fn call(number: usize, arguments: &[usize]) -> io::Result<usize> {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let result: isize;
    // SAFETY: an attack has no safety to lose.
    unsafe {
        std::arch::asm!(
            "syscall", inlateout("rax") number as isize => result,
            in("rdi") all[0], in("rsi") all[1], in("rdx") all[2], in("r10") all[3], in("r8") all[4], in("r9") all[5],
            lateout("rcx") _, lateout("r11") _,
        );
    }
    match result {
        -4095..=-1 => Err(io::Error::from_raw_os_error(-result as i32)),
        _ => Ok(result as usize),
    }
}

/// The address of something, as an argument of a call.
pub fn at<Value: ?Sized>(value: &Value) -> usize {
    (value as *const Value).cast::<u8>() as usize
}

/// A C string's address; the string is never freed.
pub fn text(string: &str) -> usize {
    std::ffi::CString::new(string).unwrap().into_raw() as usize
}

// Processes

pub fn parent() -> usize {
    call(nr::GETPPID, &[]).unwrap()
}

pub fn exit(code: usize) -> ! {
    let _ = call(nr::EXIT_GROUP, &[code]);
    unreachable!()
}

/// Runs `body` in a child process and leaves it there.
pub fn fork(body: impl FnOnce()) -> io::Result<usize> {
    let child = call(nr::FORK, &[])?;
    if child == 0 {
        body();
        exit(0)
    }
    Ok(child)
}

/// What became of a child: its exit code, or the signal that ended it.
pub fn wait(child: usize) -> Result<i32, i32> {
    let mut status = 0i32;
    call(nr::WAIT4, &[child, at(&mut status), 0, 0]).unwrap();
    match status & 0x7F {
        0 => Ok(status >> 8 & 0xFF),
        signal => Err(signal),
    }
}

/// Runs `body` in a process that nobody waits for: in a session of its own, an orphan, without any descriptor.
pub fn daemon(body: impl FnOnce()) {
    let child = fork(|| {
        let _ = call(nr::SETSID, &[]);
        let _ = fork(|| {
            let _ = call(nr::CLOSE_RANGE, &[0, u32::MAX as usize, 0]);
            body();
        });
    });
    let _ = wait(child.unwrap());
}

pub fn ignore_signal(signal: usize) {
    // struct sigaction of the kernel: SIG_IGN, no flags, no restorer, empty mask.
    let action = [1usize, 0, 0, 0];
    call(nr::RT_SIGACTION, &[signal, at(&action), 0, 8]).unwrap();
}

pub fn sleep(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

// In cargo's place

/// Runs lines of shell while the binary is linked, with `$out` naming the file that the linker was asked for.
///
/// What they print becomes the compiler's standard output, which cargo passes on to its own line by line. cargo's own
/// streams are pipes of the service's user, which the build's cannot open. Needs gcc as the C compiler.
pub fn while_linking(script: &str) {
    use std::os::unix::fs::PermissionsExt;
    // The C compiler starts the linker through the program that -wrapper names; its own parent is the Rust compiler.
    let script = format!(
        concat!(
            "#!/bin/sh\n",
            "rustc=$(cut -d ' ' -f 4 /proc/$PPID/stat)\n",
            "for word; do [ \"$last\" = -o ] && out=$word; last=$word; done\n",
            "{{\n{}\n}} > /proc/$rustc/fd/1\n",
            "exec \"$@\"\n"
        ),
        script
    );
    std::fs::write("/tmp/wrapper", script).unwrap();
    std::fs::set_permissions("/tmp/wrapper", std::fs::Permissions::from_mode(0o755)).unwrap();
    println!("cargo::rustc-link-arg-bins=-wrapper");
    println!("cargo::rustc-link-arg-bins=/tmp/wrapper");
}

/// Has cargo print something in its own name when the binary is linked.
pub fn print_as_cargo(bytes: &[u8]) {
    let path = "/tmp/messages";
    if !std::path::Path::new(path).exists() {
        while_linking(&format!("cat {path}"));
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(bytes)).unwrap();
}

/// Says in cargo's name that the build made a binary, at an absolute path.
pub fn announce(path: &str) {
    announce_from("path+file:///build/source#attack@0.1.0", path);
}

/// The same of another package. The path is not escaped: it is what stands between JSON's quotes.
pub fn announce_from(package: &str, path: &str) {
    print_as_cargo(format!("{}\n", message(package, path)).as_bytes());
}

/// What cargo prints about a binary.
pub fn message(package: &str, path: &str) -> String {
    format!(
        concat!(
            r#"{{"reason":"compiler-artifact","package_id":"{}","#,
            r#""target":{{"kind":["bin"],"name":"x"}},"profile":{{"test":false}},"filenames":["{}"]}}"#,
        ),
        package, path
    )
}

/// The folder whose files may become artifacts; it is there, though cargo has not put anything in it yet.
pub const RELEASE: &str = "/build/target/release";
