//! Authenticated attempts that were refused: counted together and written to the journal, without touching the request.

use std::{collections::HashMap, sync::Arc};

use crate::{
    approval_error::ApprovalError,
    clock::Timestamp,
    id::RequestId,
    lifecycle::{Act, Command, Refusal},
    model::{Principal, Request, Text},
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

#[derive(Debug, Default)]
pub(crate) struct RefusedAttempts {
    counted: Mutex<HashMap<Attempt, u64>>,
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
        let mut why = format!("{}: {refusal}", name(&command.act));
        why.truncate(why.floor_char_boundary(500));
        let mut counted = lock(&self.counted);
        let by = if counted.len() < HELD { command.actor.clone() } else { Principal::service("others") };
        let attempt = Attempt { request: request.id, by, via: command.via.clone(), why: why.into() };
        let count = counted.entry(attempt).or_insert(0);
        *count = count.saturating_add(1);
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
        Act::Revoke { .. } => "revoke",
        Act::Consume { .. } => "run",
        Act::Finish { .. } => "report",
        Act::LoseLease { .. } => "lose a lease",
        Act::Settle { .. } => "settle",
        Act::Reopen => "reopen",
        Act::Retry { .. } => "retry",
        Act::Tick => "pass time",
    }
}
