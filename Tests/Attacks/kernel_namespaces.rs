//! Makes new namespaces, in which it would have all capabilities, and enters those of others.
//! ends: success
//! says: contained: a user namespace: EPERM
//! says: contained: a mount namespace: EPERM
//! says: contained: a network namespace: EPERM
//! says: contained: a process namespace: EPERM
//! says: contained: an IPC namespace: EPERM
//! says: contained: a host name namespace: EPERM
//! says: contained: a control group namespace: EPERM
//! says: contained: a time namespace: EPERM
//! says: contained: a process in a user namespace: EPERM
//! says: contained: a process in user and mount namespaces: EPERM
//! says: contained: a process in a network namespace: EPERM
//! says: contained: a process in a process namespace: EPERM
//! says: contained: clone3, whose flags a filter cannot see: ENOSYS
//! says: contained: entering the first process's namespaces: EPERM
//! says: contained: entering cargo's namespaces by its descriptor: EPERM

mod machine;
use machine::*;

const USER: usize = 0x1000_0000;
const MOUNT: usize = 0x0002_0000;
const NETWORK: usize = 0x4000_0000;
const PROCESS: usize = 0x2000_0000;

fn main() {
    for (what, flag) in [
        ("a user namespace", USER),
        ("a mount namespace", MOUNT),
        ("a network namespace", NETWORK),
        ("a process namespace", PROCESS),
        ("an IPC namespace", 0x0800_0000),
        ("a host name namespace", 0x0400_0000),
        ("a control group namespace", 0x0200_0000),
        ("a time namespace", 0x80),
    ] {
        refused(what, call(nr::UNSHARE, &[flag]));
    }
    const SIGCHLD: usize = 17;
    for (what, flags) in [
        ("a process in a user namespace", USER),
        ("a process in user and mount namespaces", USER | MOUNT),
        ("a process in a network namespace", NETWORK),
        ("a process in a process namespace", PROCESS),
    ] {
        let child = call(nr::CLONE, &[flags | SIGCHLD]);
        if let Ok(0) = child {
            exit(0);
        }
        refused(what, child);
    }
    let mut arguments = [0u64; 11];
    (arguments[0], arguments[4]) = (USER as u64, SIGCHLD as u64);
    let child = call(nr::CLONE3, &[at(&arguments), 88]);
    if let Ok(0) = child {
        exit(0);
    }
    refused("clone3, whose flags a filter cannot see", child);
    let namespace = call(nr::OPENAT, &[AT_FDCWD, text("/proc/1/ns/mnt"), 0]).unwrap_or(0);
    refused(
        "entering the first process's namespaces",
        call(nr::SETNS, &[namespace, 0]),
    );
    let process = call(nr::PIDFD_OPEN, &[parent(), 0]).unwrap();
    let entered = call(nr::SETNS, &[process, USER | MOUNT]);
    refused("entering cargo's namespaces by its descriptor", entered);
}
