//! Brings a toolchain along and names it in `rust-toolchain.toml`, which rustup's proxies obey: whoever calls those
//! runs the source's own cargo.
//! ends: success
//! says: contained: the source's toolchain: not run

mod machine;
use machine::*;

fn main() {
    match std::fs::metadata("/tmp/toolchain") {
        Ok(_) => escaped("the source's toolchain", "it ran"),
        Err(_) => contained("the source's toolchain", "not run"),
    }
}
