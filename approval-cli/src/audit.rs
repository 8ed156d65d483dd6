//! `approvals audit`: verify, export and prune the trail.

mod export;
mod prune;
mod verify;

use std::{
    io::{self, Write},
    path::Path,
};

use clap::Subcommand;

use crate::{
    UNUSABLE,
    store::{BoxError, on_store},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find the first line of the trail that was edited, dropped, added, moved or cut off
    Verify(verify::Arguments),
    /// Write the trail as JSON Lines, which can be verified, or as CSV for people
    Export(export::Arguments),
    /// Remove old finished requests, after a seal says that they are let go
    Prune(prune::Arguments),
}

pub(crate) fn run(command: &Command, out: &mut dyn Write, errors: &mut dyn Write) -> io::Result<u8> {
    let done = match command {
        Command::Verify(arguments) => verify::run(arguments, out),
        Command::Export(arguments) => export::run(arguments, out),
        Command::Prune(arguments) => prune::run(arguments, out),
    };
    match done {
        Ok(status) => Ok(status),
        Err(error) => {
            writeln!(errors, "error: {error}")?;
            Ok(UNUSABLE)
        }
    }
}

fn read(path: &Path) -> Result<String, BoxError> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
