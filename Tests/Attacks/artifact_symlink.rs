//! Names a link to a file of the host as an artifact: followed by whoever collects artifacts, with the service's
//! rights, it would hand that file to the requester.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    std::os::unix::fs::symlink(fact("SECRET"), format!("{RELEASE}/evil"))?;
    announce(&format!("{RELEASE}/evil"));
    Ok(())
}
