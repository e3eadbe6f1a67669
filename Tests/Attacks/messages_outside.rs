//! Says in cargo's name that files outside of the output folder are artifacts: absolute paths, paths that climb out,
//! the source's own files, another package's. None of them may be looked for.
//! ends: success
//! then: artifacts are attack

mod machine;
use machine::*;

fn main() {
    let secret = fact("SECRET");
    for path in [
        secret.as_str(),
        "/etc/passwd",
        "/proc/self/environ",
        "release/evil",
        "",
        "/build/target/release/../../source/Cargo.toml",
        "/build/target/../source/release/Cargo.toml",
        "/build/target/release/..",
        "/build/target/../release/evil",
        "/build/target//release/evil",
        "/build/target/./release/evil",
        "/build/target/release/",
        "/build/target/release/deps/evil",
        "/build/target/evil",
        "/build/targets/release/evil",
        "/build/source/Cargo.toml",
    ] {
        announce(path);
    }
    announce(&format!("/build/target/release/../../../..{secret}"));
    let path = format!("{RELEASE}/not-of-this-source");
    for package in [
        "registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0",
        "path+file:///build/sourcery#attack@0.1.0",
        "x path+file:///build/source#attack@0.1.0",
    ] {
        announce_from(package, &path);
    }
}
