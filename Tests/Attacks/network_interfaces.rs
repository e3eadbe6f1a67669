//! Changes the network: makes an interface and takes the loopback down, over rtnetlink and by ioctl, and opens a
//! tunnel. Who can do that in a network that is not the build's own can read and divert what others send.
//! ends: success
//! says: contained: a new interface: EPERM
//! says: contained: a new route: EPERM
//! says: contained: taking the loopback down: EPERM
//! says: contained: a tunnel: ENOENT

mod machine;
use machine::*;
use std::io;

const NETLINK_ROUTE_SOCKET: [usize; 3] = [16, 3, 0];
const RTM_NEWLINK: u16 = 16;
const RTM_NEWROUTE: u16 = 24;

fn main() {
    // struct ifinfomsg, then IFLA_LINKINFO { IFLA_INFO_KIND "dummy" }.
    let mut link = vec![0; 16];
    link.extend([16, 0, 18, 0, 10, 0, 1, 0]);
    link.extend(b"dummy\0\0\0");
    refused("a new interface", ask(RTM_NEWLINK, &link));
    // struct rtmsg of a default route over interface 1: main table, boot, universe, unicast; then RTA_OIF.
    let mut route = vec![2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
    route.extend([8, 0, 4, 0, 1, 0, 0, 0]);
    refused("a new route", ask(RTM_NEWROUTE, &route));

    let socket = call(nr::SOCKET, &[2, 2, 0]).unwrap();
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    const SIOCSIFFLAGS: usize = 0x8914;
    let result = call(nr::IOCTL, &[socket, SIOCSIFFLAGS, at(&request)]);
    refused("taking the loopback down", result);
    refused("a tunnel", std::fs::File::open("/dev/net/tun"));
}

/// Sends one request, with "acknowledge", "create" and "exclusive", and reads the kernel's answer.
fn ask(kind: u16, body: &[u8]) -> io::Result<()> {
    let socket = call(nr::SOCKET, &NETLINK_ROUTE_SOCKET)?;
    let mut message = Vec::from((16 + body.len() as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(0x605u16.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    call(nr::SENDTO, &[socket, at(&message[..]), message.len()])?;
    let mut answer = [0i32; 256];
    call(nr::RECVFROM, &[socket, at(&mut answer), 1024])?;
    match answer[4] {
        0 => Ok(()),
        negative => Err(io::Error::from_raw_os_error(-negative)),
    }
}
