//! Opens files by their numbers in the file system, which leads past every mount to all of the disk that the workspace
//! lies on.
//! ends: success
//! says: contained: the handle of a file: EPERM
//! says: contained: a file by its handle: EPERM
//! says: contained: the root of the file system by its handle: EPERM

mod machine;
use machine::*;

fn main() {
    // struct file_handle: size of the handle, its kind, and room for it.
    let mut handle = [0u32; 34];
    handle[0] = 128;
    let mut mount = 0u32;
    let found = call(
        nr::NAME_TO_HANDLE_AT,
        &[AT_FDCWD, text("/build/target"), at(&mut handle), at(&mut mount), 0],
    );
    refused("the handle of a file", found);
    let folder = call(nr::OPENAT, &[AT_FDCWD, text("/build/target"), 0]).unwrap();
    refused(
        "a file by its handle",
        call(nr::OPEN_BY_HANDLE_AT, &[folder, at(&handle), 0]),
    );
    // FILEID_INO32_GEN of ext4's root folder: inode 2, generation 0.
    let root = [8u32, 1, 2, 0];
    let opened = call(nr::OPEN_BY_HANDLE_AT, &[folder, at(&root), 0]);
    refused("the root of the file system by its handle", opened);
}
