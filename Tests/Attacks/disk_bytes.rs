//! Writes until the disk is full, on which the service keeps everything.
//! ends: limit disk
//! limits: disk=256MiB
//! then: workspace gone

mod machine;
use machine::*;
use std::fs::File;
use std::io::Write;

fn main() {
    let block: Vec<u8> = (0..4 << 20).map(|number: u32| (number * 2654435761) as u8).collect();
    let mut written = 0;
    let result = (0..3).try_for_each(|number| {
        let mut file = File::create(format!("/build/target/filler-{number}"))?;
        for _ in 0..128 {
            file.write_all(&block)?;
            written += block.len();
        }
        Ok::<(), std::io::Error>(())
    });
    if result.is_ok() {
        return escaped("filling the disk", format_args!("{} MiB", written >> 20));
    }
    // A disk that is full stays full, for as long as it takes to be noticed.
    sleep(30);
    exit(1);
}
