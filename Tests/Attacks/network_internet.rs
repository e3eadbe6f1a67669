//! Connects to public addresses and to the one where clouds hand out a machine's credentials: code and secrets would
//! leave, and inputs come in that no lockfile names.
//! ends: success
//! says: contained: tcp to a public address: ENETUNREACH
//! says: contained: tcp to a public address over IPv6: ENETUNREACH
//! says: contained: tcp to the cloud's metadata service: ENETUNREACH

mod machine;
use machine::*;
use std::net::TcpStream;
use std::time::Duration;

fn main() {
    for (what, address) in [
        ("tcp to a public address", "1.1.1.1:443"),
        ("tcp to a public address over IPv6", "[2606:4700:4700::1111]:443"),
        ("tcp to the cloud's metadata service", "169.254.169.254:80"),
    ] {
        let address = address.parse().unwrap();
        refused(what, TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    }
}
