//! Becomes somebody else: root, a member of other groups, somebody with capabilities.
//! ends: success
//! says: contained: becoming root: EINVAL
//! says: contained: becoming root's group: EINVAL
//! says: contained: becoming root in all ways: EINVAL
//! says: contained: other groups: EPERM
//! says: contained: all capabilities: EPERM
//! says: contained: an ambient capability: EPERM
//! says: contained: taking new privileges again: EINVAL
//! says: contained: taking the filter off: EINVAL
//! says: contained: capabilities that are left: none

mod machine;
use machine::*;

fn main() {
    refused("becoming root", call(nr::SETUID, &[0]));
    refused("becoming root's group", call(nr::SETGID, &[0]));
    refused("becoming root in all ways", call(nr::SETRESUID, &[0, 0, 0]));
    refused("other groups", call(nr::SETGROUPS, &[1, at(&0u32)]));
    let header = [0x2008_0522u32, 0];
    let data = [u32::MAX; 6];
    refused("all capabilities", call(nr::CAPSET, &[at(&header), at(&data)]));
    const AMBIENT: usize = 47;
    const RAISE: usize = 2;
    const CAP_SYS_ADMIN: usize = 21;
    let raised = call(nr::PRCTL, &[AMBIENT, RAISE, CAP_SYS_ADMIN, 0, 0]);
    refused("an ambient capability", raised);
    const NO_NEW_PRIVILEGES: usize = 38;
    refused(
        "taking new privileges again",
        call(nr::PRCTL, &[NO_NEW_PRIVILEGES, 0, 0, 0, 0]),
    );
    const SECCOMP: usize = 22;
    refused("taking the filter off", call(nr::PRCTL, &[SECCOMP, 0, 0, 0, 0]));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let sets = status.lines().filter(|line| line.starts_with("Cap"));
    match sets
        .filter(|line| !line.ends_with("\t0000000000000000"))
        .collect::<Vec<_>>()[..]
    {
        [] => contained("capabilities that are left", "none"),
        ref left => escaped("capabilities that are left", left.join(", ")),
    }
}
