//! Names a pipe as an artifact: opening it waits for a writer that never comes, and the service with it.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() {
    const FIFO: usize = 0o010_644;
    let path = format!("{RELEASE}/evil");
    call(nr::MKNOD, &[text(&path), FIFO, 0]).expect("a pipe");
    announce(&path);
}
