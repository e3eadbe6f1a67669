//! Asks the kernel to restart, to load another kernel or a module, to swap, to account, to take another name.
//! ends: success
//! says: contained: a restart: EPERM
//! says: contained: another kernel: EPERM
//! says: contained: another kernel from a file: EPERM
//! says: contained: a module: EPERM
//! says: contained: a module from a file: EPERM
//! says: contained: removing a module: EPERM
//! says: contained: swapping to a file: EPERM
//! says: contained: swapping off: EPERM
//! says: contained: accounting into a file: EPERM
//! says: contained: disk quotas: EPERM
//! says: contained: another host name: EPERM

mod machine;
use machine::*;

fn main() {
    let path = text("/build/target/file");
    // With wrong magic numbers, so that it is asked for and cannot happen.
    refused("a restart", call(nr::REBOOT, &[0, 0, 0, 0]));
    refused("another kernel", call(nr::KEXEC_LOAD, &[0, 0, 0, 0]));
    let none = -1isize as usize;
    refused(
        "another kernel from a file",
        call(nr::KEXEC_FILE_LOAD, &[none, none, 0, 0, 0]),
    );
    refused("a module", call(nr::INIT_MODULE, &[path, 4, path]));
    refused("a module from a file", call(nr::FINIT_MODULE, &[none, path, 0]));
    refused("removing a module", call(nr::DELETE_MODULE, &[text("loop"), 0x800]));
    refused("swapping to a file", call(nr::SWAPON, &[path, 0]));
    refused("swapping off", call(nr::SWAPOFF, &[path]));
    refused("accounting into a file", call(nr::ACCT, &[path]));
    const Q_SYNC: usize = 0x8000_0100;
    refused("disk quotas", call(nr::QUOTACTL, &[Q_SYNC, 0, 0, 0]));
    refused("another host name", call(nr::SETHOSTNAME, &[path, 6]));
}
