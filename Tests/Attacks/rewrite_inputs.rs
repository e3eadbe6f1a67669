//! Changes the lockfile and the manifest once the build has begun, so that the statement would name other dependencies
//! than the source had. What counts was read before the first program of the source ran.
//! ends: success
//! says: contained: the lockfile and the manifest: rewritten, too late to count
//! then: bundle verifies
//! then: lockfile as uploaded

mod machine;
use machine::*;
use std::fs::write;

fn main() -> std::io::Result<()> {
    write(
        "/build/source/Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"innocent\"\nversion = \"9.9.9\"\n",
    )?;
    write(
        "/build/source/Cargo.toml",
        "[package]\nname = \"innocent\"\nversion = \"9.9.9\"\n",
    )?;
    contained("the lockfile and the manifest", "rewritten, too late to count");
    Ok(())
}
