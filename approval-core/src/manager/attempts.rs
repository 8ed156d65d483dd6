//! Authenticated attempts that were refused: counted together and written to the journal, without touching the request.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::RequestId,
    lifecycle::{Act, Command, LimitReached, Refusal},
    model::{LibraryPart, Principal, Request, Text},
    store::{JournalLine, Store},
    sync::{Mutex, lock},
};

/// Different attempts that are held back at the most; one more makes all of them be written at the next turn of the worker,
/// and is itself counted under "others".
const HELD: usize = 1024;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Attempt {
    request: RequestId,
    by: Principal,
    via: Option<Text>,
    why: Text,
}

/// Whether a conflict of this moment still counts.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now < after(at, CONFLICT_WINDOW)
}

impl Attempt {
    fn line(&self, at: Timestamp, count: u64) -> JournalLine {
        JournalLine::Refused {
            at,
            request: self.request,
            by: self.by.clone(),
            via: self.via.clone(),
            why: Arc::clone(&self.why),
            count,
        }
    }
}

/// Key conflicts that one agent may have within [`CONFLICT_WINDOW`].
const CONFLICTS: usize = 20;

/// Over how long key conflicts are counted.
const CONFLICT_WINDOW: Span = Span::from_mins(10);

#[derive(Debug, Default)]
pub(crate) struct RefusedAttempts {
    counted: Mutex<HashMap<Attempt, u64>>,
    /// When the keys of each agent met other arguments; no more than the last [`CONFLICTS`] of each.
    conflicts: Mutex<HashMap<Principal, VecDeque<Timestamp>>>,
}

impl RefusedAttempts {
    /// Counts a refused attempt of a principal. What our own workers try does not count.
    pub(crate) fn note(&self, request: &Request, command: &Command, refusal: &Refusal) {
        if matches!(command.act, Act::Tick | Act::LoseLease { .. } | Act::Finish { .. })
            || matches!(refusal, Refusal::NothingToDo)
        {
            return;
        }
        tracing::info!(request = %request.id, by = %command.actor, via = command.via.as_deref(), %refusal, "an attempt was refused");
        let why = format!("{}: {refusal}", name(&command.act));
        self.count(request.id, &command.actor, command.via.as_ref(), why);
    }

    fn count(&self, request: RequestId, by: &Principal, via: Option<&Text>, mut why: String) {
        why.truncate(why.floor_char_boundary(500));
        let mut counted = lock(&self.counted);
        let by = if counted.len() < HELD { by.clone() } else { Principal::part(LibraryPart::Others) };
        let attempt = Attempt { request, by, via: via.cloned(), why: why.into() };
        let count = counted.entry(attempt).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// Counts a call of `agent` whose key belongs to `request`, which asked for something else.
    pub(crate) fn note_conflict(&self, request: &Request, agent: &Principal, now: Timestamp) {
        tracing::info!(request = %request.id, by = %agent, "a key met other arguments than those it belongs to");
        self.count(
            request.id,
            agent,
            None,
            "open: the key belongs to a call with other arguments".to_owned(),
        );
        let mut conflicts = lock(&self.conflicts);
        // Agents without a recent conflict are forgotten, so that this does not grow.
        conflicts.retain(|_, times| times.back().is_some_and(|last| is_recent(*last, now)));
        let times = conflicts.entry(agent.clone()).or_default();
        times.push_back(now);
        while times.len() > CONFLICTS {
            times.pop_front();
        }
    }

    /// The limit that the key conflicts of `agent` have reached, if they have.
    pub(crate) fn too_many_conflicts(&self, agent: &Principal, now: Timestamp) -> Option<LimitReached> {
        let conflicts = lock(&self.conflicts);
        let times = conflicts.get(agent).filter(|times| times.len() >= CONFLICTS)?;
        let oldest = times.front().copied().filter(|oldest| is_recent(*oldest, now))?;
        Some(LimitReached {
            limit: "key conflicts".into(),
            why: format!(
                "{CONFLICTS} calls of {agent} had keys that belong to calls with other arguments; until then, its calls with a key are refused"
            ),
            room_at: Some(after(oldest, CONFLICT_WINDOW)),
        })
    }

    /// Writes what was counted. What could not be written is counted on.
    pub(crate) async fn flush(&self, store: &dyn Store) -> Result<(), ApprovalError> {
        let counted = std::mem::take(&mut *lock(&self.counted));
        if counted.is_empty() {
            return Ok(());
        }
        let written = async {
            let at = store.now().await?;
            store
                .append_journal(counted.iter().map(|(attempt, count)| attempt.line(at, *count)).collect())
                .await
        };
        let result = written.await;
        if result.is_err() {
            let mut newer = lock(&self.counted);
            for (attempt, count) in counted {
                let sum = newer.entry(attempt).or_insert(0);
                *sum = sum.saturating_add(count);
            }
        }
        Ok(result?)
    }
}

const fn name(act: &Act) -> &'static str {
    match act {
        Act::Vote { .. } => "vote",
        Act::ApproveStanding { .. } => "approve and not be asked again",
        Act::WithdrawStanding { .. } => "withdraw a standing approval",
        Act::ApproveEdited { .. } => "approve with edits",
        Act::Delegate { .. } => "delegate",
        Act::Escalate { .. } => "escalate",
        Act::RequestInfo { .. } => "request information",
        Act::ProvideInfo { .. } => "provide information",
        Act::Comment { .. } => "comment",
        Act::Cancel { .. } => "cancel",
        Act::Halt { .. } => "halt",
        Act::Supersede { .. } => "replace",
        Act::Uncover => "revoke what the policy no longer covers",
        Act::Revoke { .. } => "revoke",
        Act::Consume { .. } => "run",
        Act::Finish { .. } => "report",
        Act::LoseLease { .. } => "lose a lease",
        Act::Settle { .. } => "settle",
        Act::Reopen { .. } => "reopen",
        Act::Retry { .. } => "retry",
        Act::Tick => "pass time",
    }
}
