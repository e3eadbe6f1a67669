//! Starts threads until no more can be had. To the kernel each is a process.
//! ends: limit processes
//! limits: processes=200

mod machine;
use machine::*;
use std::thread;
use std::time::Duration;

const ENOUGH: usize = 2000;

fn main() {
    let mut started = 0;
    for _ in 0..300 {
        let start = || thread::Builder::new().stack_size(32 << 10).spawn(|| sleep(300));
        while started < ENOUGH && start().is_ok() {
            started += 1;
        }
        if started == ENOUGH {
            return escaped("a bomb of threads", format_args!("{started} threads"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    contained("a bomb of threads", "refused, and left running");
}
