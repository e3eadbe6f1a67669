//! Makes devices to be collected: reading one never ends, or reads a disk of the host.
//! ends: success
//! says: contained: a character device: EPERM
//! says: contained: a character device in an open folder: EPERM
//! says: contained: a block device: EPERM
//! says: contained: a block device in an open folder: EPERM
//! says: contained: a device that an overlay takes for a deleted file: EPERM

mod machine;
use machine::*;

fn main() {
    let path = text("/build/target/device");
    let (zero, disk) = (1 << 8 | 5, 254 << 8);
    refused("a character device", call(nr::MKNOD, &[path, 0o020_666, zero]));
    let made = call(nr::MKNODAT, &[AT_FDCWD, path, 0o020_666, zero]);
    refused("a character device in an open folder", made);
    refused("a block device", call(nr::MKNOD, &[path, 0o060_666, disk]));
    let made = call(nr::MKNODAT, &[AT_FDCWD, path, 0o060_666, disk]);
    refused("a block device in an open folder", made);
    // Number 0:0, which the kernel lets everybody make.
    let made = call(nr::MKNOD, &[path, 0o020_000, 0]);
    refused("a device that an overlay takes for a deleted file", made);
}
