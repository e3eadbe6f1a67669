//! Fills every file system in memory, each of which has a limit of its own, and takes the rest by other means: together
//! they must not be more than the build's memory.
//! ends: limit memory
//! limits: memory=512MiB

mod machine;
use machine::*;
use std::fs::File;
use std::io::Write;

const ENOUGH: usize = 3 << 30;

fn main() {
    let block = vec![1u8; 4 << 20];
    let mut taken = 0;
    for folder in ["/tmp", "/home/build", "/dev/shm"] {
        let mut file = File::create(format!("{folder}/filler")).unwrap();
        while taken < ENOUGH && file.write_all(&block).is_ok() {
            taken += block.len();
        }
    }
    let mut rest = Vec::new();
    while taken < ENOUGH {
        rest.push(block.clone());
        taken += block.len();
    }
    escaped("memory in files", format_args!("{} MiB", taken >> 20));
}
