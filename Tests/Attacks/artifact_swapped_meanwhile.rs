//! Leaves a process behind that keeps exchanging two files as fast as it can, one of which is named as an artifact.
//! Collected while that goes on, the bytes that are kept would not be those with the digest in the statement.
//! ends: success
//! then: artifacts are attack, extra
//! then: artifact is extra containing one of two contents
//! then: bundle verifies
//! then: nothing alive

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    let (first, second) = (format!("{RELEASE}/extra"), format!("{RELEASE}/other"));
    std::fs::write(&first, "1: one of two contents".repeat(100_000))?;
    std::fs::write(&second, "2: one of two contents".repeat(100_000))?;
    announce(&first);
    daemon(|| {
        const RENAME_EXCHANGE: usize = 2;
        let (first, second) = (text(&first), text(&second));
        loop {
            let _ = call(nr::RENAMEAT2, &[AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE]);
        }
    });
    Ok(())
}
