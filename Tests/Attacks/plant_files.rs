//! Leaves files in every folder that takes them, for the next build to find: a way to talk to it, and to change it.
//! twice
//! ends: success
//! says: contained: what an earlier build left in /tmp: ENOENT
//! says: contained: what an earlier build left in /var/tmp: ENOENT
//! says: contained: what an earlier build left in /dev/shm: ENOENT
//! says: contained: what an earlier build left in /build/source: ENOENT
//! says: contained: what an earlier build left in /build/target: ENOENT

mod machine;
use machine::*;
use std::fs;

fn main() -> std::io::Result<()> {
    for folder in ["/tmp", "/var/tmp", "/dev/shm", "/build/source", "/build/target"] {
        // A name of its own for each folder: /var/tmp is /tmp.
        let path = format!("{folder}/left-in{}", folder.replace('/', "-"));
        refused(&format!("what an earlier build left in {folder}"), fs::metadata(&path));
        fs::write(path, "for the next build")?;
    }
    Ok(())
}
