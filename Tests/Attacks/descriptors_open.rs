//! Opens files until it may open no more. The kernel has room for so many in all, and the service needs some of them.
//! ends: limit open files
//! limits: open-files=1000

mod machine;
use machine::*;
use std::fs::File;

fn main() {
    let mut files = Vec::new();
    while files.len() < 100_000 {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(_) => {
                sleep(30);
                return contained("open files", "refused, and left open");
            }
        }
    }
    escaped("open files", files.len());
}
