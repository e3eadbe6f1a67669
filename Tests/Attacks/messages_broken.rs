//! Prints messages in cargo's name that are no JSON, or nested so deeply that a recursive reader runs out of stack.
//! ends: fails toolchain.unreadable_message

mod machine;
use machine::*;

fn main() {
    let start = r#"{"reason":"compiler-artifact","x":"#;
    print_as_cargo(format!("{start}{}\n", "[".repeat(20_000)).as_bytes());
    print_as_cargo(format!("{start}\"\\ud800\"}}\n").as_bytes());
    print_as_cargo(format!("{start}1e99999999999,\"x\":1}}\n").as_bytes());
}
