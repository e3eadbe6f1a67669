//! Reserves room on the disk without writing it: 8 GiB within a second.
//! ends: limit disk
//! limits: disk=256MiB
//! then: workspace gone

mod machine;
use machine::*;
use std::os::fd::AsRawFd;

fn main() {
    ignore_signal(25);
    let files: Vec<_> = (0..64)
        .map(|number| std::fs::File::create(format!("/build/target/filler-{number}")).unwrap())
        .collect();
    let mut reserved = 0;
    for file in &files {
        for size in [128 << 20, 16 << 20, 1 << 20, 64 << 10] {
            // Beyond what it has: the file's size does not show it.
            const KEEP_SIZE: usize = 1;
            let descriptor = file.as_raw_fd() as usize;
            if call(nr::FALLOCATE, &[descriptor, KEEP_SIZE, 0, size]).is_ok() {
                reserved += size;
                break;
            }
        }
    }
    // Held for as long as it takes to be noticed.
    sleep(30);
    if reserved == 64 * (128 << 20) {
        return escaped("reserving disk", "8 GiB");
    }
    exit(1);
}
