//! Makes system calls by the numbers of other architectures, which a filter for this one does not know: 32-bit calls
//! and those of x32. Each ends its process.
//! ends: success
//! says: contained: a 32-bit system call: signal 31
//! says: contained: an x32 system call: signal 31
//! says: contained: 32-bit mount: signal 31

mod machine;
use machine::*;

fn main() {
    attempt("a 32-bit system call", || old_call(20));
    const X32: usize = 0x4000_0000;
    attempt("an x32 system call", || {
        let _ = call(X32 | nr::GETPID, &[]);
    });
    attempt("32-bit mount", || old_call(21));
}

/// Does something in a child process, which is expected not to survive it.
fn attempt(what: &str, body: impl FnOnce()) {
    match wait(fork(body).unwrap()) {
        Err(signal) => contained(what, format_args!("signal {signal}")),
        Ok(_) => escaped(what, "it was made"),
    }
}

fn old_call(number: i32) {
    // SAFETY: an attack has no safety to lose.
    unsafe {
        std::arch::asm!("int 0x80", inout("eax") number => _, in("ecx") 0, in("edx") 0);
    }
}
