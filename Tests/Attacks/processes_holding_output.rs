//! Leaves a process behind that holds the script's output open, so that cargo waits for its end for ever.
//! ends: limit wall clock
//! limits: wall-clock=15s
//! then: nothing alive

mod machine;
use machine::*;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() {
    let child = fork(|| {
        let _ = call(nr::SETSID, &[]);
        let _ = fork(|| panic!("{}", Command::new("sleep").arg(fact("MARK")).exec()));
    });
    let _ = wait(child.unwrap());
}
