//! Lists all processes and looks for ones of the host: their command lines hold paths and sometimes passwords.
//! ends: success
//! says: contained: processes of others: none
//! says: contained: the parent of the first process: 0
//! says: contained: sessions of others: ESRCH

mod machine;
use machine::*;
use std::fs::{read_dir, read_to_string};

const OWN: [&str; 3] = ["bwrap", "cargo", "build-script-bu"];

fn main() {
    let mut others = Vec::new();
    for entry in read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<usize>() else {
            continue;
        };
        let name = read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        if !OWN.contains(&name.trim()) {
            others.push(name.trim().to_string());
        }
    }
    if others.is_empty() {
        contained("processes of others", "none");
    } else {
        escaped("processes of others", others.join(", "));
    }
    let status = read_to_string("/proc/1/status").unwrap_or_default();
    match status.lines().find_map(|line| line.strip_prefix("PPid:\t")) {
        Some("0") => contained("the parent of the first process", 0),
        parent => escaped("the parent of the first process", parent.unwrap_or("unknown")),
    }
    let server: isize = fact("SERVER_PID").parse().unwrap();
    refused("sessions of others", call(nr::KILL, &[-server as usize, 0]));
}
