//! Names an artifact below a link to a link into `/proc/self/root`, which is the root folder of whatever process looks
//! it up: the service's, when the service does.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    let secret = fact("SECRET");
    let name = secret.rsplit('/').next().unwrap();
    let folder = secret.strip_suffix(name).unwrap();
    std::fs::create_dir("/build/target/chain")?;
    std::os::unix::fs::symlink(format!("/proc/self/root{folder}"), "/build/target/chain/next")?;
    std::os::unix::fs::symlink("next", "/build/target/chain/release")?;
    announce(&format!("/build/target/chain/release/{name}"));
    Ok(())
}
