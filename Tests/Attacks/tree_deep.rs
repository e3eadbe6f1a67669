//! Makes folders in folders, 10,000 deep, and paths that are longer than any path may be. Who removes them by recursion
//! runs out of stack, by path out of letters, by descriptors out of those.
//! ends: success
//! ends without root: limit files
//! says: contained: 10,000 folders in each other: made, for whoever removes them
//! says: contained: a path of 100,000 letters: made, for whoever removes it
//! then: workspace gone

mod machine;
use machine::*;
use std::env::set_current_dir;
use std::fs::create_dir;

fn main() -> std::io::Result<()> {
    set_current_dir("/build/target")?;
    for _ in 0..10_000 {
        create_dir("d")?;
        set_current_dir("d")?;
    }
    contained("10,000 folders in each other", "made, for whoever removes them");
    set_current_dir("/build/source")?;
    let name = "n".repeat(250);
    for _ in 0..400 {
        create_dir(&name)?;
        set_current_dir(&name)?;
    }
    contained("a path of 100,000 letters", "made, for whoever removes it");
    Ok(())
}
