//! Has the linker leave a link to a file of the host where the binary should be: the message that names it is cargo's
//! own and true.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() {
    // cargo passes over what is not there: a file that is there inside and outside.
    while_linking("ln -sf /etc/passwd \"$out\"; exit");
}
