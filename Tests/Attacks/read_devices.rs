//! Opens devices: the security processor that attests (a build that can ask it signs in the service's name), memory,
//! disks, virtual machines and the kernel's log.
//! ends: success
//! says: contained: /dev/sev-guest: ENOENT
//! says: contained: /dev/tdx_guest: ENOENT
//! says: contained: /dev/tpm0: ENOENT
//! says: contained: /dev/tpmrm0: ENOENT
//! says: contained: /sys/kernel/config/tsm/report: ENOENT
//! says: contained: /dev/kvm: ENOENT
//! says: contained: /dev/vhost-vsock: ENOENT
//! says: contained: /dev/mem: ENOENT
//! says: contained: /dev/port: ENOENT
//! says: contained: /dev/kmsg: ENOENT
//! says: contained: /dev/fuse: ENOENT
//! says: contained: /dev/userfaultfd: ENOENT
//! says: contained: /dev/loop-control: ENOENT
//! says: contained: /dev/loop0: ENOENT
//! says: contained: /dev/vda: ENOENT
//! says: contained: /dev/sda: ENOENT
//! says: contained: /dev/nvme0n1: ENOENT
//! says: contained: /dev/mapper/control: ENOENT
//! says: contained: block devices by number: EPERM

mod machine;
use machine::*;
use std::fs::File;

const PATHS: [&str; 18] = [
    "/dev/sev-guest",
    "/dev/tdx_guest",
    "/dev/tpm0",
    "/dev/tpmrm0",
    "/sys/kernel/config/tsm/report",
    "/dev/kvm",
    "/dev/vhost-vsock",
    "/dev/mem",
    "/dev/port",
    "/dev/kmsg",
    "/dev/fuse",
    "/dev/userfaultfd",
    "/dev/loop-control",
    "/dev/loop0",
    "/dev/vda",
    "/dev/sda",
    "/dev/nvme0n1",
    "/dev/mapper/control",
];

fn main() {
    for path in PATHS {
        refused(path, File::open(path));
    }
    // The host's first virtio disk, made anew in the build's own folder: S_IFBLK, 254:0.
    let path = text("/build/target/disk");
    let disk = call(nr::MKNOD, &[path, 0o060_600, 254 << 8]);
    refused(
        "block devices by number",
        disk.and_then(|_| File::open("/build/target/disk")),
    );
}
