//! `approvals policy suggest`.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use approval_core::{
    checked_file::{self, FileChecks},
    clock::Timestamp,
    model::{
        address::shown_path,
        visible::{neutral, neutral_line, visible_line},
    },
    suggest::{PassedOver, SuggestError, SuggestOptions, Suggestions, suggest},
};
use clap::Args;

use crate::{
    FINE, MISTAKES, UNUSABLE, clean,
    files::file,
    store::{BoxError, moment, on_store},
};

/// Largest file that is read, in bytes; what has rules is much smaller.
const FILE_LIMIT: u64 = 16 << 20;

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// The file, such as approvals.yaml
    #[arg(value_parser = file())]
    file: PathBuf,
    /// The store whose history is read: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE")]
    store: String,
    /// How many calls of an action people must have approved
    #[arg(long, value_name = "CALLS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    at_least: u64,
    /// Look at requests that were opened on this day (2026-01-31, in UTC), at this moment (RFC 3339), or later
    #[arg(long, value_name = "DATE", value_parser = moment)]
    since: Option<Timestamp>,
    /// Look at the requests of this tenant alone
    #[arg(long)]
    namespace: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    suggest: &Suggest,
    checks: FileChecks,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    match suggested(suggest, checks) {
        Ok(suggestions) => {
            if suggest.json {
                writeln!(out, "{}", clean::json(&suggestions)?)?;
            } else {
                tell(&suggestions, out)?;
            }
            Ok(FINE)
        }
        Err(error) => {
            let mistakes =
                error.downcast_ref().is_some_and(|error| matches!(error, SuggestError::Mistakes(_)));
            // Mistakes are many lines, and each shows what it repeats of the file.
            let text = if mistakes { error.to_string() } else { clean::error(&*error) };
            writeln!(errors, "error: {text}")?;
            Ok(if mistakes { MISTAKES } else { UNUSABLE })
        }
    }
}

fn suggested(arguments: &Suggest, checks: FileChecks) -> Result<Suggestions, BoxError> {
    let name = shown_path(&arguments.file).to_string();
    let text = checked_file::read_text(&arguments.file, FILE_LIMIT, checks)
        .map_err(|error| format!("{name}: {error}"))?;
    let options = SuggestOptions {
        at_least: arguments.at_least,
        since: arguments.since,
        namespace: arguments.namespace.as_deref().map(Into::into),
    };
    on_store(&arguments.store, checks, async |store| Ok(suggest(&*store, &name, &text, &options).await?))
}

/// What is not part of the diff begins with `#`, so that the whole output can be applied as a patch.
fn tell(suggestions: &Suggestions, out: &mut dyn Write) -> io::Result<()> {
    let Suggestions { file, requests, rules, passed_over, diff, .. } = suggestions;
    let word = if rules.len() == 1 { "rule" } else { "rules" };
    writeln!(out, "# {}: {} {word} suggested by {requests} requests", neutral_line(file), rules.len())?;
    for PassedOver { action, agent, approved, why, .. } in passed_over {
        let of = agent.as_ref().map_or_else(String::new, |agent| format!(" of {agent}"));
        writeln!(
            out,
            "# none for {action}{}, {approved} times approved: {}",
            visible_line(&of),
            visible_line(why)
        )?;
    }
    if neutral(diff) != *diff {
        writeln!(
            out,
            "# the file has characters that are not seen; they are shown below as \u{27e8}U+...\u{27e9}, so that the diff does not apply as it is"
        )?;
    }
    write!(out, "{diff}")
}
