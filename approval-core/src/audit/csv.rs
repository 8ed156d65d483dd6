//! The trail for people, as comma-separated values (RFC 4180). It proves nothing: what is verified is the trail in JSON Lines.

use super::{AuditError, export};
use crate::{
    id::RequestId,
    model::{Event, EventKind, Execution, Request, SourceDigest, SourceKind, visible::visible},
    store::{JournalLine, Query, Store},
};

const REQUESTS: usize = 100;
const JOURNAL: usize = 500;

macro_rules! columns {
    ($($column:ident,)+) => {
        const COLUMNS: &[&str] = &[$(stringify!($column)),+];

        /// The cells of a row; those that are not set are empty.
        #[derive(Default)]
        struct Cells<'a> { $($column: &'a str),+ }

        impl Cells<'_> {
            fn write(&self, out: &mut String) {
                row(out, &[$(self.$column),+]);
            }
        }
    };
}

columns! {
    at,
    request,
    seq,
    actor,
    channel,
    event,
    why,
    action,
    rule,
    risk,
    agent,
    on_behalf_of,
    run,
    arguments_digest,
    status,
    execution,
    policy,
    directory,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Header,
    RequestsAfter(Option<RequestId>),
    JournalAfter(u64),
    Done,
}

/// Reads the trail of a store as a table, one row for each event and each line of the journal, a page at a time.
#[derive(Debug)]
pub struct CsvExporter<'a> {
    store: &'a dyn Store,
    next: Next,
}

impl<'a> CsvExporter<'a> {
    /// Begins at the beginning.
    #[must_use]
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, next: Next::Header }
    }

    /// The next rows, each ended by CR LF. `None`: that was all.
    ///
    /// # Errors
    /// When the store failed, or a line of history cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>, AuditError> {
        loop {
            let mut page = String::new();
            match self.next {
                Next::Header => {
                    row(&mut page, COLUMNS);
                    self.next = Next::RequestsAfter(None);
                }
                Next::RequestsAfter(after) => {
                    let query = Query { after, limit: REQUESTS, ..Query::default() };
                    let found = self.store.list(&query).await?;
                    for stored in found.items {
                        let Some((stored, lines)) = export::history(self.store, stored).await? else {
                            continue;
                        };
                        for line in lines {
                            let about =
                                format!("line {} of the history of request {}", line.seq, stored.request.id);
                            let event = line.event().map_err(|e| {
                                crate::store::StoreError::unreadable(format!("{about} is no event: {e}"))
                            })?;
                            event_row(&mut page, &stored.request, &event)?;
                        }
                    }
                    self.next =
                        found.next.map_or(Next::JournalAfter(0), |last| Next::RequestsAfter(Some(last)));
                }
                Next::JournalAfter(after) => {
                    let entries = self.store.read_journal(after, JOURNAL).await?;
                    self.next = entries.last().map_or(Next::Done, |last| Next::JournalAfter(last.number));
                    for entry in entries {
                        journal_row(&mut page, &entry.line);
                    }
                }
                Next::Done => return Ok(None),
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }
}

/// What happened in one word, and why, in the words of the one who did it.
fn told(what: &EventKind) -> Result<(String, String), AuditError> {
    let value = serde_json::to_value(what).map_err(AuditError::encoding("an event"))?;
    let text = |member: &str| value.get(member).and_then(serde_json::Value::as_str);
    let kind = text("kind").ok_or_else(|| AuditError::Encoding {
        what: "an event".to_owned(),
        why: "it does not say what happened".to_owned(),
    })?;
    let said = ["outcome", "state"].into_iter().find_map(text);
    let ballot = value.get("ballot").map(ToString::to_string);
    let detail = said.map(str::to_owned).or(ballot).map_or_else(String::new, |said| format!(": {said}"));
    let why = ["note", "reason", "why", "question", "answer", "text"].into_iter().find_map(text);
    Ok((format!("{kind}{detail}"), why.unwrap_or_default().to_owned()))
}

fn event_row(out: &mut String, request: &Request, event: &Event) -> Result<(), AuditError> {
    let (what, why) = told(&event.what)?;
    let basis = event.what.basis().unwrap_or_default();
    Cells {
        at: &event.at.to_string(),
        request: &event.request.to_string(),
        seq: &event.seq.to_string(),
        actor: event.actor.as_str(),
        channel: event.via.as_deref().unwrap_or_default(),
        event: &what,
        why: &why,
        action: request.action.name.as_str(),
        rule: &request.gate.rule,
        risk: request.risk.as_str(),
        agent: request.requester.as_str(),
        on_behalf_of: request.on_behalf_of.as_ref().map_or("", |person| person.as_str()),
        run: request.run.as_deref().unwrap_or_default(),
        arguments_digest: &event.digest.to_string(),
        status: request.status.as_str(),
        execution: request.execution.as_ref().map_or("", |execution| Execution::state(execution).as_str()),
        policy: &text_of(basis.policy),
        directory: &text_of(basis.directory),
    }
    .write(out);
    Ok(())
}

