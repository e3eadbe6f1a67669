//! One hash function, for Rust and for C.

pub fn hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// # Safety
/// `bytes` points to `count` bytes that can be read.
#[no_mangle]
pub unsafe extern "C" fn workspace_hash(bytes: *const u8, count: usize) -> u64 {
    hash(std::slice::from_raw_parts(bytes, count))
}
