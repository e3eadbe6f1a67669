//! Has the project's configuration put a program of its own between cargo and the compiler, which the statement would
//! not name.
//! ends: success
//! says: contained: the project's compiler wrapper: not run
//! says: contained: the project's workspace wrapper: not run

mod machine;
use machine::*;

fn main() {
    for what in ["compiler wrapper", "workspace wrapper"] {
        let mark = format!("/tmp/{}", what.replace(' ', "-"));
        let what = format!("the project's {what}");
        match std::fs::metadata(mark) {
            Ok(_) => escaped(&what, "it ran"),
            Err(_) => contained(&what, "not run"),
        }
    }
}
