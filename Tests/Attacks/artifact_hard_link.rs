//! Makes hard links to files outside of the workspace. Collected, they would be plain files that the build did not
//! make; changed afterwards, the toolchain's own.
//! ends: success
//! says: contained: a hard link to the compiler: EXDEV
//! says: contained: a hard link to a program of the system: EXDEV
//! says: contained: a hard link to a configuration file: EXDEV
//! says: contained: a hard link through a descriptor: EXDEV

mod machine;
use machine::*;
use std::os::fd::AsRawFd;

fn main() -> std::io::Result<()> {
    let path = format!("{RELEASE}/evil");
    let compiler = std::env::var("RUSTC").unwrap();
    for (what, target) in [
        ("a hard link to the compiler", compiler.as_str()),
        ("a hard link to a program of the system", "/usr/bin/env"),
        ("a hard link to a configuration file", "/etc/passwd"),
    ] {
        refused(what, std::fs::hard_link(target, &path));
    }
    let file = std::fs::File::open(&compiler)?;
    let descriptor = text(&format!("/proc/self/fd/{}", file.as_raw_fd()));
    const AT_SYMLINK_FOLLOW: usize = 0x400;
    let linked = call(
        nr::LINKAT,
        &[AT_FDCWD, descriptor, AT_FDCWD, text(&path), AT_SYMLINK_FOLLOW],
    );
    refused("a hard link through a descriptor", linked);
    Ok(())
}
