//! `approvals store`: copies a store to another one, compares two, and does what operators do to a whole store.

mod screen;

use std::io::{self, Write};

use approval_core::{
    checked_file::FileChecks,
    model::visible::neutral_line,
    transfer::{Contents, Progress, Transfer, TransferError},
};
use approval_store::StoreUrl;
use clap::{Args, Subcommand};
use tokio::sync::watch;

use self::screen::Screen;
use crate::{
    FINE, MISTAKES, Terminal, UNUSABLE, archive,
    clean::{self, Lines},
    operate,
    store::{BoxError, Missing, name_of, named, run_on},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy everything into an empty store, and make sure that both are equal; run again after a crash, it goes on
    ///
    /// Nothing should work with FROM meanwhile, nor afterwards: it is left as it is, and nothing there says that it was copied.
    /// TO can be used once the copy is done, and refuses until then. Kept are requests, histories, notices, records (halts,
    /// standing approvals, limits), the journal and the seals. A copy that was interrupted goes on when it is run again with the
    /// same FROM and TO.
    Copy(Stores),
    /// Compare a store with its copy, request by request, without writing anything
    Verify(Stores),
    /// Put documents and histories of decided requests into partitions by month; only on PostgreSQL
    Archive(archive::Arguments),
    /// Compare the clock with the latest moment that the store gave out, its mark, and confirm the clock
    ///
    /// A clock more than 400 days ahead of the mark is not believed, and one more than a minute behind it is wrong: until then nothing is
    /// opened, approved or begun. --confirm says that the clock is right and sets the mark to it, ahead or back. Stop the other programs
    /// on the store before the mark is set back.
    Clock(operate::ClockArguments),
    /// Halt every namespace of a store: nothing starts any more, what is pending is cancelled, unspent approvals are revoked
    Halt(operate::HaltArguments),
    /// Lift a halt that holds in every namespace
    Resume(operate::HaltOf),
}

#[derive(Debug, Args)]
pub(crate) struct Stores {
    /// The store to copy from: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(value_name = "FROM")]
    from: String,
    /// The store to copy to, empty or not there yet
    #[arg(value_name = "TO")]
    to: String,
}

/// Both, read. Their text has no password, and is what is shown.
struct Urls {
    from: StoreUrl,
    to: StoreUrl,
}

impl Stores {
    fn urls(&self, checks: FileChecks) -> Result<Urls, BoxError> {
        Ok(Urls { from: named(self.from.as_ref(), checks)?, to: named(self.to.as_ref(), checks)? })
    }
}

pub(crate) fn run(
    command: &Command,
    checks: FileChecks,
    (terminal, screen): (Terminal, &mut dyn Write),
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let mut screen = Screen::new(screen, terminal);
    let done = match command {
        Command::Copy(stores) => copy(stores, checks, &mut screen, out),
        Command::Verify(stores) => verify(stores, checks, &mut screen, out),
        Command::Archive(arguments) => archive::archive(arguments, out),
        Command::Clock(arguments) => operate::clock(arguments, checks, out),
        Command::Halt(arguments) => operate::halt(arguments, checks, out),
        Command::Resume(arguments) => operate::resume(arguments, checks, out),
    };
    match done {
        Ok(status) => Ok(status),
        Err(error) => {
            writeln!(errors, "error: {}", clean::error(&*error))?;
            Ok(UNUSABLE)
        }
    }
}

fn copy(
    stores: &Stores,
    checks: FileChecks,
    screen: &mut Screen<'_>,
    out: &mut dyn Write,
) -> Result<u8, BoxError> {
    let urls = stores.urls(checks)?;
    let done = on_both(&urls, Missing::Make, screen, async |transfer| transfer.copy().await);
    let copied = done?.map_err(|(error, last)| {
        let go_on = last.filter(|_| error.can_resume()).map_or_else(String::new, |progress| {
            let Progress { step, done, .. } = progress;
            format!("\n{done} {step} so far; run the same command again, and it goes on from there")
        });
        Lines(format!("{}{go_on}", neutral_line(&shown(error).to_string())))
    })?;
    let Urls { from, to } = &urls;
    if copied.before {
        writeln!(out, "{to} was copied from {from} already, until {}; nothing was done", copied.at)?;
        writeln!(out, "to compare the two: approvals store verify {from} {to}")?;
        return Ok(FINE);
    }
    writeln!(out, "copied to {to}, and found equal: {}", list(&copied.contents))?;
    match &copied.trail {
        Some(Err(breach)) => {
            writeln!(out, "BREACH: {}", neutral_line(&breach.to_string()))?;
            writeln!(out, "the store that was copied from has it too: it was copied as it is")?;
            Ok(MISTAKES)
        }
        Some(Ok(report)) if report.seals > 0 => {
            writeln!(out, "its trail is sound and fits its {} seals; they go on from there", report.seals)?;
            if report.unproven > 0 {
                writeln!(
                    out,
                    "{} requests had been removed before; `approvals audit verify` with --key and --seals says whether that is proven",
                    report.unproven
                )?;
            }
            Ok(FINE)
        }
        Some(Ok(_)) | None => {
            writeln!(out, "its trail is sound; it has no seals")?;
            Ok(FINE)
        }
    }
}

fn verify(
    stores: &Stores,
    checks: FileChecks,
    screen: &mut Screen<'_>,
    out: &mut dyn Write,
) -> Result<u8, BoxError> {
    let urls = stores.urls(checks)?;
    let done = on_both(&urls, Missing::Refuse, screen, async |transfer| transfer.verify().await);
    let found = done?.map_err(|(error, _)| shown(error))?;
    if found.is_equal() {
        writeln!(out, "equal: {}", list(&found.equal))?;
        return Ok(FINE);
    }
    for difference in &found.differences {
        writeln!(out, "{}", neutral_line(&difference.to_string()))?;
    }
    writeln!(out, "{} differences; equal are {}", found.different, list(&found.equal))?;
    Ok(MISTAKES)
}

/// The error with the names of stores, which come from a store, as stores are shown.
fn shown(error: TransferError) -> TransferError {
    let name = |text: String| match text.parse::<StoreUrl>() {
        Ok(url) => url.to_string(),
        Err(_) => "[a store whose name is not shown]".to_owned(),
    };
    match error {
        TransferError::OtherSource { found, given } => {
            TransferError::OtherSource { found: name(found), given: name(given) }
        }
        other => other,
    }
}

fn list(contents: &Contents) -> String {
    let Contents { requests, events, notices, records, journal, .. } = contents;
    format!(
        "{requests} requests with {events} events and {notices} notices, {records} records, {journal} journal lines"
    )
}

/// Opens both stores and does something with them, showing how far it is. The inner error comes with the last progress.
fn on_both<T>(
    urls: &Urls,
    missing: Missing,
    screen: &mut Screen<'_>,
    work: impl AsyncFnOnce(&Transfer) -> Result<T, TransferError>,
) -> Result<Result<T, (TransferError, Option<Progress>)>, BoxError> {
    let from = name_of(&urls.from)?;
    if from == name_of(&urls.to)? {
        return Err(TransferError::SameStore.into());
    }
    run_on([(&urls.from, Missing::Refuse), (&urls.to, missing)], async |[source, target]| {
        let (latest, progress) = watch::channel(None::<Progress>);
        let transfer = Transfer::new(source, target).source(from).on_progress(move |progress| {
            latest.send_replace(Some(*progress));
        });
        let done = screen.while_working(work(&transfer), &progress).await?;
        let last = *progress.borrow();
        Ok(done.map_err(|error| (error, last)))
    })
}
