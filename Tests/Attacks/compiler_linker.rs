//! Has the project's configuration name a linker, as many projects must. It may run; what it can do is what the build
//! script can.
//! ends: success
//! says: contained: the host's file, from the project's linker: not readable
//! says: contained: the host's loopback, from the project's linker: not reachable
//! says: contained: the toolchain, from the project's linker: not writable
//! then: no connection

fn main() {
    // Left there when this very script was linked.
    let said = std::fs::read_to_string("/tmp/said").expect("the linker has not run");
    for line in said.lines() {
        println!("cargo::warning={line}");
    }
}
