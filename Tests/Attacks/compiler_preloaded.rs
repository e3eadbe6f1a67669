//! Has the project's configuration load a library into the compiler, which the build script has compiled. That works:
//! the compiler and the build script are one confinement. So what runs inside the compiler must get no further than the
//! script.
//! ends: success
//! says: contained: the host's file, from inside the compiler: ENOENT
//! says: contained: the host's loopback, from inside the compiler: ECONNREFUSED
//! says: contained: the toolchain, from inside the compiler: EROFS
//! then: no connection
//! then: artifacts are attack

use std::process::Command;

fn main() {
    let compiler = std::env::var("RUSTC").unwrap();
    let arguments = [
        "--edition=2021",
        "--crate-type=cdylib",
        "-o",
        "/tmp/preloaded.so",
        "preloaded.rs",
    ];
    let status = Command::new(compiler).args(arguments).env_remove("LD_PRELOAD").status();
    assert!(status.unwrap().success());
}
