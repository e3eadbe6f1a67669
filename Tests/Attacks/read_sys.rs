//! Looks for the host's hardware, kernel settings and control groups in /sys, and mounts it where it is missing.
//! ends: success
//! says: contained: /sys: ENOENT
//! says: contained: control groups: ENOENT
//! says: contained: security modules' files: ENOENT
//! says: contained: the debugging file system: ENOENT
//! says: contained: firmware variables: ENOENT
//! says: contained: mounting /sys: EPERM

mod machine;
use machine::*;

fn main() {
    for (what, path) in [
        ("/sys", "/sys"),
        ("control groups", "/sys/fs/cgroup"),
        ("security modules' files", "/sys/kernel/security"),
        ("the debugging file system", "/sys/kernel/debug"),
        ("firmware variables", "/sys/firmware/efi/efivars"),
    ] {
        unreadable(what, path);
    }
    let folder = "/build/target/sys";
    std::fs::create_dir(folder).unwrap();
    let mounted = call(nr::MOUNT, &[text("sysfs"), text(folder), text("sysfs")]);
    refused("mounting /sys", mounted);
}
