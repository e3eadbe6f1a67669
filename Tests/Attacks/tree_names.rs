//! Leaves files with names that programs stumble over: line breaks, options, bytes that are no text, the longest there
//! are, and links that lead out, for whoever removes or lists them.
//! ends: success
//! says: contained: strange names and links: made, for whoever removes them
//! then: workspace gone
//! then: host files unchanged

mod machine;
use machine::*;
use std::ffi::OsStr;
use std::fs::write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

fn main() -> std::io::Result<()> {
    for root in ["/build/target", "/build/source"].map(Path::new) {
        let longest = "n".repeat(255);
        for name in [
            b"-rf" as &[u8],
            b"a\nb",
            b" ",
            b"*",
            b"\xFF\xFE",
            b"$(reboot)",
            b"...",
            longest.as_bytes(),
        ] {
            write(root.join(OsStr::from_bytes(name)), "")?;
        }
        symlink(fact("SECRET"), root.join("link-to-a-file"))?;
        symlink(fact("DATA_FOLDER"), root.join("link-to-a-folder"))?;
        symlink("/", root.join("link-to-the-root"))?;
        symlink("link-to-itself", root.join("link-to-itself"))?;
    }
    contained("strange names and links", "made, for whoever removes them");
    Ok(())
}
