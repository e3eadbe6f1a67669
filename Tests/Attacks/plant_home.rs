//! Plants configuration in the home folder and in cargo's, which the next build would obey: programs in the place of
//! the compiler, shells' start files.
//! twice
//! ends: success
//! says: contained: what an earlier build left in $HOME/.cargo/config.toml: ENOENT
//! says: contained: what an earlier build left in $HOME/.gitconfig: ENOENT
//! says: contained: what an earlier build left in $HOME/.profile: ENOENT
//! says: contained: what an earlier build left in $CARGO_HOME/config.toml: ENOENT
//! says: contained: what an earlier build left in $CARGO_HOME/registry: ENOENT

mod machine;
use machine::*;
use std::env::var;
use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let home = var("HOME").unwrap();
    let cargo_home = var("CARGO_HOME").unwrap();
    let places = [
        ("$HOME/.cargo/config.toml", format!("{home}/.cargo/config.toml")),
        ("$HOME/.gitconfig", format!("{home}/.gitconfig")),
        ("$HOME/.profile", format!("{home}/.profile")),
        ("$CARGO_HOME/config.toml", format!("{cargo_home}/config.toml")),
        ("$CARGO_HOME/registry", format!("{cargo_home}/registry/attack")),
    ];
    for (what, path) in &places {
        refused(&format!("what an earlier build left in {what}"), fs::metadata(path));
    }
    for (_, path) in &places {
        fs::create_dir_all(Path::new(path).parent().unwrap())?;
        fs::write(path, "[build]\nrustc = \"/build/source/not-the-compiler\"\n")?;
    }
    Ok(())
}
