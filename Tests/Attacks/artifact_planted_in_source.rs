//! Brings finished binaries along in the source, in the folder where its configuration tells cargo to put its output:
//! whoever takes what lies there takes what this build has not made.
//! ends: success
//! says: contained: a planted binary in the output folder: ENOENT
//! says: contained: cargo's output folder: /build/target
//! then: artifacts are attack
//! then: artifact is attack containing compiled from this source

mod machine;
use machine::*;

fn main() {
    refused(
        "a planted binary in the output folder",
        std::fs::metadata(format!("{RELEASE}/planted")),
    );
    let out = std::env::var("OUT_DIR").unwrap();
    if out.starts_with("/build/target/release/") {
        contained("cargo's output folder", "/build/target");
    } else {
        escaped("cargo's output folder", out);
    }
}
