//! Starts processes as fast as it can. Each is one of the host's too, and when those run out nobody can log in.
//! ends: limit processes
//! limits: processes=200
//! then: nothing alive

mod machine;
use machine::*;

/// Enough to show that there is no limit, and few enough for a machine to survive that.
const ENOUGH: usize = 2000;

fn main() {
    let mut started = 0;
    // For as long as it is refused it tries again: a limit that only refuses does not end it.
    for _ in 0..300 {
        while started < ENOUGH && fork(stay).is_ok() {
            started += 1;
        }
        if started == ENOUGH {
            return escaped("a fork bomb", format_args!("{started} processes"));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    contained("a fork bomb", "refused, and left running");
}

/// Without descriptors, so that nothing waits for it.
fn stay() {
    let _ = call(nr::CLOSE_RANGE, &[0, u32::MAX as usize, 0]);
    sleep(300);
}
