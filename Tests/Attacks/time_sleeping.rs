//! Does nothing, for as long as it is let, and keeps others from being built.
//! ends: limit wall clock
//! limits: wall-clock=15s
//! then: nothing alive
//! then: workspace gone

mod machine;
use machine::*;

fn main() {
    let mark = fact("MARK");
    let _ = std::process::Command::new("sleep").arg(mark).status();
}
