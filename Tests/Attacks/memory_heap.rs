//! Takes memory and uses it, until the machine has none left for the service and others.
//! ends: limit memory
//! limits: memory=512MiB

mod machine;
use machine::*;

fn main() {
    let block = vec![1u8; 3 << 30];
    escaped("3 GiB of memory", block[block.len() - 1]);
}
