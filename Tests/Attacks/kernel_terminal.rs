//! Pushes characters into a terminal that the service may have been started from, where the operator's shell reads them
//! as typed.
//! ends: success
//! says: contained: pushing a character: EPERM
//! says: contained: pushing a character, the upper half of the request set: EPERM
//! says: contained: pasting into a console: EPERM
//! says: contained: the controlling terminal: ENXIO

mod machine;
use machine::*;
use std::fs::File;

fn main() {
    const TIOCSTI: usize = 0x5412;
    const TIOCLINUX: usize = 0x541C;
    let newline = b"\n";
    refused("pushing a character", call(nr::IOCTL, &[0, TIOCSTI, at(newline)]));
    // The kernel reads 32 bits; a filter that compares 64 is passed.
    let pushed = call(nr::IOCTL, &[0, TIOCSTI | 1 << 32, at(newline)]);
    refused("pushing a character, the upper half of the request set", pushed);
    refused("pasting into a console", call(nr::IOCTL, &[0, TIOCLINUX, at(b"\x03")]));
    refused("the controlling terminal", File::open("/dev/tty"));
}
