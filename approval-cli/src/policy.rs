//! `approvals policy`.

mod check;
mod sample;
mod suggest;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use approval_core::{
    checked_file::FileChecks,
    file::{ApprovalsFile, FileError},
    model::visible::neutral_line,
};
use clap::{Args, Subcommand};

use crate::{MISTAKES, UNUSABLE, files::file};

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
    #[arg(value_parser = file())]
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(
    command: &Command,
    checks: FileChecks,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    match command {
        Command::Check(Check { file, json }) => check::run(file, checks, *json, out, errors),
        Command::Test(test) => sample::run(test, checks, out, errors),
        Command::Suggest(suggest) => suggest::run(suggest, checks, out, errors),
    }
}

/// Loads a file; tells why it cannot be used.
fn load(file: &Path, checks: FileChecks, errors: &mut dyn Write) -> io::Result<Result<ApprovalsFile, u8>> {
    match ApprovalsFile::load_checked(file, checks) {
        Ok(loaded) => Ok(Ok(loaded)),
        Err(error) => {
            writeln!(errors, "{}", told(&error))?;
            Ok(Err(status(&error)))
        }
    }
}

/// Mistakes are many lines, and each shows what it repeats of the file; all else is one.
fn told(error: &FileError) -> String {
    match error {
        FileError::Mistakes(mistakes) => mistakes.to_string(),
        other => neutral_line(&other.to_string()).into_owned(),
    }
}

const fn status(error: &FileError) -> u8 {
    match error {
        FileError::Mistakes(_) => MISTAKES,
        _ => UNUSABLE,
    }
}
