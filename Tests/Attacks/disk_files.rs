//! Makes files without content until the disk has no room for another, though no bytes are used.
//! ends: limit files
//! limits: files=20000
//! then: workspace gone

mod machine;
use machine::*;

fn main() {
    for folder in 0..60 {
        let path = format!("/build/source/filler-{folder}");
        let result = std::fs::create_dir(&path)
            .and_then(|_| (0..1000).try_for_each(|file| std::fs::File::create(format!("{path}/{file}")).map(|_| ())));
        if result.is_err() {
            sleep(30);
            exit(1);
        }
    }
    // Where files are counted every now and then, there may be too many for a moment.
    sleep(60);
    escaped("files without content", "60,000");
}
