//! Looks a name up, through the resolver and by a datagram to a name server. A name is enough to carry a secret out.
//! ends: success
//! says: contained: a name by the resolver: failed to lookup address information: Temporary failure in name resolution
//! says: contained: a datagram to a name server: ENETUNREACH
//! says: contained: a datagram to a name server over IPv6: ENETUNREACH
//! says: contained: a name server on this machine: ECONNREFUSED

mod machine;
use machine::*;
use std::net::{ToSocketAddrs, UdpSocket};

/// Asks for the address of `example.com`.
const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";

fn main() -> std::io::Result<()> {
    refused("a name by the resolver", ("secret.example.com", 443).to_socket_addrs());
    refused(
        "a datagram to a name server",
        UdpSocket::bind("0.0.0.0:0")?.send_to(QUESTION, "8.8.8.8:53"),
    );
    let socket = UdpSocket::bind("[::]:0")?;
    let server = "[2001:4860:4860::8888]:53";
    refused(
        "a datagram to a name server over IPv6",
        socket.send_to(QUESTION, server),
    );
    // Where systemd-resolved listens, which asks for others.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect("127.0.0.53:53")?;
    socket.send(QUESTION)?;
    refused("a name server on this machine", socket.send(QUESTION));
    Ok(())
}
