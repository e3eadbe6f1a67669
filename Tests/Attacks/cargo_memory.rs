//! Takes over the cargo that started the script, by writing to its memory. It would decide what cargo says was made,
//! and run on after the script's end.
//! ends: success
//! says: contained: cargo's memory as a file: EACCES
//! says: contained: the first process's memory as a file: EACCES
//! says: contained: cargo's memory by system call: EPERM
//! says: contained: reading cargo's memory by system call: EPERM
//! says: contained: attaching to cargo: EPERM
//! says: contained: seizing cargo: EPERM
//! says: contained: a descriptor of cargo's: EPERM
//! says: contained: advice about cargo's memory: EPERM
//! says: contained: comparing with cargo: EPERM

mod machine;
use machine::*;
use std::fs::OpenOptions;

fn main() {
    let cargo = parent();
    let writing = |process: usize| OpenOptions::new().write(true).open(format!("/proc/{process}/mem"));
    refused("cargo's memory as a file", writing(cargo));
    refused("the first process's memory as a file", writing(1));
    let mut block = [0u8; 8];
    let vector = [at(&mut block), block.len()];
    for (what, number) in [
        ("cargo's memory by system call", nr::PROCESS_VM_WRITEV),
        ("reading cargo's memory by system call", nr::PROCESS_VM_READV),
    ] {
        refused(what, call(number, &[cargo, at(&vector), 1, at(&vector), 1, 0]));
    }
    const ATTACH: usize = 16;
    const DETACH: usize = 17;
    const SEIZE: usize = 0x4206;
    let attached = call(nr::PTRACE, &[ATTACH, cargo]);
    if attached.is_ok() {
        // Stopped, it would not show what the script has to say.
        let _ = call(nr::WAIT4, &[cargo, 0, 0, 0]);
        let _ = call(nr::PTRACE, &[DETACH, cargo]);
    }
    refused("attaching to cargo", attached);
    refused("seizing cargo", call(nr::PTRACE, &[SEIZE, cargo]));
    let process = call(nr::PIDFD_OPEN, &[cargo, 0]).unwrap();
    refused("a descriptor of cargo's", call(nr::PIDFD_GETFD, &[process, 1, 0]));
    const MADV_COLD: usize = 20;
    let advised = call(nr::PROCESS_MADVISE, &[process, at(&vector), 1, MADV_COLD, 0]);
    refused("advice about cargo's memory", advised);
    refused("comparing with cargo", call(nr::KCMP, &[cargo, cargo, 0, 0, 0]));
}
