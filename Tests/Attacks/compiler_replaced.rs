//! Has the project's configuration name a compiler of its own, by cargo's keys and by environment for what cargo
//! starts.
//! ends: success
//! says: contained: the project's compiler: not run
//! says: contained: the compiler that build scripts are told: the operator's

mod machine;
use machine::*;

fn main() {
    match std::fs::metadata("/tmp/compiler") {
        Ok(_) => escaped("the project's compiler", "it ran"),
        Err(_) => contained("the project's compiler", "not run"),
    }
    let compiler = std::env::var("RUSTC").unwrap();
    if compiler.starts_with("/build/") {
        escaped("the compiler that build scripts are told", compiler);
    } else {
        contained("the compiler that build scripts are told", "the operator's");
    }
}
