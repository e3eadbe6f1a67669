//! Opens files and sends them through sockets that nobody reads: they stay open, and no process has them.
//! ends: success
//! limits: open-files=1000
//! says: contained: open files in sockets: ETOOMANYREFS

mod machine;
use machine::*;
use std::os::fd::AsRawFd;

const AT_A_TIME: usize = 250;

fn main() {
    let file = std::fs::File::open("/dev/null").unwrap();
    // struct cmsghdr: length, SOL_SOCKET, SCM_RIGHTS; then the descriptors.
    let mut control = vec![0u32; 4 + AT_A_TIME];
    (control[0], control[2], control[3]) = ((16 + 4 * AT_A_TIME) as u32, 1, 1);
    control[4..].fill(file.as_raw_fd() as u32);
    let part = [text("x"), 1];
    let message = [0, 0, at(&part), 1, at(&control[..]), 16 + 4 * AT_A_TIME, 0];
    for _ in 0..40 {
        let mut pair = [0u32; 2];
        const NONBLOCKING_STREAM: usize = 0o4001;
        call(nr::SOCKETPAIR, &[1, NONBLOCKING_STREAM, 0, at(&mut pair)]).unwrap();
        loop {
            match call(nr::SENDMSG, &[pair[0] as usize, at(&message), 0]) {
                Ok(_) => {}
                // This one is full.
                Err(error) if error.raw_os_error() == Some(11) => break,
                Err(error) => return contained("open files in sockets", name(&error)),
            }
        }
    }
    escaped("open files in sockets", "as many as there was room for");
}
