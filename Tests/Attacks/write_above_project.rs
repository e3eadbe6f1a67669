//! Plants cargo's and git's configuration above the project, where both look for it, for this build's remaining
//! commands and for later builds.
//! ends: success
//! says: contained: cargo's configuration above the project: EROFS
//! says: contained: a manifest above the project: EROFS
//! says: contained: a repository above the project: EROFS
//! says: contained: a toolchain file above the project: EROFS

mod machine;
use machine::*;
use std::fs::{create_dir, write};

fn main() {
    // With crates to build from, Kettle's own configuration is there, and as unchangeable.
    let configuration = create_dir("/build/.cargo/attack").and_then(|_| write("/build/.cargo/attack/x", ""));
    let configuration = match configuration {
        Err(error) if name(&error) == "ENOENT" => create_dir("/build/.cargo"),
        result => result,
    };
    refused("cargo's configuration above the project", configuration);
    refused(
        "a manifest above the project",
        write("/build/Cargo.toml", "[workspace]\n"),
    );
    refused("a repository above the project", create_dir("/build/.git"));
    refused(
        "a toolchain file above the project",
        write("/build/rust-toolchain.toml", ""),
    );
}
