//! Reads and overwrites what the service keeps: the key that signs evidence, the database, other builds' results, kept
//! crates. With the key anybody can sign anything.
//! ends: success
//! says: contained: reading the data folder: ENOENT
//! says: contained: writing the data folder: ENOENT
//! says: contained: reading the signing key: ENOENT
//! says: contained: writing the signing key: ENOENT
//! says: contained: reading the database: ENOENT
//! says: contained: writing the database: ENOENT
//! says: contained: reading other builds' statements and logs: ENOENT
//! says: contained: writing other builds' statements and logs: ENOENT
//! says: contained: reading the cache: ENOENT
//! says: contained: writing the cache: ENOENT
//! says: contained: reading a kept crate: ENOENT
//! says: contained: writing a kept crate: ENOENT
//! then: host files unchanged

mod machine;
use machine::*;
use std::fs::{create_dir, metadata, OpenOptions};

fn main() {
    for (what, path) in [
        ("the data folder", fact("DATA_FOLDER")),
        ("the signing key", fact("KEY")),
        ("the database", fact("DATABASE")),
        ("other builds' statements and logs", fact("DATA_FOLDER") + "/builds"),
        ("the cache", fact("CACHE")),
        ("a kept crate", fact("CACHED_CRATE")),
    ] {
        unreadable(&format!("reading {what}"), &path);
        let is_folder = metadata(&path).is_ok_and(|found| found.is_dir());
        let written = if is_folder {
            create_dir(format!("{path}/attack"))
        } else {
            OpenOptions::new().append(true).open(&path).map(|_| ())
        };
        refused(&format!("writing {what}"), written);
    }
}
