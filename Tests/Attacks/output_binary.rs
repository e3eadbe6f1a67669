//! Prints every byte there is, zeros by the thousand and half characters, in lines and without any.
//! ends: success
//! then: no control codes
//! then: bundle verifies

mod machine;
use machine::*;

fn main() {
    let mut bytes: Vec<u8> = (0..=255).cycle().take(64 << 10).collect();
    bytes.extend([0; 64 << 10]);
    bytes.extend(b"\n\xF0\x9F\x92\n\xED\xA0\x80\n\xC0\x80\n\xFF\xFE\n\r\n\r\r\n");
    bytes.extend([0xF0; 64 << 10]);
    print_as_cargo(&bytes);
}
