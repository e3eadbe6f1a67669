//! Makes files that carry rights: setuid and setgid bits, and capabilities in attributes. Whoever runs one of them
//! later, on the host say, acts as the build's user or with a capability.
//! ends: success
//! says: contained: chmod to setuid: EPERM
//! says: contained: chmod to setgid: EPERM
//! says: contained: fchmod to setuid: EPERM
//! says: contained: fchmodat2 to setuid: EPERM
//! says: contained: capabilities in an attribute: EPERM
//! says: contained: a file made with the setuid bit: of no effect, the file system is nosuid

mod machine;
use machine::*;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

fn main() -> std::io::Result<()> {
    let path = format!("{RELEASE}/setuid");
    let file = std::fs::File::create(&path)?;
    let name = text(&path);
    refused("chmod to setuid", call(nr::CHMOD, &[name, 0o4755]));
    refused("chmod to setgid", call(nr::CHMOD, &[name, 0o2755]));
    let descriptor = file.as_raw_fd() as usize;
    refused("fchmod to setuid", call(nr::FCHMOD, &[descriptor, 0o4755]));
    refused("fchmodat2 to setuid", call(nr::FCHMODAT2, &[AT_FDCWD, name, 0o4755, 0]));
    // Version 2, effective: CAP_SETUID permitted.
    let capabilities = [0x0200_0001u32, 1 << 7, 0, 0, 0];
    let attribute = text("security.capability");
    let set = call(nr::SETXATTR, &[name, attribute, at(&capabilities), 20, 0]);
    refused("capabilities in an attribute", set);

    // A filter sees the mode of openat, but not that of openat2, which is in memory.
    let made = text(&format!("{RELEASE}/made-setuid"));
    const CREATE_WRITE: u64 = 0o101;
    let how = [CREATE_WRITE, 0o4755, 0];
    let what = "a file made with the setuid bit";
    match call(nr::OPENAT2, &[AT_FDCWD, made, at(&how), 24]) {
        Err(error) => contained(what, machine::name(&error)),
        Ok(_) => {
            let mode = std::fs::metadata(format!("{RELEASE}/made-setuid"))?
                .permissions()
                .mode();
            // struct statfs: f_flags is the eleventh word; ST_NOSUID is 2.
            let mut status = [0u64; 15];
            call(nr::STATFS, &[made, at(&mut status)]).unwrap();
            if mode & 0o4000 == 0 {
                contained(what, "the bit is gone");
            } else if status[10] & 2 != 0 {
                contained(what, "of no effect, the file system is nosuid");
            } else {
                escaped(what, format_args!("mode {mode:o}"));
            }
        }
    }
    Ok(())
}
