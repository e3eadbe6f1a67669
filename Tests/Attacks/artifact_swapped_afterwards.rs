//! Leaves a process behind that waits for cargo's end and then puts a link to a file of the host in the artifact's
//! place, between the build and its collection. It must be dead by then.
//! ends: success
//! then: artifacts are attack
//! then: artifact is attack containing compiled from this source
//! then: nothing alive

mod machine;
use machine::*;

fn main() {
    let cargo = parent();
    let secret = fact("SECRET");
    daemon(|| {
        while call(nr::KILL, &[cargo, 0]).is_ok() {
            std::thread::yield_now();
        }
        // The first process ends as soon as it has seen cargo's end, and everything else with it.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let path = format!("{RELEASE}/attack");
        let _ = std::fs::remove_file(&path);
        let _ = std::os::unix::fs::symlink(&secret, &path);
        let _ = std::process::Command::new("sleep").arg(fact("MARK")).spawn();
        sleep(600);
    });
}
