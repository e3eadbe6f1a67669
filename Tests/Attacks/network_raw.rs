//! Opens sockets that see and forge packets: of the link layer, and raw ones of the Internet protocols.
//! ends: success
//! says: contained: a packet socket: EAFNOSUPPORT
//! says: contained: a packet socket by its older name: EAFNOSUPPORT
//! says: contained: a raw IPv4 socket: EPERM
//! says: contained: a raw IPv6 socket: EPERM

mod machine;
use machine::*;

fn main() {
    const SOCK_RAW: usize = 3;
    const ALL_PROTOCOLS: usize = 0x0300;
    refused("a packet socket", call(nr::SOCKET, &[17, SOCK_RAW, ALL_PROTOCOLS]));
    // AF_INET with SOCK_PACKET: the kernel turns it into the former, where a filter sees an Internet socket.
    refused(
        "a packet socket by its older name",
        call(nr::SOCKET, &[2, 10, ALL_PROTOCOLS]),
    );
    refused("a raw IPv4 socket", call(nr::SOCKET, &[2, SOCK_RAW, 1]));
    refused("a raw IPv6 socket", call(nr::SOCKET, &[10, SOCK_RAW, 58]));
}
