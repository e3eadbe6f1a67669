//! Writes to the other files that cargo's process has in /proc, and to its own: who is killed when memory runs out,
//! whose user is who.
//! ends: success
//! says: contained: cargo's oom_score_adj: EACCES
//! says: contained: cargo's clear_refs: EACCES
//! says: contained: cargo's coredump_filter: EACCES
//! says: contained: cargo's comm: EACCES
//! says: contained: the script's own oom_score_adj: EACCES
//! says: contained: the script's own uid_map: EACCES
//! says: contained: the script's own gid_map: EACCES
//! says: contained: the script's own setgroups: EACCES

mod machine;
use machine::*;
use std::fs::OpenOptions;
use std::io::Write;

fn main() {
    let cargo = parent().to_string();
    for (whose, process, file, value) in [
        ("cargo's", cargo.as_str(), "oom_score_adj", "1000"),
        ("cargo's", &cargo, "clear_refs", "1"),
        ("cargo's", &cargo, "coredump_filter", "ff"),
        ("cargo's", &cargo, "comm", "attack"),
        ("the script's own", "self", "oom_score_adj", "-1000"),
        ("the script's own", "self", "uid_map", "0 0 1"),
        ("the script's own", "self", "gid_map", "0 0 1"),
        ("the script's own", "self", "setgroups", "allow"),
    ] {
        let file_of = OpenOptions::new().write(true).open(format!("/proc/{process}/{file}"));
        let written = file_of.and_then(|mut file| file.write_all(value.as_bytes()));
        refused(&format!("{whose} {file}"), written);
    }
}
