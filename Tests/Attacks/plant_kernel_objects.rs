//! Leaves objects that the kernel keeps without a file, for the next build of the same user to find: System V shared
//! memory and message queues, and a POSIX message queue. They outlive their processes.
//! twice
//! ends: success
//! says: contained: shared memory of an earlier build: ENOENT
//! says: contained: a message queue of an earlier build: ENOENT
//! says: contained: a POSIX message queue of an earlier build: ENOENT

mod machine;
use machine::*;

const KEY: usize = 0x6B65_7474;
const MQ_OPEN: usize = 240;
const CREATE_EXCLUSIVELY: usize = 0o3666;

fn main() {
    refused("shared memory of an earlier build", call(nr::SHMGET, &[KEY, 4096, 0]));
    call(nr::SHMGET, &[KEY, 4096, CREATE_EXCLUSIVELY]).expect("shared memory");
    refused("a message queue of an earlier build", call(nr::MSGGET, &[KEY, 0]));
    call(nr::MSGGET, &[KEY, CREATE_EXCLUSIVELY]).expect("a message queue");
    let queue = text("kettle-attack");
    refused("a POSIX message queue of an earlier build", call(MQ_OPEN, &[queue, 0]));
    const CREATE: usize = 0o300;
    // Where Landlock is, none can be made: its folder is no writable one.
    let _ = call(MQ_OPEN, &[queue, CREATE, 0o666, 0]);
}
