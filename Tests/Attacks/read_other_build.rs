//! Reads and changes the workspace of another build that runs at the same time: by its path, by a path that leaves the
//! own workspace, and by a link.
//! ends: success
//! says: contained: another workspace by its path: ENOENT
//! says: contained: a folder in another workspace: ENOENT
//! says: contained: another workspace through a link: ENOENT
//! says: contained: what lies beside the own workspace: source, target
//! says: contained: a file above the own workspace: EROFS

mod machine;
use machine::*;
use std::fs::{create_dir, read_dir};
use std::os::unix::fs::symlink;

fn main() -> std::io::Result<()> {
    let other = fact("OTHER_WORKSPACE");
    unreadable("another workspace by its path", &other);
    refused(
        "a folder in another workspace",
        create_dir(format!("{other}/source/attack")),
    );
    symlink(&other, "/build/target/other")?;
    unreadable("another workspace through a link", "/build/target/other");
    let mut names = Vec::new();
    for entry in read_dir("/build")? {
        names.push(entry?.file_name().into_string().unwrap());
    }
    names.sort();
    // Kettle's own configuration for crates may be there too.
    if names
        .iter()
        .all(|name| ["source", "target", "vendor", ".cargo"].contains(&name.as_str()))
    {
        contained("what lies beside the own workspace", names.join(", "));
    } else {
        escaped("what lies beside the own workspace", names.join(", "));
    }
    refused("a file above the own workspace", create_dir("/build/attack"));
    Ok(())
}
