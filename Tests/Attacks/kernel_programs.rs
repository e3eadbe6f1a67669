//! Uses the parts of the kernel that most escapes of the last years went through: io_uring, which also makes calls past
//! a filter, bpf, userfaultfd, performance events.
//! ends: success
//! says: contained: io_uring: ENOSYS
//! says: contained: a bpf map: ENOSYS
//! says: contained: a bpf program: ENOSYS
//! says: contained: userfaultfd: ENOSYS
//! says: contained: performance events of the script: ENOSYS
//! says: contained: performance events of a processor: ENOSYS
//! says: contained: watching a file system: EPERM
//! says: contained: a local descriptor table: EPERM
//! says: contained: ports of the processor: EPERM
//! says: contained: all ports of the processor: EPERM

mod machine;
use machine::*;

fn main() {
    let mut parameters = [0u64; 16];
    refused("io_uring", call(nr::IO_URING_SETUP, &[8, at(&mut parameters)]));
    // BPF_MAP_CREATE of an array: type 2, key 4 bytes, value 8 bytes, 1 entry.
    let map = [2u32, 4, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    refused("a bpf map", call(nr::BPF, &[0, at(&map), 48]));
    refused("a bpf program", call(nr::BPF, &[5, at(&parameters), 128]));
    refused("userfaultfd", call(nr::USERFAULTFD, &[1]));
    // A software event: type 1, this version's size, the processor's clock.
    let mut event = [0u8; 128];
    (event[0], event[4]) = (1, 128);
    let all = -1isize as usize;
    let opened = call(nr::PERF_EVENT_OPEN, &[at(&event), 0, all, all, 0]);
    refused("performance events of the script", opened);
    let opened = call(nr::PERF_EVENT_OPEN, &[at(&event), all, 0, all, 0]);
    refused("performance events of a processor", opened);
    refused("watching a file system", call(nr::FANOTIFY_INIT, &[0x200, 0]));
    refused(
        "a local descriptor table",
        call(nr::MODIFY_LDT, &[0, at(&parameters), 16]),
    );
    refused("ports of the processor", call(nr::IOPERM, &[0x80, 1, 1]));
    refused("all ports of the processor", call(nr::IOPL, &[3]));
}
