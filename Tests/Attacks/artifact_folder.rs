//! Names a folder as an artifact, and a file below one that is no folder.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    std::fs::create_dir(format!("{RELEASE}/evil"))?;
    std::fs::write("/build/target/file", "")?;
    announce(&format!("{RELEASE}/evil"));
    announce("/build/target/file/release/other");
    Ok(())
}
