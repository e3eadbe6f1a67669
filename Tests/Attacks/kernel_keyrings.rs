//! Uses the kernel's keyrings, which belong to a user and not to a namespace: keys of others, and a place to leave data
//! for the next build.
//! ends: success
//! says: contained: a new key: EPERM
//! says: contained: asking for a key: EPERM
//! says: contained: the user's keyring: EPERM
//! says: contained: a session keyring: EPERM

mod machine;
use machine::*;

fn main() {
    const USER_KEYRING: usize = -4isize as usize;
    let (kind, name) = (text("user"), text("attack"));
    let added = call(nr::ADD_KEY, &[kind, name, text("secret"), 6, USER_KEYRING]);
    refused("a new key", added);
    refused("asking for a key", call(nr::REQUEST_KEY, &[kind, name, 0, 0]));
    const GET_KEYRING_ID: usize = 0;
    const JOIN_SESSION: usize = 1;
    refused(
        "the user's keyring",
        call(nr::KEYCTL, &[GET_KEYRING_ID, USER_KEYRING, 1]),
    );
    refused("a session keyring", call(nr::KEYCTL, &[JOIN_SESSION, 0]));
}
