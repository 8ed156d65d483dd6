//! `approvals audit`: verify, export and prune the trail, and show the rules of then.

mod export;
mod prune;
mod source;
mod verify;

use std::{
    io::{self, Write},
    path::Path,
};

use approval_core::{
    checked_file::{self, FileChecks},
    model::address::shown_path,
};
use clap::Subcommand;

use crate::{
    Terminal, UNUSABLE, clean,
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
    /// Show the rules or the people that were in force, as requests and journal lines name them
    Source(source::Arguments),
}

/// A trail is exported to `raw`, byte for byte.
pub(crate) fn run(
    command: &Command,
    checks: FileChecks,
    raw: (Terminal, &mut dyn Write),
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let done = match command {
        Command::Verify(arguments) => verify::run(arguments, checks, out),
        Command::Export(arguments) => export::run(arguments, checks, raw),
        Command::Prune(arguments) => prune::run(arguments, checks, out),
        Command::Source(arguments) => source::run(arguments, checks, out),
    };
    match done {
        Ok(status) => Ok(status),
        Err(error) => {
            writeln!(errors, "error: {}", clean::error(&*error))?;
            Ok(UNUSABLE)
        }
    }
}

/// Largest file with a key, in bytes.
const KEY_LIMIT: u64 = 1 << 20;

/// Reads a key.
fn read(path: &Path, checks: FileChecks) -> Result<String, BoxError> {
    let text = checked_file::read_text(path, KEY_LIMIT, checks);
    text.map_err(|error| format!("{}: {error}", shown_path(path)).into())
}
