//! Sends datagrams to a port of the host's loopback, where name servers and logs listen. A datagram is refused after it
//! was sent: the next call says so.
//! ends: success
//! says: contained: udp to the host's loopback: ECONNREFUSED
//! then: no connection

mod machine;
use machine::*;
use std::net::UdpSocket;

fn main() -> std::io::Result<()> {
    let port: u16 = fact("UDP_PORT").parse().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(("127.0.0.1", port))?;
    socket.send(b"out")?;
    refused("udp to the host's loopback", socket.send(b"out"));
    Ok(())
}
