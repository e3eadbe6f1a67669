//! Prints ten million lines. Each becomes an event that is stored and sent.
//! ends: limit output lines
//! limits: output-lines=100000

mod machine;
use machine::*;

fn main() {
    while_linking("yes | head -n 10000000; echo ESCAPED: ten million lines: all of them printed");
}
