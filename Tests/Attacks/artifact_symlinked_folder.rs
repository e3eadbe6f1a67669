//! Names an artifact in a folder that is a link out of the output folder, into one of the host's.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let secret = fact("SECRET");
    let secret = Path::new(&secret);
    std::fs::create_dir("/build/target/elsewhere")?;
    std::os::unix::fs::symlink(secret.parent().unwrap(), "/build/target/elsewhere/release")?;
    let name = secret.file_name().unwrap().to_str().unwrap();
    announce(&format!("/build/target/elsewhere/release/{name}"));
    Ok(())
}
