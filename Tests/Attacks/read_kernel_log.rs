//! Reads the kernel's log and symbol addresses, which help every further attack on it, and clears the log to hide one.
//! ends: success
//! says: contained: reading the log: EPERM
//! says: contained: clearing the log: EPERM
//! says: contained: /proc/kmsg: EACCES
//! says: contained: addresses in /proc/kallsyms: all zero

mod machine;
use machine::*;
use std::fs::{read_to_string, File};

fn main() {
    let mut block = [0u8; 64];
    refused("reading the log", call(nr::SYSLOG, &[3, at(&mut block), 64]));
    refused("clearing the log", call(nr::SYSLOG, &[5]));
    refused("/proc/kmsg", File::open("/proc/kmsg"));
    let symbols = read_to_string("/proc/kallsyms").unwrap_or_default();
    match symbols.lines().find(|line| !line.starts_with("0000000000000000")) {
        Some(line) => escaped("addresses in /proc/kallsyms", line),
        None => contained("addresses in /proc/kallsyms", "all zero"),
    }
}
