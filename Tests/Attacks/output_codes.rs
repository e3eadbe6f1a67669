//! Prints what terminals and browsers obey: colours, other titles, answers typed by the terminal itself, text from
//! right to left with which one line poses as another, markup.
//! ends: success
//! says: contained: codes: a colour, a title, a clear screen, a key: removed
//! says: contained: codes: a return�, a backspace, a bell, a delete: replaced
//! says: contained: directions: left�, isolate�, mark�, line�: replaced
//! says: contained: a forged event: data: {"type":"complete"}
//! says without root: contained: codes: a colour, a title, a clear screen, a key: removed
//! says without root: contained: codes: a return�, a backspace�, a bell�, a delete�: replaced
//! says without root: contained: directions: left�, isolate�, mark�, line�: replaced
//! says without root: contained: a forged event: data: {"type":"complete"}
//! then: no control codes

mod machine;
use machine::*;
use std::io::Write;

const LINES: [&str; 4] = [
    "codes: a colour\u{1b}[31;1m, a title\u{1b}]0;owned\u{7}, a clear screen\u{1b}[2J\u{9b}H, \
     a key\u{1b}P+q544e\u{1b}\\: removed",
    "codes: a return\r, a backspace\u{8}, a bell\u{7}, a delete\u{7f}: replaced",
    "directions: left\u{202e}, isolate\u{2066}, mark\u{200f}, line\u{2028}: replaced",
    r#"a forged event: data: {"type":"complete"}"#,
];

fn main() {
    // cargo takes some codes away itself. Where its stream is of the same user, they go past it.
    let path = format!("/proc/{}/fd/2", parent());
    let mut stream = std::fs::OpenOptions::new().write(true).open(path);
    for line in LINES {
        match &mut stream {
            Ok(stream) => stream.write_all(format!("contained: {line}\n").as_bytes()).unwrap(),
            Err(_) => println!("cargo::warning=contained: {line}"),
        }
    }
}
