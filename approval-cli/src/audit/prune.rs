//! `approvals audit prune`.

use std::{io::Write, path::PathBuf};

use approval_core::{
    audit::{Ed25519Signer, FileSink, Retention, Sealer, Sealing, prunable, prune},
    checked_file::FileChecks,
    clock::Timestamp,
    model::address::shown_path,
};
use clap::Args;

use super::{BoxError, on_store, read};
use crate::{FINE, files::file, store::moment};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE")]
    store: PathBuf,
    /// Remove requests that were opened and ended before this day (2026-01-31, in UTC) or moment (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = moment)]
    before: Timestamp,
    /// The private key (PEM) that the seals are signed with; needed if they are
    #[arg(long, value_name = "PEM", value_parser = file())]
    key: Option<PathBuf>,
    /// The file that the seals are written to besides the store; give it if there is one. May be given several times
    #[arg(long, value_name = "FILE", value_parser = file())]
    seals: Vec<PathBuf>,
    /// Remove them; without it they are only counted
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, checks: FileChecks, out: &mut dyn Write) -> Result<u8, BoxError> {
    let retention = Retention { before: arguments.before };
    let mut sealing = Sealing::new();
    if let Some(path) = &arguments.key {
        let signer = Ed25519Signer::from_pem(&read(path, checks)?);
        sealing = sealing.signer(signer.map_err(|error| format!("{}: {error}", shown_path(path)))?);
    }
    for path in &arguments.seals {
        sealing = sealing.sink(FileSink::new(path).file_checks(checks));
    }
    let (pruned, done) = on_store(&arguments.store, checks, async |store| {
        if !arguments.yes {
            return Ok((prunable(&*store, retention).await?, "would be removed (say --yes)"));
        }
        let sealer = Sealer::new(std::sync::Arc::clone(&store), sealing);
        Ok((prune(&*store, &sealer, retention).await?, "removed"))
    })?;
    writeln!(
        out,
        "{} requests from before {} {done}; {} as old stay, for they are not finished",
        pruned.removed, arguments.before, pruned.unfinished
    )?;
    if arguments.key.is_none() && arguments.seals.is_empty() {
        writeln!(
            out,
            "note: without --key and --seals nothing proves that retention removed them; `audit verify` reports them"
        )?;
    }
    Ok(FINE)
}
