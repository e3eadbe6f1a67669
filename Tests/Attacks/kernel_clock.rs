//! Sets the clock, which is the host's: times in statements and the validity of certificates would be wrong.
//! ends: success
//! says: contained: setting the clock: EPERM
//! says: contained: setting the time of day: EPERM
//! says: contained: bending the clock: EPERM
//! says: contained: bending the clock by name: EPERM
//! says: contained: the clock's device: ENOENT

mod machine;
use machine::*;

fn main() {
    // With nothing to change the last two only ask, which everybody may unless a filter refuses the call itself.
    let time = [0u64; 32];
    refused("setting the clock", call(nr::CLOCK_SETTIME, &[0, at(&time)]));
    refused("setting the time of day", call(nr::SETTIMEOFDAY, &[at(&time), 0]));
    refused("bending the clock", call(nr::ADJTIMEX, &[at(&time)]));
    refused("bending the clock by name", call(nr::CLOCK_ADJTIME, &[0, at(&time)]));
    refused("the clock's device", std::fs::File::open("/dev/rtc0"));
}
