//! Names a listening socket as an artifact.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    let path = format!("{RELEASE}/evil");
    std::mem::forget(std::os::unix::net::UnixListener::bind(&path)?);
    announce(&path);
    Ok(())
}
