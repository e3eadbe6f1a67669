//! Takes memory that belongs to no process's size: files without a name, shared memory, what lies in sockets and pipes.
//! ends: limit memory
//! limits: memory=512MiB

mod machine;
use machine::*;
use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;

fn main() {
    let block = vec![1u8; 4 << 20];
    let mut files = Vec::new();
    for _ in 0..3 {
        let descriptor = call(nr::MEMFD_CREATE, &[text("attack"), 0]).unwrap();
        // SAFETY: nobody else has it.
        let mut file = unsafe { File::from_raw_fd(descriptor as i32) };
        for _ in 0..128 {
            file.write_all(&block).unwrap();
        }
        files.push(file);
    }
    const SHMAT: usize = 30;
    for key in 0..3 {
        let size = 512 << 20;
        let segment = call(nr::SHMGET, &[0x6B65_7500 + key, size, 0o1600]).unwrap();
        let start = call(SHMAT, &[segment, 0, 0]).unwrap();
        for page in (0..size).step_by(4096) {
            // SAFETY: the segment has that size.
            unsafe { ((start + page) as *mut u8).write_volatile(1) };
        }
    }
    escaped("nameless memory", "3 GiB");
}
