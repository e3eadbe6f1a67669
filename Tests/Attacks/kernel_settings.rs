//! Writes the kernel's settings: with `core_pattern` the kernel itself starts a program outside of every sandbox.
//! ends: success
//! says: contained: /proc/sys/kernel/core_pattern: EACCES
//! says: contained: /proc/sys/kernel/hostname: EACCES
//! says: contained: /proc/sys/kernel/pid_max: EACCES
//! says: contained: /proc/sys/vm/drop_caches: EACCES
//! says: contained: /proc/sys/vm/overcommit_memory: EACCES
//! says: contained: /proc/sys/net/ipv4/ip_forward: EACCES
//! says: contained: a folder below /proc/sys: ENOENT

mod machine;
use machine::*;
use std::fs::{create_dir, OpenOptions};

fn main() {
    for path in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/pid_max",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/net/ipv4/ip_forward",
    ] {
        // Opened and no more: what would happen then happens to the machine.
        refused(path, OpenOptions::new().write(true).open(path));
    }
    refused("a folder below /proc/sys", create_dir("/proc/sys/kernel/attack"));
}
