//! Opens a socket to the host of the virtual machine. AF_VSOCK has no namespace: a network namespace does not hold it.
//! ends: success
//! says: contained: a vsock stream: EAFNOSUPPORT
//! says: contained: a vsock datagram: EAFNOSUPPORT
//! says: contained: a vsock pair: EAFNOSUPPORT

mod machine;
use machine::*;

fn main() {
    const AF_VSOCK: usize = 40;
    refused("a vsock stream", call(nr::SOCKET, &[AF_VSOCK, 1, 0]));
    refused("a vsock datagram", call(nr::SOCKET, &[AF_VSOCK, 2, 0]));
    // The kernel reads 32 bits of the family: the rest must not hide it from the filter.
    let pair = [0u32; 2];
    let hidden = AF_VSOCK | 1 << 32;
    refused("a vsock pair", call(nr::SOCKETPAIR, &[hidden, 1, 0, at(&pair)]));
}
