//! Rules that the history suggests: what people always approved, written as rules for `approvals.yaml`.
//!
//! Nothing is changed: the person who maintains the file reads the suggestion, as a diff with its numbers, and takes it over or not.
//! The same history and the same file give the same text.
//!
//! # What is suggested
//!
//! A rule that lets calls of an action run, if people approved at least [`SuggestOptions::at_least`] of them and nothing ever
//! went another way: no call was rejected, edited, voted against, let expire or taken back by a person, and none failed when
//! it ran. Where that holds for some agents only, the rule is about these. Never for an action of high or critical risk.
//!
//! The rule is bounded to what was seen: the risks, the highest cost, the names of the arguments, the least and the greatest of
//! each number, the texts where there were few of them. What it could not bound is said in a comment above it. It stands
//! directly before the rule that asks about these calls at present, and takes over its condition, so that it never lets run what
//! another rule denies. The changed file was read, and asked about calls of the history, before it is suggested.
//!
//! ```
//! use approval_core::{store::MemoryStore, suggest::{SuggestOptions, suggest}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), approval_core::suggest::SuggestError> {
//! let store = MemoryStore::new();
//! let file = "policy:\n  rules:\n    - {name: all, ask: group:ops}\n";
//! let suggested = suggest(&store, "approvals.yaml", file, &SuggestOptions::default()).await?;
//! assert!(suggested.rules.is_empty() && suggested.diff.is_empty(), "nothing happened yet");
//! # Ok(())
//! # }
//! ```

mod arguments;
mod diff;
mod group;
mod judge;
mod place;
mod rule;
mod tally;
mod together;

use serde::Serialize;

use self::tally::Tally;
use crate::{
    clock::Timestamp,
    file::ApprovalsFile,
    model::{ActionName, Principal, Risk, Text},
    store::{Query, Store, StoreError},
    yaml::Mistakes,
};

/// Requests that are read at a time.
const PAGE: usize = 500;

/// What is looked at, and how much of it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestOptions {
    /// Approved calls without which no rule is suggested: 20 unless set, and never less than 1.
    pub at_least: u64,
    /// Requests that were opened at this time or later. `None`: all.
    pub since: Option<Timestamp>,
    /// Requests of this tenant. `None`: of all.
    pub namespace: Option<Text>,
}

impl Default for SuggestOptions {
    fn default() -> Self {
        Self { at_least: 20, since: None, namespace: None }
    }
}

/// What the history suggests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suggestions {
    /// The file, as it was called.
    pub file: String,
    /// Requests that were read.
    pub requests: u64,
    /// The suggested rules, by action and agent.
    pub rules: Vec<Suggestion>,
    /// Actions, and agents, for which nothing is suggested although people approved their calls, and why.
    pub passed_over: Vec<PassedOver>,
    /// The rules as a unified diff to the file; empty if there are none.
    pub diff: String,
    /// The file with the rules in it.
    #[serde(skip)]
    pub patched: String,
}

/// A suggested rule, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suggestion {
    /// Name of the rule.
    pub name: String,
    /// The action that it lets run.
    pub action: ActionName,
    /// The agent whose calls it lets run; `None`: everybody's.
    pub agent: Option<Principal>,
    /// Calls that people approved.
    pub approved: u64,
    /// When the first of them was opened.
    pub since: Timestamp,
    /// When the last of them was opened.
    pub until: Timestamp,
    /// Who approved, and how many of them; the most first.
    pub by: Vec<ApprovedBy>,
    /// The median of the time from opening to decision, in whole seconds.
    pub median_seconds: i64,
    /// The risks that were seen, least first.
    pub risks: Vec<Risk>,
    /// The condition.
    pub when: String,
    /// What of the calls the condition does not bound, and why.
    pub not_bounded: Vec<String>,
    /// Whether the rule must count in place of what the action says itself, for it names its approvers.
    pub may_relax: bool,
    /// The rule that asks about these calls at present, and before which this one is put. `None`: no rule is written out for
    /// them, and this one is put last.
    pub before: Option<String>,
}

/// A person who approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApprovedBy {
    /// Who.
    pub who: Principal,
    /// How many calls.
    pub approved: u64,
}

/// Calls for which no rule is suggested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PassedOver {
    /// Of which action.
    pub action: ActionName,
    /// Of which agent; `None`: of all.
    pub agent: Option<Principal>,
    /// How many of them people approved.
    pub approved: u64,
    /// Why not.
    pub why: String,
}

/// Why nothing could be suggested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuggestError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file has mistakes.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
}

/// Reads the history of a store and suggests rules for a file. `file` is what messages and the diff call it, `text` what it
/// says.
///
/// # Errors
/// When the store failed, or the file has mistakes.
pub async fn suggest(
    store: &dyn Store,
    file: &str,
    text: &str,
    options: &SuggestOptions,
) -> Result<Suggestions, SuggestError> {
    let policy = ApprovalsFile::parse(file, text)?.policy;
    let mut tally = Tally::new(policy.as_ref());
    let mut query = Query {
        namespace: options.namespace.clone(),
        created_from: options.since,
        limit: PAGE,
        ..Query::default()
    };
    loop {
        let page = store.list(&query).await?;
        for stored in page.items {
            let history = if judge::needs_history(&stored.request) {
                store.history(stored.request.id).await?
            } else {
                Vec::new()
            };
            tally.add(&stored.request, &history);
        }
        match page.next {
            Some(last) => query.after = Some(last),
            None => break,
        }
    }
    let (requests, groups) = tally.finish();
    Ok(place::suggestions(file, text, requests, &groups, options.at_least.max(1)))
}
