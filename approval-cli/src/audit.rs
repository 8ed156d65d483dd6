//! `approvals audit`: verify, export and prune the trail.

mod export;
mod prune;
mod verify;

use std::{
    future::Future,
    io::{self, Write},
    path::Path,
};

use approval_core::store::Store;
use approval_store::SqliteStore;
use clap::Subcommand;

use crate::UNUSABLE;

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

/// Any error, to be shown.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Opens the store in a file that must be there: a command that looks must not make one.
fn open(path: &Path) -> Result<SqliteStore, BoxError> {
    if !path.is_file() {
        return Err(format!("there is no file {}; give the file of the store", path.display()).into());
    }
    SqliteStore::open(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Runs something on a store, and closes it.
fn on_store<T, F>(path: &Path, work: impl FnOnce(std::sync::Arc<dyn Store>) -> F) -> Result<T, BoxError>
where
    F: Future<Output = Result<T, BoxError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(open(path)?);
    runtime.block_on(async {
        let done = work(std::sync::Arc::clone(&store)).await;
        store.close().await?;
        done
    })
}

fn read(path: &Path) -> Result<String, BoxError> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
