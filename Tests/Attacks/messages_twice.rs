//! Says in cargo's name that the binary lies elsewhere, so that the statement's one name would have two files to choose
//! from.
//! ends: fails toolchain.duplicate_artifact

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("/build/target/elsewhere/release")?;
    std::fs::write("/build/target/elsewhere/release/attack", "not what cargo made")?;
    announce("/build/target/elsewhere/release/attack");
    Ok(())
}
