//! `approvals stats`: figures over the requests of a store.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use approval_core::{
    checked_file::FileChecks,
    clock::{Span, Timestamp},
    model::{
        Ballots, Dimension, Figures, Percentiles, Priority, Risk, Stats, StatsQuery, Text,
        visible::visible_line,
    },
};
use clap::{Args, builder::PossibleValue};

use crate::{
    FINE, UNUSABLE, clean,
    store::{BoxError, moment, named_agent, on_store},
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(long, value_name = "STORE")]
    store: PathBuf,
    /// Count what was decided from this day (2026-01-31, in UTC) or moment (RFC 3339) on
    #[arg(long, value_name = "DATE", value_parser = moment)]
    from: Option<Timestamp>,
    /// Count what was decided before this day or moment
    #[arg(long, value_name = "DATE", value_parser = moment)]
    before: Option<Timestamp>,
    /// Count requests of this tenant
    #[arg(long)]
    namespace: Option<Text>,
    /// Count requests of this action
    #[arg(long)]
    action: Option<Text>,
    /// Count requests of this agent
    #[arg(long, value_parser = agent)]
    agent: Option<Text>,
    /// Count requests of this risk
    #[arg(long)]
    risk: Option<Risk>,
    /// Count requests of this priority
    #[arg(long)]
    priority: Option<Priority>,
    /// Break down by these, with commas between them
    #[arg(long, value_delimiter = ',', default_value = "action", value_name = "DIMENSION")]
    by: Vec<By>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// A dimension on the command line.
#[derive(Clone, Copy, Debug)]
struct By(Dimension);

impl clap::ValueEnum for By {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [By; 6] = [
            By(Dimension::Action),
            By(Dimension::Agent),
            By(Dimension::Risk),
            By(Dimension::Priority),
            By(Dimension::Approver),
            By(Dimension::Channel),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

/// An agent, with or without what says that it is one.
fn agent(text: &str) -> Result<Text, String> {
    named_agent(text).map(|agent| agent.as_str().into()).map_err(|error| error.to_string())
}

pub(crate) fn run(
    arguments: &Arguments,
    checks: FileChecks,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    match count(arguments, checks) {
        Ok(stats) if arguments.json => {
            writeln!(out, "{}", clean::pretty_json(&stats)?)?;
            Ok(FINE)
        }
        Ok(stats) => table(&stats, out).map(|()| FINE),
        Err(error) => {
            writeln!(errors, "error: {}", clean::error(&*error))?;
            Ok(UNUSABLE)
        }
    }
}

fn count(arguments: &Arguments, checks: FileChecks) -> Result<Stats, BoxError> {
    let query = StatsQuery {
        decided_from: arguments.from,
        decided_before: arguments.before,
        namespace: arguments.namespace.clone(),
        action: arguments.action.clone(),
        agent: arguments.agent.clone(),
        risk: arguments.risk,
        priority: arguments.priority,
        by: arguments.by.iter().map(|by| by.0).collect(),
    };
    on_store(&arguments.store, checks, async |store| Ok(store.stats(&query).await?))
}

/// The figures as people read them.
fn table(stats: &Stats, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![Row::of_figures("all", &stats.total)];
    let named = |what: &str, name: &str| format!("{what} {}", visible_line(name));
    rows.extend(stats.by_action.iter().map(|(name, found)| Row::of_figures(named("action", name), found)));
    rows.extend(stats.by_agent.iter().map(|(name, found)| Row::of_figures(visible_line(name), found)));
    rows.extend(stats.by_risk.iter().map(|(risk, found)| Row::of_figures(format!("risk {risk}"), found)));
    let priorities = stats.by_priority.iter();
    rows.extend(priorities.map(|(level, found)| Row::of_figures(format!("priority {level}"), found)));
    let head =
        ["", "pending", "approved", "rejected", "timed out", "cancelled", "unasked", "p50", "p90", "p99"];
    write_rows(&head, rows, out)?;
    if stats.by_approver.is_empty() && stats.by_channel.is_empty() {
        return Ok(());
    }
    let mut votes = vec![Row::of_votes("votes", &stats.votes)];
    votes.extend(stats.by_approver.iter().map(|(name, found)| Row::of_votes(visible_line(name), found)));
    votes.extend(stats.by_channel.iter().map(|(name, found)| {
        let name = if name.is_empty() { "no channel".to_owned() } else { named("channel", name) };
        Row::of_votes(name, found)
    }));
    writeln!(out)?;
    write_rows(&["", "approvals", "rejections", "answers", "p50", "p90", "p99"], votes, out)
}

struct Row(Vec<String>);

impl Row {
    fn of_figures(name: impl Into<String>, figures: &Figures) -> Self {
        let ended = figures.answerable();
        let part = |count: u64| match count.saturating_mul(100).checked_div(ended) {
            Some(percent) => format!("{count} ({percent} %)"),
            None => count.to_string(),
        };
        let mut cells = vec![
            name.into(),
            figures.pending.to_string(),
            part(figures.approved),
            part(figures.rejected),
            part(figures.timeouts()),
            figures.cancelled.to_string(),
            figures.unasked.to_string(),
        ];
        cells.extend(times(figures.time_to_decision));
        Self(cells)
    }

    fn of_votes(name: impl Into<String>, votes: &Ballots) -> Self {
        let mut cells = vec![
            name.into(),
            votes.approvals.to_string(),
            votes.rejections.to_string(),
            votes.answers.to_string(),
        ];
        cells.extend(times(votes.time_to_vote));
        Self(cells)
    }
}

/// The percentiles in words, to the second.
fn times(found: Option<Percentiles>) -> [String; 3] {
    let word = |span: Span| format!("{:#}", Span::from_secs(span.as_secs()));
    found.map_or_else(|| ["-"; 3].map(str::to_owned), |found| [found.p50, found.p90, found.p99].map(word))
}

/// Writes columns, the first to the left, the others to the right.
fn write_rows(head: &[&str], rows: Vec<Row>, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Row> =
        std::iter::once(Row(head.iter().map(|&cell| cell.to_owned()).collect())).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.0.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (place, (cell, width)) in row.0.iter().zip(&widths).enumerate() {
            let width = *width;
            let cell = if place == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            line.push_str(&cell);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
