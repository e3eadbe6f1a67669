//! Stops everything that it may, and itself. Nothing of the build ends any more, and nothing prints.
//! ends: limit wall clock
//! limits: wall-clock=15s
//! then: nothing alive
//! then: workspace gone

mod machine;
use machine::*;

fn main() {
    let _ = std::process::Command::new("sleep").arg(fact("MARK")).spawn();
    const SIGSTOP: usize = 19;
    let everything = -1isize as usize;
    let _ = call(nr::KILL, &[everything, SIGSTOP]);
    let _ = call(nr::KILL, &[call(nr::GETPID, &[]).unwrap(), SIGSTOP]);
}
