use no_panic::no_panic;

#[no_panic]
fn sum(digits: u64) -> u64 {
    digits.wrapping_mul(31).wrapping_add(7)
}

fn main() {
    let process = unsafe { libc::getpid() };
    let text = simdutf8::basic::from_utf8(b"kettle").unwrap_or("not text");
    let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    let mut buffer = zmij::Buffer::new();
    println!("{text} {hash:016x} {} {}", buffer.format(1.5), sum(process as u64) > 0);
}
