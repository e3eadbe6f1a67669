//! Opens sockets of families and netlink protocols that no build needs: each is a part of the kernel with a history of
//! holes, or a way past the network namespace.
//! ends: success
//! says: contained: AF_ALG: EAFNOSUPPORT
//! says: contained: AF_XDP: EAFNOSUPPORT
//! says: contained: AF_BLUETOOTH: EAFNOSUPPORT
//! says: contained: AF_CAN: EAFNOSUPPORT
//! says: contained: AF_TIPC: EAFNOSUPPORT
//! says: contained: AF_RDS: EAFNOSUPPORT
//! says: contained: AF_KEY: EAFNOSUPPORT
//! says: contained: AF_QIPCRTR: EAFNOSUPPORT
//! says: contained: AF_SMC: EAFNOSUPPORT
//! says: contained: AF_MCTP: EAFNOSUPPORT
//! says: contained: a family that there is not yet: EAFNOSUPPORT
//! says: contained: netlink sock_diag: EPROTONOSUPPORT
//! says: contained: netlink xfrm: EPROTONOSUPPORT
//! says: contained: netlink audit: EPROTONOSUPPORT
//! says: contained: netlink netfilter: EPROTONOSUPPORT
//! says: contained: netlink kobject_uevent: EPROTONOSUPPORT
//! says: contained: netlink generic: EPROTONOSUPPORT
//! says: contained: netlink crypto: EPROTONOSUPPORT

mod machine;
use machine::*;

const FAMILIES: [(&str, usize, usize); 11] = [
    ("AF_ALG", 38, 5),
    ("AF_XDP", 44, 3),
    ("AF_BLUETOOTH", 31, 3),
    ("AF_CAN", 29, 3),
    ("AF_TIPC", 30, 5),
    ("AF_RDS", 21, 5),
    ("AF_KEY", 15, 3),
    ("AF_QIPCRTR", 42, 2),
    ("AF_SMC", 43, 1),
    ("AF_MCTP", 45, 2),
    ("a family that there is not yet", 1000, 1),
];

const NETLINK_PROTOCOLS: [(&str, usize); 7] = [
    ("sock_diag", 4),
    ("xfrm", 6),
    ("audit", 9),
    ("netfilter", 12),
    ("kobject_uevent", 15),
    ("generic", 16),
    ("crypto", 21),
];

fn main() {
    for (name, family, kind) in FAMILIES {
        refused(name, call(nr::SOCKET, &[family, kind, 0]));
    }
    for (name, protocol) in NETLINK_PROTOCOLS {
        refused(&format!("netlink {name}"), call(nr::SOCKET, &[16, 3, protocol]));
    }
}
