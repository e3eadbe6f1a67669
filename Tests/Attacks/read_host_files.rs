//! Reads files of the host by their paths: one that everybody may read, password hashes, home folders, credentials,
//! logs, and the whole disk.
//! ends: success
//! says: contained: a file that everybody may read: ENOENT
//! says: contained: the password hashes: ENOENT
//! says: contained: root's home folder: ENOENT
//! says: contained: root's SSH key: ENOENT
//! says: contained: the host's own SSH key: ENOENT
//! says: contained: the container's token: ENOENT
//! says: contained: the logs: ENOENT
//! says: contained: the machine's id: ENOENT
//! says: contained: the boot partition: ENOENT
//! says: contained: home folders: only build
//! then: host files unchanged

mod machine;
use machine::*;

fn main() {
    match std::fs::read_to_string(fact("SECRET")) {
        Ok(text) if text.starts_with("secret") => escaped("a file that everybody may read", text.trim()),
        Ok(_) => escaped("a file that everybody may read", "another file is in its place"),
        Err(error) => contained("a file that everybody may read", name(&error)),
    }
    for (what, path) in [
        ("the password hashes", "/etc/shadow"),
        ("root's home folder", "/root"),
        ("root's SSH key", "/root/.ssh/id_ed25519"),
        ("the host's own SSH key", "/etc/ssh/ssh_host_ed25519_key"),
        ("the container's token", "/run/secrets/kubernetes.io"),
        ("the logs", "/var/log"),
        ("the machine's id", "/etc/machine-id"),
        ("the boot partition", "/boot"),
    ] {
        unreadable(what, path);
    }
    let homes: Vec<_> = std::fs::read_dir("/home")
        .unwrap()
        .map(|home| home.unwrap().file_name())
        .collect();
    match &homes[..] {
        [only] if only == "build" => contained("home folders", "only build"),
        _ => escaped("home folders", format_args!("{homes:?}")),
    }
}
