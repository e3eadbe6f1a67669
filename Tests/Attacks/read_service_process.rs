//! Reads the service's process: its environment, its memory with the key in it, its open files, and the host's files
//! through its root folder.
//! ends: success
//! says: contained: the service's environ: ENOENT
//! says: contained: the service's cmdline: ENOENT
//! says: contained: the service's mem: ENOENT
//! says: contained: the service's maps: ENOENT
//! says: contained: the service's fd: ENOENT
//! says: contained: the service's cwd: ENOENT
//! says: contained: the service's root: ENOENT
//! says: contained: the service's memory by system call: EPERM
//! says: contained: a descriptor for the service: ESRCH
//! says: contained: a signal to the service: ESRCH
//! says: contained: the service's limits: ESRCH

mod machine;
use machine::*;

fn main() {
    let server: usize = fact("SERVER_PID").parse().unwrap();
    for file in ["environ", "cmdline", "mem", "maps", "fd", "cwd", "root"] {
        unreadable(&format!("the service's {file}"), &format!("/proc/{server}/{file}"));
    }
    let mut block = [0u8; 64];
    let vector = [at(&mut block), block.len()];
    let read = call(nr::PROCESS_VM_READV, &[server, at(&vector), 1, at(&vector), 1, 0]);
    refused("the service's memory by system call", read);
    refused("a descriptor for the service", call(nr::PIDFD_OPEN, &[server, 0]));
    refused("a signal to the service", call(nr::KILL, &[server, 0]));
    let mut limits = [0u64; 2];
    let read = call(nr::PRLIMIT64, &[server, 7, 0, at(&mut limits)]);
    refused("the service's limits", read);
}
