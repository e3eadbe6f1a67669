//! Takes memory in many processes, each within what a limit per process would allow.
//! ends: limit memory
//! limits: memory=512MiB

mod machine;
use machine::*;

fn main() {
    let children: Vec<_> = (0..24).map(|_| fork(take).unwrap()).collect();
    let ended = children.into_iter().filter(|child| wait(*child) == Ok(0)).count();
    if ended == 24 {
        escaped("24 processes with 128 MiB each", "all of them ended well");
    }
    // What was killed is lost; a limit that only kills one process of many is not noticed otherwise.
}

fn take() {
    let block = vec![1u8; 128 << 20];
    sleep(60);
    std::hint::black_box(block);
}
