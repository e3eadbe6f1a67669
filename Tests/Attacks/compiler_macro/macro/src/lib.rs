#[path = "../../machine.rs"]
mod machine;

use machine::*;
use proc_macro::TokenStream;
use std::fs::{create_dir, read_link, write, File, OpenOptions};
use std::net::TcpStream;

#[proc_macro]
pub fn attack(_: TokenStream) -> TokenStream {
    let port: u16 = fact("TCP_PORT").parse().unwrap();
    refused("the host's file, from a macro", File::open(fact("SECRET")));
    refused(
        "the host's loopback, from a macro",
        TcpStream::connect(("127.0.0.1", port)),
    );
    let compiler = read_link("/proc/self/exe").unwrap();
    refused(
        "the toolchain, from a macro",
        create_dir(compiler.with_file_name("attack")),
    );
    let memory = OpenOptions::new().write(true).open(format!("/proc/{}/mem", parent()));
    refused("cargo's memory, from a macro", memory);

    let made = format!("{RELEASE}/made-by-macro");
    write(&made, "made inside the compiler").unwrap();
    for path in [&made, "/etc/passwd", "/build/target/release/../../source/Cargo.toml"] {
        println!("{}", message("path+file:///build/source#attack@0.1.0", path));
    }
    TokenStream::new()
}
