//! Connects to sockets of host services by their paths. Whoever reaches a container engine's or the message bus's
//! socket can have the host do things.
//! ends: success
//! says: contained: a unix socket of the host: ENOENT
//! says: contained: /run/docker.sock: ENOENT
//! says: contained: /run/containerd/containerd.sock: ENOENT
//! says: contained: /run/dbus/system_bus_socket: ENOENT
//! says: contained: /run/systemd/private: ENOENT
//! says: contained: /run/udev/control: ENOENT
//! then: no connection

mod machine;
use machine::*;
use std::os::unix::net::UnixStream;

fn main() {
    refused("a unix socket of the host", UnixStream::connect(fact("UNIX_PATH")));
    for path in [
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/dbus/system_bus_socket",
        "/run/systemd/private",
        "/run/udev/control",
    ] {
        refused(path, UnixStream::connect(path));
    }
}
