//! Changes what it can see: mounts, remounts writable, unmounts what covers something, changes the root folder.
//! ends: success
//! says: contained: a file system in memory: EPERM
//! says: contained: binding the root folder: EPERM
//! says: contained: making /usr writable: EPERM
//! says: contained: making mounts shared: EPERM
//! says: contained: a control group file system: EPERM
//! says: contained: an overlay: EPERM
//! says: contained: uncovering /proc/sys: EPERM
//! says: contained: taking /home/build away: EPERM
//! says: contained: another root folder: EPERM
//! says: contained: another root mount: EPERM
//! says: contained: a file system by fsopen: EPERM
//! says: contained: a file system by fspick: EPERM
//! says: contained: a copy of a mount: EPERM
//! says: contained: moving a mount: EPERM
//! says: contained: other attributes of a mount: EPERM

mod machine;
use machine::*;

fn main() {
    let folder = text("/build/target");
    let root = text("/");
    const REMOUNT_BIND: usize = 0x1020;
    const BIND: usize = 0x1000;
    const SHARED: usize = 0x10_0000;
    for (what, source, target, kind, flags) in [
        ("a file system in memory", "none", "/build/target", "tmpfs", 0),
        ("binding the root folder", "/", "/build/target", "", BIND),
        ("making /usr writable", "none", "/usr", "", REMOUNT_BIND),
        ("making mounts shared", "none", "/", "", SHARED),
        ("a control group file system", "cgroup", "/build/target", "cgroup", 0),
        ("an overlay", "overlay", "/build/target", "overlay", 0),
    ] {
        let mounted = call(nr::MOUNT, &[text(source), text(target), text(kind), flags, 0]);
        refused(what, mounted);
    }
    const DETACH: usize = 2;
    refused("uncovering /proc/sys", call(nr::UMOUNT2, &[text("/proc/sys"), DETACH]));
    refused(
        "taking /home/build away",
        call(nr::UMOUNT2, &[text("/home/build"), DETACH]),
    );
    refused("another root folder", call(nr::CHROOT, &[folder]));
    refused("another root mount", call(nr::PIVOT_ROOT, &[folder, folder]));
    refused("a file system by fsopen", call(nr::FSOPEN, &[text("tmpfs"), 0]));
    refused("a file system by fspick", call(nr::FSPICK, &[AT_FDCWD, root, 0]));
    const OPEN_TREE_CLONE: usize = 1;
    refused(
        "a copy of a mount",
        call(nr::OPEN_TREE, &[AT_FDCWD, root, OPEN_TREE_CLONE]),
    );
    let moved = call(nr::MOVE_MOUNT, &[AT_FDCWD, text("/usr"), AT_FDCWD, folder, 0]);
    refused("moving a mount", moved);
    let writable = [0u64, 1, 0, 0];
    let set = call(nr::MOUNT_SETATTR, &[AT_FDCWD, text("/usr"), 0, at(&writable), 32]);
    refused("other attributes of a mount", set);
}
