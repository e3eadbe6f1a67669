//! Writes where later builds read: the toolchain, the system's programs and libraries, its configuration, the root
//! folder. One changed compiler would be in every later build.
//! ends: success
//! says: contained: the compiler's folder: EROFS
//! says: contained: the toolchain's libraries: EROFS
//! says: contained: /usr/bin: EROFS
//! says: contained: /usr/local/bin: EROFS
//! says: contained: /usr/lib: EROFS
//! says: contained: /etc: EROFS
//! says: contained: /run: EROFS
//! says: contained: /var: EROFS
//! says: contained: /: EROFS
//! says: contained: /dev: EROFS
//! says: contained: removing the compiler: EROFS

mod machine;
use machine::*;
use std::fs::{create_dir, remove_file};
use std::path::Path;

fn main() {
    let compiler = std::env::var("RUSTC").unwrap();
    let programs = Path::new(&compiler).parent().unwrap();
    let libraries = programs.parent().unwrap().join("lib");
    // New names, because an existing file already refuses whoever does not own it: here the mount must.
    for (what, folder) in [
        ("the compiler's folder", programs),
        ("the toolchain's libraries", &libraries),
        ("/usr/bin", Path::new("/usr/bin")),
        ("/usr/local/bin", Path::new("/usr/local/bin")),
        ("/usr/lib", Path::new("/usr/lib")),
        ("/etc", Path::new("/etc")),
        ("/run", Path::new("/run")),
        ("/var", Path::new("/var")),
        ("/", Path::new("/")),
        ("/dev", Path::new("/dev")),
    ] {
        refused(what, create_dir(folder.join("attack")));
    }
    refused("removing the compiler", remove_file(&compiler));
}
