//! Computes on every processor of the machine, as those do who mine coins on machines of others.
//! ends: limit processor time
//! limits: processor-time=10s, wall-clock=1200s
//! then: nothing alive

mod machine;
use machine::*;
use std::time::{Duration, Instant};

fn main() {
    // In processes: a limit per process would count each for itself.
    let processors = std::thread::available_parallelism().unwrap().get();
    let children: Vec<_> = (0..2 * processors).map(|_| fork(compute).unwrap()).collect();
    for child in children {
        let _ = wait(child);
    }
    escaped("computing on every processor", "600 s of the wall clock");
}

fn compute() {
    let start = Instant::now();
    let mut number = 1u64;
    while start.elapsed() < Duration::from_secs(600) {
        for _ in 0..1_000_000 {
            number = std::hint::black_box(number.wrapping_mul(6364136223846793005).wrapping_add(1));
        }
    }
}
