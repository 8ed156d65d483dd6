//! `approvals audit export`.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use approval_core::{
    audit::{CsvExporter, Exporter},
    checked_file::FileChecks,
    model::{address::shown_path, visible::neutral},
};
use clap::{Args, ValueEnum};

use super::{BoxError, on_store};
use crate::{FINE, Terminal, files::file};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE")]
    store: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// A new file to write to; standard output unless given
    #[arg(long, value_name = "FILE", value_parser = file())]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// JSON Lines: everything that is needed to verify, seals included
    Jsonl,
    /// A table for people; it proves nothing
    Csv,
}

pub(super) fn run(
    arguments: &Arguments,
    checks: FileChecks,
    (terminal, out): (Terminal, &mut dyn Write),
) -> Result<u8, BoxError> {
    let mut file = match &arguments.out {
        Some(path) => {
            // Never over an earlier one: it may be the only one of its time.
            let file = OpenOptions::new().write(true).create_new(true).open(path);
            Some(file.map_err(|error| format!("{}: {error}", shown_path(path)))?)
        }
        None => None,
    };
    // A terminal acts on what agents wrote; a file or a pipe gets every byte, for they are what is hashed.
    let shown = terminal.0 && file.is_none();
    let to: &mut dyn Write = match &mut file {
        Some(file) => file,
        None => out,
    };
    let mut write = |page: &str| {
        if shown { to.write_all(neutral(page).as_bytes()) } else { to.write_all(page.as_bytes()) }
    };
    on_store(&arguments.store, checks, async |store| {
        match arguments.format {
            Format::Jsonl => {
                let mut exporter = Exporter::new(&*store);
                while let Some(page) = exporter.next().await? {
                    write(&page)?;
                }
            }
            Format::Csv => {
                let mut exporter = CsvExporter::new(&*store);
                while let Some(page) = exporter.next().await? {
                    write(&page)?;
                }
            }
        }
        Ok(())
    })?;
    to.flush()?;
    if let Some(file) = file {
        file.sync_all()?;
    }
    Ok(FINE)
}
