//! `approvals audit source`: the rules and the people of then.

use std::io::Write;

use approval_core::{
    RequestId,
    audit::{next_source, read_source},
    checked_file::FileChecks,
    model::{Basis, EventKind, EventLine, SourceDigest},
    store::{Store, StoreError},
};
use clap::Args;

use super::{BoxError, on_store};
use crate::FINE;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE")]
    store: std::path::PathBuf,
    /// Whose text is printed: a digest of rules or people, or the first 8 or more of its digits. Without it, all are listed
    #[arg(value_name = "DIGEST", value_parser = digits)]
    digest: Option<String>,
    /// List what was in force at each step of this request, instead
    #[arg(long, value_name = "ID", conflicts_with = "digest")]
    request: Option<RequestId>,
}

/// Fewest digits that a digest can be named by.
const FEWEST: usize = 8;

fn digits(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.len() >= FEWEST && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(digits.to_owned());
    }
    Err(format!("a digest is given by {FEWEST} or more lower-case hexadecimal digits"))
}

pub(super) fn run(arguments: &Arguments, checks: FileChecks, out: &mut dyn Write) -> Result<u8, BoxError> {
    let Arguments { store, digest, request } = arguments;
    let said = on_store(store, checks, async |store| match (digest, request) {
        (Some(digits), _) => text(&*store, digits).await,
        (None, Some(request)) => steps(&*store, *request).await,
        (None, None) => list(&*store).await,
    })?;
    writeln!(out, "{said}")?;
    Ok(FINE)
}

/// Every digest that there is a text for.
async fn all(store: &dyn Store) -> Result<Vec<SourceDigest>, BoxError> {
    let mut all = Vec::new();
    while let Some(next) = next_source(store, all.last().copied()).await? {
        all.push(next);
    }
    Ok(all)
}

async fn list(store: &dyn Store) -> Result<String, BoxError> {
    let mut lines = Vec::new();
    for digest in all(store).await? {
        let gone = || format!("the text {digest} was removed while it was listed; list the texts again");
        let source = read_source(store, digest).await?.ok_or_else(gone)?;
        lines.push(format!("{digest}  {} bytes", source.text().len()));
    }
    Ok(if lines.is_empty() { "no texts of rules or people are kept".to_owned() } else { lines.join("\n") })
}

async fn text(store: &dyn Store, digits: &str) -> Result<String, BoxError> {
    let mut found = all(store).await?.into_iter().filter(|digest| digest.hex().starts_with(digits));
    let none = || format!("no text of rules or people is kept under {digits}");
    let digest = found.next().ok_or_else(none)?;
    if found.next().is_some() {
        return Err(format!("several digests begin with {digits}: give more digits").into());
    }
    let source = read_source(store, digest).await?.ok_or_else(none)?;
    Ok((**source.text()).to_owned())
}

async fn steps(store: &dyn Store, request: RequestId) -> Result<String, BoxError> {
    let history = store.history(request).await?;
    if history.is_empty() {
        return Err(format!("there is no request {request}").into());
    }
    let lines = history.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<String> = lines.into_iter().flatten().collect();
    Ok(if lines.is_empty() {
        "names no rules and no people: they have no text, or it is older than this record".to_owned()
    } else {
        lines.join("\n")
    })
}

/// What was in force when a line of history was written, if it says so.
fn step(line: &EventLine) -> Result<Option<String>, BoxError> {
    let event = line
        .event()
        .map_err(|e| StoreError::unreadable(format!("line {} of the history is no event: {e}", line.seq)))?;
    let Some(Basis { policy, directory, .. }) = event.what.basis() else { return Ok(None) };
    let word = match event.what {
        EventKind::Created { .. } => "created",
        EventKind::Edited { .. } => "edited",
        EventKind::Consumed { .. } => "consumed",
        _ => "changed",
    };
    let named = [("policy", policy), ("directory", directory)];
    let named = named.into_iter().filter_map(|(what, digest)| Some(format!("{what} {}", short(digest?))));
    let named: Vec<String> = named.collect();
    Ok(Some(format!("{} {word}: {}", event.at, named.join(", "))))
}

/// The first digits of a digest, enough to name it.
fn short(digest: SourceDigest) -> String {
    digest.hex().chars().take(12).collect()
}
