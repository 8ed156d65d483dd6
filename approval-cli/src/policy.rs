//! `approvals policy`.

mod check;
mod sample;
mod suggest;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use approval_core::file::{ApprovalsFile, FileError};
use clap::{Args, Subcommand};

use crate::{MISTAKES, UNUSABLE};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell every mistake in a file, each with its place and what to do
    Check(Check),
    /// Tell which rule decides about a call, why, and what people would see
    Test(sample::Test),
    /// Propose rules for actions that people always approved, as a diff to the file
    Suggest(suggest::Suggest),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file, such as approvals.yaml
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command, out: &mut dyn Write, errors: &mut dyn Write) -> io::Result<u8> {
    match command {
        Command::Check(Check { file, json }) => check::run(file, *json, out, errors),
        Command::Test(test) => sample::run(test, out, errors),
        Command::Suggest(suggest) => suggest::run(suggest, out, errors),
    }
}

/// Loads a file; tells why it cannot be used.
fn load(file: &Path, errors: &mut dyn Write) -> io::Result<Result<ApprovalsFile, u8>> {
    match ApprovalsFile::load(file) {
        Ok(loaded) => Ok(Ok(loaded)),
        Err(error) => {
            writeln!(errors, "{error}")?;
            Ok(Err(status(&error)))
        }
    }
}

const fn status(error: &FileError) -> u8 {
    match error {
        FileError::Mistakes(_) => MISTAKES,
        _ => UNUSABLE,
    }
}
