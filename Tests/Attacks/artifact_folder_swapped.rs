//! Moves cargo's output folder elsewhere while the binary is linked and leaves a link in its place. cargo follows the
//! link and notices nothing; whoever collects must not.
//! ends: fails build.artifact_unusable

mod machine;
use machine::*;

fn main() {
    while_linking("cd /build/target && mv release elsewhere && ln -s elsewhere release && cd /");
}
