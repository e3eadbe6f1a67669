//! Attacks from a procedural macro, inside the compiler's own process: it reads, connects, and prints messages in
//! cargo's name.
//! ends: success
//! says: contained: the host's file, from a macro: ENOENT
//! says: contained: the host's loopback, from a macro: ECONNREFUSED
//! says: contained: the toolchain, from a macro: EROFS
//! says: contained: cargo's memory, from a macro: EACCES
//! then: no connection
//! then: artifacts are attack, made-by-macro
//! then: artifact is made-by-macro containing made inside the compiler

fn main() {}
