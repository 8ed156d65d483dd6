//! `approvals policy suggest`.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use approval_core::{
    clock::Timestamp,
    model::visible::visible_line,
    suggest::{PassedOver, SuggestError, SuggestOptions, Suggestions, suggest},
};
use clap::Args;

use crate::{
    FINE, MISTAKES, UNUSABLE,
    store::{BoxError, moment, on_store},
};

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// The file, such as approvals.yaml
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

pub(super) fn run(suggest: &Suggest, out: &mut dyn Write, errors: &mut dyn Write) -> io::Result<u8> {
    match suggested(suggest) {
        Ok(suggestions) => {
            if suggest.json {
                let json = serde_json::to_string(&suggestions).map_err(io::Error::other)?;
                writeln!(out, "{json}")?;
            } else {
                tell(&suggestions, out)?;
            }
            Ok(FINE)
        }
        Err(error) => {
            writeln!(errors, "error: {error}")?;
            let mistakes =
                error.downcast_ref().is_some_and(|error| matches!(error, SuggestError::Mistakes(_)));
            Ok(if mistakes { MISTAKES } else { UNUSABLE })
        }
    }
}

fn suggested(arguments: &Suggest) -> Result<Suggestions, BoxError> {
    let name = arguments.file.display().to_string();
    let text = fs::read_to_string(&arguments.file).map_err(|error| format!("{name}: {error}"))?;
    let options = SuggestOptions {
        at_least: arguments.at_least,
        since: arguments.since,
        namespace: arguments.namespace.as_deref().map(Into::into),
    };
    on_store(&arguments.store, async |store| Ok(suggest(&*store, &name, &text, &options).await?))
}

/// What is not part of the diff begins with `#`: whoever applies the whole output as a patch is not hindered.
fn tell(suggestions: &Suggestions, out: &mut dyn Write) -> io::Result<()> {
    let Suggestions { file, requests, rules, passed_over, diff, .. } = suggestions;
    let word = if rules.len() == 1 { "rule" } else { "rules" };
    writeln!(out, "# {file}: {} {word} suggested by {requests} requests", rules.len())?;
    for PassedOver { action, agent, approved, why, .. } in passed_over {
        let of = agent.as_ref().map_or_else(String::new, |agent| format!(" of {agent}"));
        writeln!(
            out,
            "# none for {action}{}, {approved} times approved: {}",
            visible_line(&of),
            visible_line(why)
        )?;
    }
    write!(out, "{diff}")
}
