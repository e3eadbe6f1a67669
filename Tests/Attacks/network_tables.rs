//! Reads who on the host listens and talks with whom, out of the kernel's tables.
//! ends: success
//! says: contained: the host's TCP sockets: not among 0
//! says: contained: the host's unix sockets: not in the table
//! says: contained: the host's interfaces: only lo
//! says: contained: the host's routes: none

mod machine;
use machine::*;
use std::fs::read_to_string;

fn main() {
    let port: u16 = fact("TCP_PORT").parse().unwrap();
    let sockets = read_to_string("/proc/net/tcp").unwrap_or_default();
    let listening = format!(":{port:04X} ");
    if sockets.contains(&listening) {
        escaped("the host's TCP sockets", "the listener is in /proc/net/tcp");
    } else {
        let others = sockets.lines().count().saturating_sub(1);
        contained("the host's TCP sockets", format_args!("not among {others}"));
    }

    let sockets = read_to_string("/proc/net/unix").unwrap_or_default();
    if sockets.contains(&fact("ABSTRACT_NAME")) || sockets.contains(&fact("UNIX_PATH")) {
        escaped("the host's unix sockets", "the listener is in /proc/net/unix");
    } else {
        contained("the host's unix sockets", "not in the table");
    }

    let interfaces = read_to_string("/proc/net/dev").unwrap_or_default();
    let names: Vec<_> = interfaces
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    match names[..] {
        ["lo"] => contained("the host's interfaces", "only lo"),
        _ => escaped("the host's interfaces", names.join(", ")),
    }

    match read_to_string("/proc/net/route").unwrap_or_default().lines().count() {
        0 | 1 => contained("the host's routes", "none"),
        count => escaped("the host's routes", count - 1),
    }
}
