//! Names a file of 12 GiB as an artifact that takes no room on the disk because it is one hole. Read, it is 12 GiB of
//! zeros; one of 5 TB would be more than the file system may hold.
//! ends: limit artifact bytes
//! limits: artifact-bytes=64MiB
//! says: contained: a sparse file of 5 TB: EFBIG

mod machine;
use machine::*;
use std::fs::File;

fn main() -> std::io::Result<()> {
    // Beyond the limit of a file's size the kernel sends SIGXFSZ, which would end the script.
    ignore_signal(25);
    let path = format!("{RELEASE}/evil");
    let file = File::create(&path)?;
    match file.set_len(5 << 40) {
        Ok(()) => escaped("a sparse file of 5 TB", "it was made"),
        Err(error) => contained("a sparse file of 5 TB", name(&error)),
    }
    // As large as the file system and the limit allow: each try is half the last.
    let size = (0..12)
        .map(|step| (12u64 << 30) >> step)
        .find(|size| file.set_len(*size).is_ok());
    assert!(size > Some(64 << 20), "no file above the limit");
    announce(&path);
    Ok(())
}
