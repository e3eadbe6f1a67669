//! Kills everything that it may: on a machine without namespaces that is everything of its user, the service included.
//! ends: fails build.command_failed
//! then: nothing alive

mod machine;
use machine::*;

fn main() {
    let everything = -1isize as usize;
    const SIGKILL: usize = 9;
    let _ = call(nr::KILL, &[everything, SIGKILL]);
    sleep(600);
}
