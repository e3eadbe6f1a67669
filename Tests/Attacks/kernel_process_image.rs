//! Changes how the kernel sees its own process: which program it is, where its memory lies, what its capabilities mean.
//! ends: success
//! says: contained: another program in /proc: EPERM
//! says: contained: another map of its memory: EPERM
//! says: contained: other security bits: EPERM
//! says: contained: dropping from the bounding set: EPERM
//! says: contained: dumping core into a pipe: 0 bytes

mod machine;
use machine::*;

fn main() {
    const SET_MM: usize = 35;
    const EXE_FILE: usize = 13;
    const START_STACK: usize = 5;
    refused(
        "another program in /proc",
        call(nr::PRCTL, &[SET_MM, EXE_FILE, 0, 0, 0]),
    );
    refused(
        "another map of its memory",
        call(nr::PRCTL, &[SET_MM, START_STACK, 4096, 0, 0]),
    );
    const SET_SECUREBITS: usize = 28;
    refused("other security bits", call(nr::PRCTL, &[SET_SECUREBITS, 0, 0, 0, 0]));
    const DROP_CAPABILITY: usize = 24;
    refused(
        "dropping from the bounding set",
        call(nr::PRCTL, &[DROP_CAPABILITY, 0, 0, 0, 0]),
    );
    let mut limit = [0u64; 2];
    const CORE: usize = 4;
    call(nr::PRLIMIT64, &[0, CORE, 0, at(&mut limit)]).unwrap();
    match limit[1] {
        0 => contained("dumping core into a pipe", "0 bytes"),
        bytes => escaped("dumping core into a pipe", format_args!("{bytes} bytes")),
    }
}
