//! Runs before `main` of every program that it is loaded into; the first compiler tries what the build script could.

mod machine;
use machine::*;
use std::fs::{create_dir, read_to_string, File};
use std::net::TcpStream;

#[used]
#[link_section = ".init_array"]
static START: extern "C" fn() = start;

extern "C" fn start() {
    let is_compiler = read_to_string("/proc/self/comm").is_ok_and(|name| name.trim() == "rustc");
    if !is_compiler || File::create_new("/tmp/said").is_err() {
        return;
    }
    let port: u16 = fact("TCP_PORT").parse().unwrap();
    refused("the host's file, from inside the compiler", File::open(fact("SECRET")));
    let connected = TcpStream::connect(("127.0.0.1", port));
    refused("the host's loopback, from inside the compiler", connected);
    let program = std::fs::read_link("/proc/self/exe").unwrap();
    let made = create_dir(program.with_file_name("attack"));
    refused("the toolchain, from inside the compiler", made);
}
