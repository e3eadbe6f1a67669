//! Leaves processes behind in every way that there is to be forgotten: orphans in sessions of their own, deaf to all
//! signals, stopped, one out of another.
//! ends: success
//! then: nothing alive
//! then: workspace gone

mod machine;
use machine::*;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() {
    let mark = fact("MARK");
    let stay = || {
        // What is ignored stays ignored in the program.
        for signal in (1..=64).filter(|signal| ![9, 19, 32, 33].contains(signal)) {
            ignore_signal(signal);
        }
        let error = Command::new("sleep").arg(&mark).exec();
        panic!("{error}");
    };
    daemon(stay);
    daemon(|| {
        let _ = fork(stay);
        const SIGSTOP: usize = 19;
        let _ = call(nr::KILL, &[call(nr::GETPID, &[]).unwrap(), SIGSTOP]);
    });
    daemon(|| daemon(|| daemon(stay)));
    daemon(|| loop {
        // Always another process, each alive for a moment.
        if let Ok(1..) = call(nr::FORK, &[]) {
            exit(0);
        }
    });
}
