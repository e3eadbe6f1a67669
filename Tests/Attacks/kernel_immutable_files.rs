//! Makes files that cannot be removed, so that the workspace would stay for ever.
//! ends: success
//! says: contained: an immutable file: EPERM
//! says: contained: a file that only grows: EPERM
//! says: contained: an immutable folder: EPERM
//! then: workspace gone

mod machine;
use machine::*;
use std::os::fd::AsRawFd;

fn main() -> std::io::Result<()> {
    let file = std::fs::File::create("/build/target/immutable")?;
    let folder = std::fs::File::open("/build/target/release")?;
    const SET_FLAGS: usize = 0x4008_6602;
    const IMMUTABLE: u64 = 0x10;
    const APPEND_ONLY: u64 = 0x20;
    for (what, file, flags) in [
        ("an immutable file", &file, IMMUTABLE),
        ("a file that only grows", &file, APPEND_ONLY),
        ("an immutable folder", &folder, IMMUTABLE),
    ] {
        let descriptor = file.as_raw_fd() as usize;
        refused(what, call(nr::IOCTL, &[descriptor, SET_FLAGS, at(&flags)]));
    }
    Ok(())
}
