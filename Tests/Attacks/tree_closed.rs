//! Leaves folders that nobody may enter, and files that nobody may read, for whoever removes them with the build's own
//! rights.
//! ends: success
//! says: contained: closed folders and files: made, for whoever removes them
//! then: workspace gone

mod machine;
use machine::*;
use std::fs::{create_dir_all, set_permissions, write, Permissions};
use std::os::unix::fs::PermissionsExt;

fn main() -> std::io::Result<()> {
    for root in ["/build/target", "/build/source"] {
        let inner = format!("{root}/closed/closed/closed");
        create_dir_all(&inner)?;
        write(format!("{inner}/file"), "closed")?;
        for path in [
            "closed/closed/closed/file",
            "closed/closed/closed",
            "closed/closed",
            "closed",
        ] {
            set_permissions(format!("{root}/{path}"), Permissions::from_mode(0))?;
        }
    }
    contained("closed folders and files", "made, for whoever removes them");
    Ok(())
}
