//! `approvals audit verify`.

use std::{
    io::{BufReader, Write},
    path::PathBuf,
    sync::Arc,
};

use approval_core::{
    audit::{Breach, Ed25519Keys, FileSink, Report, VerifyOptions, verify_file, verify_store},
    checked_file::{self, FileChecks},
    clock::Span,
    model::{address::shown_path, visible::neutral_line},
};
use clap::Args;

use super::{BoxError, on_store, read};
use crate::{FINE, MISTAKES, UNPROVEN, files::file};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE", required_unless_present = "trail", conflicts_with = "trail")]
    store: Option<PathBuf>,
    /// An exported trail; "-" reads it from standard input
    #[arg(long, value_name = "FILE", value_parser = file())]
    trail: Option<PathBuf>,
    /// A public key (PEM) that seals may be signed with; give those of former times too
    #[arg(long = "key", value_name = "PEM", value_parser = file())]
    keys: Vec<PathBuf>,
    /// A copy of the seals from a place where the programs on the store cannot write
    #[arg(long, value_name = "FILE", value_parser = file())]
    seals: Option<PathBuf>,
    /// The trail was exported when this seal was the last: leave newer ones of the copy aside
    #[arg(long, value_name = "NUMBER", requires = "seals")]
    as_of: Option<u64>,
    /// How much older than the last seal an event may be without being in a seal
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    grace: u32,
}

pub(super) fn run(arguments: &Arguments, checks: FileChecks, out: &mut dyn Write) -> Result<u8, BoxError> {
    let mut keys = Ed25519Keys::new();
    for path in &arguments.keys {
        keys =
            keys.with_pem(&read(path, checks)?).map_err(|error| format!("{}: {error}", shown_path(path)))?;
    }
    let options = VerifyOptions {
        keys: if arguments.keys.is_empty() { None } else { Some(Arc::new(keys)) },
        held: match &arguments.seals {
            Some(path) => FileSink::read_checked(path, checks)?,
            None => Vec::new(),
        },
        as_of: arguments.as_of,
        grace: Span::from_secs(arguments.grace.into()),
        accept_unproven: false,
    };
    let found = match (&arguments.store, &arguments.trail) {
        (Some(store), _) => {
            on_store(store, checks, async move |store| Ok(verify_store(&*store, options).await?))?
        }
        (None, Some(trail)) if trail.as_os_str() == "-" => verify_file(std::io::stdin().lock(), options)?,
        (None, Some(trail)) => {
            // Any user may have written it: it is what is verified. Reading it must come to an end.
            let file = checked_file::open(trail, FileChecks::new().allow_world_writable())
                .map_err(|error| format!("{}: {error}", shown_path(trail)))?;
            verify_file(BufReader::new(file), options)?
        }
        (None, None) => return Err("give --store or --trail".into()),
    };
    match found {
        Ok(report) => {
            tell(&report, arguments, out)?;
            Ok(FINE)
        }
        Err(breach @ Breach::RemovedNotProven { .. }) => {
            writeln!(out, "REMOVED, NOT PROVEN: {}", neutral_line(&breach.to_string()))?;
            writeln!(
                out,
                "all else is sound; give the --key that the seals are signed with, or a copy of the --seals"
            )?;
            Ok(UNPROVEN)
        }
        Err(breach) => {
            writeln!(out, "BREACH: {}", neutral_line(&breach.to_string()))?;
            Ok(MISTAKES)
        }
    }
}

fn tell(report: &Report, arguments: &Arguments, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "sound: {} requests with {} events, {} journal lines, {} requests removed by retention",
        report.requests, report.events, report.journal, report.pruned
    )?;
    match &report.last {
        Some((last, at)) => writeln!(
            out,
            "seals: {}, {} of them signed; the last is number {}, {} of {at}",
            report.seals, report.signed, last.number, last.hash
        )?,
        None => writeln!(out, "seals: none; a program that may write the store can rewrite all of it")?,
    }
    if report.sources > 0 {
        writeln!(out, "rules and people: {} texts, each fits its digest", report.sources)?;
    }
    if let Some(first) = report.without_text.first() {
        writeln!(
            out,
            "rules and people without a text: {}, the first is {first}; what they said then cannot be read here",
            report.without_text.len()
        )?;
    }
    if report.unsealed > 0 {
        writeln!(out, "not sealed yet: {} events and journal lines", report.unsealed)?;
    }
    if arguments.keys.is_empty() {
        writeln!(out, "not checked: the signatures, for no --key was given")?;
    }
    if arguments.seals.is_none() {
        writeln!(
            out,
            "not checked: whether the end was cut off, or all of it replaced, for no copy of the --seals was given"
        )?;
    }
    Ok(())
}
