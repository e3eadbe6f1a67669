//! Fills the other folder of the workspace that it may write: the source.
//! ends: limit disk
//! limits: disk=256MiB
//! then: workspace gone

mod machine;
use machine::*;
use std::fs::File;
use std::io::Write;

fn main() {
    let block = vec![0x5A; 1 << 20];
    // Files without a name show in no listing of the folder.
    const NAMELESS_WRITING: usize = 0o20_200_001;
    let folder = text("/build/source");
    for _ in 0..12 {
        let file = call(nr::OPENAT, &[AT_FDCWD, folder, NAMELESS_WRITING, 0o600]).map(|descriptor| {
            // SAFETY: nobody else has it.
            std::mem::ManuallyDrop::new(unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(descriptor as i32) })
        });
        let written = file.and_then(|mut file| (0..128).try_for_each(|_| file.write_all(&block)));
        if written.is_err() {
            sleep(30);
            exit(1);
        }
    }
    escaped("filling the disk with nameless files", "1,536 MiB");
}
