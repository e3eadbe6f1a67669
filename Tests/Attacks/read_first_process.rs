//! Looks for the host in the first process of the sandbox, which came from outside: its environment and command line
//! are the launcher's, and its root folder, working folder and open files could still be the host's.
//! ends: success
//! says: contained: its environment: nothing of the host
//! says: contained: its command line: nothing of the host
//! says: contained: its root: EACCES
//! says: contained: its working folder: EACCES
//! says: contained: its open files: EACCES
//! says: contained: its memory: EACCES

mod machine;
use machine::*;
use std::fs::{read, File};

fn main() {
    for (what, file) in [("its environment", "environ"), ("its command line", "cmdline")] {
        let bytes = read(format!("/proc/1/{file}")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
        let hosts = [
            fact("DATA_FOLDER"),
            fact("SECRET"),
            "SECRET=".into(),
            "PATH=".into(),
            "/root".into(),
        ];
        match hosts.iter().find(|host| text.contains(host.as_str())) {
            Some(found) => escaped(what, format_args!("{found} in {text}")),
            None => contained(what, "nothing of the host"),
        }
    }
    unreadable("its root", &format!("/proc/1/root{}", fact("SECRET")));
    unreadable("its working folder", "/proc/1/cwd/../../../../../../etc/shadow");
    refused("its open files", File::open("/proc/1/fd/1"));
    refused("its memory", File::open("/proc/1/mem"));
}
