//! Escapes by the control groups of the first kind: whoever may write a hierarchy's `release_agent` has the kernel run
//! a program of the host when a group is empty.
//! ends: success
//! says: contained: the hierarchies: ENOENT
//! says: contained: mounting a hierarchy: EPERM
//! says: contained: mounting the newer kind: EPERM
//! says: contained: a named hierarchy: EPERM
//! says: contained: the group it is in: hidden

mod machine;
use machine::*;

fn main() -> std::io::Result<()> {
    unreadable("the hierarchies", "/sys/fs/cgroup");
    let folder = "/build/target/groups";
    std::fs::create_dir(folder)?;
    for (what, kind, data) in [
        ("mounting a hierarchy", "cgroup", "rdma"),
        ("mounting the newer kind", "cgroup2", ""),
        ("a named hierarchy", "cgroup", "none,name=attack"),
    ] {
        let mounted = call(nr::MOUNT, &[text("none"), text(folder), text(kind), 0, text(data)]);
        refused(what, mounted);
    }
    let groups = std::fs::read_to_string("/proc/self/cgroup")?;
    match groups.lines().find(|line| !line.ends_with(":/")) {
        None => contained("the group it is in", "hidden"),
        Some(line) => escaped("the group it is in", line),
    }
    Ok(())
}
