//! Connects to a port of the host's loopback, where databases, metrics and the service itself listen and believe who
//! asks.
//! ends: success
//! says: contained: tcp to the host's loopback: ECONNREFUSED
//! says: contained: tcp to the host's loopback over IPv6: ECONNREFUSED
//! then: no connection

mod machine;
use machine::*;
use std::net::TcpStream;

fn main() {
    let port: u16 = fact("TCP_PORT").parse().unwrap();
    refused("tcp to the host's loopback", TcpStream::connect(("127.0.0.1", port)));
    refused(
        "tcp to the host's loopback over IPv6",
        TcpStream::connect(("::1", port)),
    );
}
