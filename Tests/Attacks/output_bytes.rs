//! Prints one line of 100 MB, which whoever waits for its end has to hold in memory.
//! ends: limit output bytes
//! limits: output-bytes=16MiB

mod machine;
use machine::*;

fn main() {
    while_linking("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo ESCAPED: a line of 100 MB: printed");
}
