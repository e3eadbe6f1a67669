//! Takes more than its share: real-time scheduling, which can starve the whole machine, higher priorities, larger
//! limits.
//! ends: success
//! says: contained: real-time scheduling: EPERM
//! says: contained: scheduling by deadline: EPERM
//! says: contained: a higher priority: EACCES
//! says: contained: real-time disk access: EPERM
//! says: contained: more open files: EPERM
//! says: contained: larger files: EPERM
//! says: contained: core dumps: EPERM
//! says: contained: real-time priority by limit: EPERM

mod machine;
use machine::*;

fn main() {
    const FIFO: usize = 1;
    refused(
        "real-time scheduling",
        call(nr::SCHED_SETSCHEDULER, &[0, FIFO, at(&1u32)]),
    );
    // struct sched_attr: size 48, SCHED_DEADLINE, 10 of 30 ms.
    let attributes = [48 | 6 << 32, 0u64, 0, 10_000_000, 30_000_000, 30_000_000];
    refused(
        "scheduling by deadline",
        call(nr::SCHED_SETATTR, &[0, at(&attributes), 0]),
    );
    refused("a higher priority", call(nr::SETPRIORITY, &[0, 0, -20isize as usize]));
    const REAL_TIME_CLASS: usize = 1 << 13;
    refused("real-time disk access", call(nr::IOPRIO_SET, &[1, 0, REAL_TIME_CLASS]));
    for (what, resource) in [
        ("more open files", 7),
        ("larger files", 1),
        ("core dumps", 4),
        ("real-time priority by limit", 14),
    ] {
        let mut limit = [0u64; 2];
        call(nr::PRLIMIT64, &[0, resource, 0, at(&mut limit)]).unwrap();
        limit[1] = limit[1].saturating_add(1);
        refused(what, call(nr::SETRLIMIT, &[resource, at(&limit)]));
    }
}
