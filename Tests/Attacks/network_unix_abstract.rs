//! Connects to a socket of the host in the abstract namespace, which no mount hides: only a network namespace of its
//! own does.
//! ends: success
//! says: contained: an abstract unix socket of the host: ECONNREFUSED
//! says: contained: a datagram to an abstract unix socket of the host: ECONNREFUSED
//! then: no connection

mod machine;
use machine::*;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};

fn main() -> std::io::Result<()> {
    let address = SocketAddr::from_abstract_name(fact("ABSTRACT_NAME"))?;
    refused(
        "an abstract unix socket of the host",
        UnixStream::connect_addr(&address),
    );
    let socket = UnixDatagram::unbound()?;
    refused(
        "a datagram to an abstract unix socket of the host",
        socket.send_to_addr(b"out", &address),
    );
    Ok(())
}
