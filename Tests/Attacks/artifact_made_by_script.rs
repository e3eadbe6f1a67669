//! Names a file that the build script made as an artifact. That is allowed, and stays true: the file was made inside
//! this build, and the statement has the digest of its bytes.
//! ends: success
//! then: artifacts are attack, extra
//! then: artifact is extra containing made by the build script
//! then: bundle verifies

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    std::fs::write(format!("{RELEASE}/extra"), "made by the build script")?;
    announce(&format!("{RELEASE}/extra"));
    Ok(())
}