/// A digest of rules or people; empty where there is none.
fn text_of(digest: Option<SourceDigest>) -> String {
    digest.map(|digest| digest.to_string()).unwrap_or_default()
}

fn journal_row(out: &mut String, line: &JournalLine) {
    let at = &line.at().to_string();
    match line {
        JournalLine::Call { at: _, action, version: _, digest, agent, run, rule, outcome, why, basis } => {
            Cells {
                at,
                actor: agent.as_str(),
                event: &format!("call: {outcome}"),
                why: why.as_deref().unwrap_or_default(),
                action,
                rule,
                agent: agent.as_str(),
                run: run.as_deref().unwrap_or_default(),
                arguments_digest: &digest.to_string(),
                execution: outcome,
                policy: &text_of(basis.as_ref().and_then(|basis| basis.policy)),
                directory: &text_of(basis.as_ref().and_then(|basis| basis.directory)),
                ..Cells::default()
            }
            .write(out);
        }
        JournalLine::TimeoutSpike(spike) => {
            Cells {
                at,
                event: "time-outs",
                why: &spike.to_string(),
                action: &spike.action,
                ..Cells::default()
            }
            .write(out);
        }
        JournalLine::Operated { at: _, by, what } => {
            Cells { at, actor: by.as_str(), event: "operated", why: what, ..Cells::default() }.write(out);
        }
        JournalLine::Reloaded { at: _, agent, namespace, what, from, to } => {
            let now = &text_of(*to);
            let before = from.map_or_else(|| "without a text".to_owned(), |from| from.to_string());
            let (policy, directory) = match what {
                SourceKind::Policy => (now.as_str(), ""),
                SourceKind::Directory => ("", now.as_str()),
            };
            Cells {
                at,
                actor: agent.as_str(),
                event: &format!("reloaded: {}", what.as_str()),
                why: &format!("namespace {namespace}; before: {before}"),
                agent: agent.as_str(),
                policy,
                directory,
                ..Cells::default()
            }
            .write(out);
        }
        JournalLine::Refused { at: _, request, by, via, why, count } => Cells {
            at,
            request: &request.to_string(),
            actor: by.as_str(),
            channel: via.as_deref().unwrap_or_default(),
            event: &format!("refused: {count}"),
            why,
            ..Cells::default()
        }
        .write(out),
    }
}

/// One row. Every cell is quoted, and nothing hides in it; one that a spreadsheet would take for a formula gets an apostrophe in front, since much of
/// what stands here was written by agents.
fn row(out: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        out.push_str(if place == 0 { "\"" } else { ",\"" });
        // White space before the sign does not keep every spreadsheet from calculating.
        let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
            || cell.starts_with(['\t', '\r', '\n']);
        if formula {
            out.push('\'');
        }
        for (line, text) in cell.split("\r\n").enumerate() {
            out.push_str(if line == 0 { "" } else { "\r\n" });
            out.push_str(&visible(text).replace('"', "\"\""));
        }
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_nothing_is_a_formula() {
        let mut cells = [""; COLUMNS.len()];
        cells[0] = "=HYPERLINK(\"http://x\")";
        cells[1] = "a \"b\", c\r\nd";
        cells[2] = " +1";
        cells[3] = "\t@SUM(A1)";
        cells[4] = "2026-01-01";
        let mut out = String::new();
        row(&mut out, &cells);
        assert!(
            out.starts_with(
                "\"'=HYPERLINK(\"\"http://x\"\")\",\"a \"\"b\"\", c\r\nd\",\"' +1\",\"'\t@SUM(A1)\",\"2026-01-01\",\"\","
            ),
            "{out}"
        );
        assert!(out.ends_with(",\"\"\r\n"));
        let mut out = String::new();
        row(&mut out, &["a\u{202e}b", "\u{9b}2J\u{3164}"]);
        assert_eq!(out, "\"a⟨U+202E⟩b\",\"⟨U+009B⟩2J⟨U+3164⟩\"\r\n");
    }
}
