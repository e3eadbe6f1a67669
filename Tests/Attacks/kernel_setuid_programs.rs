//! Runs the system's setuid programs, through which a hole in one of them would make it root.
//! ends: success
//! says: contained: a setuid program of the system: runs as the build's user
//! says: contained: the mount that it is on: nosuid
//! says: contained: new privileges: none

mod machine;
use machine::*;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn main() {
    let programs = [
        "/usr/bin/su",
        "/usr/bin/mount",
        "/usr/bin/passwd",
        "/usr/bin/chsh",
        "/usr/bin/sudo",
    ];
    let is_setuid = |path: &&str| std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o4000 != 0);
    let program = programs.into_iter().find(is_setuid).expect("a setuid program");
    // The loader shows what the kernel told it, except to a program that has gained something.
    let output = Command::new(program)
        .arg("--version")
        .env("LD_SHOW_AUXV", "1")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let value = |key: &str| {
        shown
            .lines()
            .find_map(|line| Some(line.strip_prefix(key)?.trim_start_matches(':').trim().to_string()))
    };
    let what = "a setuid program of the system";
    match (value("AT_UID"), value("AT_EUID"), value("AT_SECURE").as_deref()) {
        (Some(user), Some(effective), Some("0")) if user == effective && user != "0" => {
            contained(what, "runs as the build's user")
        }
        _ => escaped(what, shown.replace('\n', " ")),
    }
    let mut status = [0u64; 15];
    call(nr::STATFS, &[text(program), at(&mut status)]).unwrap();
    match status[10] & 2 {
        0 => escaped("the mount that it is on", "setuid has its effect"),
        _ => contained("the mount that it is on", "nosuid"),
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    match status.lines().find_map(|line| line.strip_prefix("NoNewPrivs:\t")) {
        Some("1") => contained("new privileges", "none"),
        other => escaped("new privileges", other.unwrap_or("unknown")),
    }
}
