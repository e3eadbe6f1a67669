//! Looks through the open files of every process of the sandbox for one that nobody meant to hand over: a database, a
//! listening socket, a folder outside. Such a descriptor works past every mount.
//! ends: success
//! says: contained: descriptors handed over: only the build's own

mod machine;
use machine::*;
use std::fs::{read_dir, read_link, read_to_string};

/// A socket of the host is not in this table: it belongs to another network.
fn own_sockets() -> Vec<String> {
    let table = read_to_string("/proc/net/unix").unwrap();
    table
        .lines()
        .map(|line| format!("socket:[{}]", line.split_whitespace().nth(6).unwrap()))
        .collect()
}

const OWN: [&str; 6] = [
    "/build/",
    "/home/build",
    "/tmp/",
    "/dev/null",
    "pipe:",
    "anon_inode:[event",
];

fn main() {
    let mut strange = Vec::new();
    for process in read_dir("/proc").unwrap().flatten() {
        let folder = process.path().join("fd");
        for descriptor in read_dir(folder).into_iter().flatten().flatten() {
            let Ok(target) = read_link(descriptor.path()) else {
                continue;
            };
            let target = target.to_string_lossy().into_owned();
            // The folders in /proc are those that this loop itself has open.
            let is_own = OWN.iter().any(|own| target.starts_with(own)) || target.starts_with("/proc");
            let is_own = is_own || own_sockets().contains(&target);
            if !is_own {
                strange.push(format!("{} is {target}", descriptor.path().display()));
            }
        }
    }
    if strange.is_empty() {
        contained("descriptors handed over", "only the build's own");
    } else {
        strange.sort();
        escaped("descriptors handed over", strange.join("; "));
    }
}
