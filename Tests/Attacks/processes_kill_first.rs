//! Kills the first process of the sandbox, which would report the command's end in its own words, and the launcher
//! above it.
//! ends: success
//! says: contained: killing the first process: it is still there
//! says: contained: stopping the first process: it is still there
//! says: contained: killing the service: ESRCH

mod machine;
use machine::*;

fn main() {
    for (what, signal) in [("killing the first process", 9), ("stopping the first process", 19)] {
        // The kernel drops what a namespace's first process is sent from inside; Landlock does not let it be sent.
        let sent = call(nr::KILL, &[1, signal]);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let status = std::fs::read_to_string("/proc/1/status").unwrap_or_default();
        let state = status
            .lines()
            .find_map(|line| line.strip_prefix("State:\t"))
            .unwrap_or("gone");
        if state.starts_with(['S', 'R']) {
            contained(what, "it is still there");
        } else {
            escaped(what, format_args!("{sent:?}, {state}"));
        }
    }
    let server: usize = fact("SERVER_PID").parse().unwrap();
    refused("killing the service", call(nr::KILL, &[server, 9]));
}
