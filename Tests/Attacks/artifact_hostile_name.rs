//! Names a file whose name has control codes for terminals in it as an artifact. Names go into the statement, into
//! URLs, and onto screens.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    let name = "evil\u{1b}[2J\r\u{202e}";
    std::fs::write(format!("{RELEASE}/{name}"), "made by the build script")?;
    // As JSON writes them.
    announce(&format!("{RELEASE}/evil\\u001b[2J\\r\\u202e"));
    Ok(())
}
