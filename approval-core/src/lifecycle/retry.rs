//! Trying again, by a new request, what ended without having run.

use std::sync::Arc;

use super::{
    Draft, Predecessor, Refusal, Transition,
    asked::{PolicyAnswer, asked_for, besides},
    case::Case,
    claim::intact,
    edit::gate_before_rules,
    execution::{WHO_TRIES_AGAIN, is_involved},
    tighten::tighten,
};
use crate::{
    id::RequestId,
    model::{
        Basis, Declaration, Enclosed, EventKind, Execution, ExecutionState, Follows, Gate, OnTimeout,
        Request, Said, Status,
    },
};

/// A successor tries it again.
pub(super) fn retry(case: &Case<'_>, successor: RequestId) -> Result<Transition, Refusal> {
    let request = case.request;
    match request.successor {
        Some(other) if other == successor => return Err(Refusal::NothingToDo),
        Some(other) => return Err(Refusal::AlreadyRetried(other)),
        None => {}
    }
    let over = match request.status {
        Status::Rejected | Status::Expired | Status::Cancelled => true,
        Status::Pending | Status::InfoRequested => false,
        Status::Approved => match request.execution.as_deref().map(Execution::state) {
            Some(ExecutionState::Failed | ExecutionState::GrantExpired | ExecutionState::Revoked) => true,
            Some(ran @ (ExecutionState::Executing | ExecutionState::Succeeded | ExecutionState::Unknown)) => {
                return Err(Refusal::AlreadyRan(ran));
            }
            Some(ExecutionState::NotStarted) | None => false,
        },
    };
    if !over {
        return Err(case.not_permitted(
            "only what was rejected, cancelled or revoked, has failed or has expired may be tried again",
        ));
    }
    if !is_involved(case) {
        return Err(case.not_permitted(WHO_TRIES_AGAIN));
    }
    // Its arguments are what the successor asks for.
    intact(request)?;
    let mut change = case.change_by(case.actor());
    change.request.successor = Some(successor);
    change.tell(EventKind::Retried { successor })?;
    Ok(change.finish())
}

/// What an action itself demands of a call that is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demanded {
    /// Its gate.
    pub(crate) gate: Arc<Gate>,
    /// Which settings of the gate were set explicitly.
    pub(crate) said: Said,
}

/// What the action demands of a call that is tried again: what the policy is asked about. `None` for a question: no rule is
/// about it, and it is asked again as it was.
#[must_use]
pub(crate) fn demanded_again(request: &Request) -> Option<Demanded> {
    if request.question.is_some() {
        return None;
    }
    let gate = declared(request);
    let said = said_by(&gate, &request.gate);
    Some(Demanded { gate: Arc::new(gate), said })
}

/// What must be met to try a request again, as the policy says now: as a new call would have to. Where the policy would not
/// ask, people are asked as they were before: they ended it, and what a rule lets run now is theirs to decide again.
///
/// # Errors
/// [`Refusal::PolicyDenies`] when the policy denies it.
pub(crate) fn gate_of_retry(
    request: &Request,
    own: &Demanded,
    answer: PolicyAnswer<'_>,
) -> Result<Arc<Gate>, Refusal> {
    match answer {
        PolicyAnswer::Denies { rule, reason } => {
            Err(Refusal::PolicyDenies { rule: Arc::clone(rule), reason: Arc::clone(reason) })
        }
        PolicyAnswer::Asks { .. } => Ok(asked_for(&own.gate, own.said, answer)),
        PolicyAnswer::Runs { rule, inform, run_windows } => {
            let gate = Arc::new(tighten(&request.gate, &besides(rule, inform, run_windows)));
            let asks = PolicyAnswer::Asks { rule, gate: Some(&gate), whole: false };
            Ok(asked_for(&own.gate, own.said, asks))
        }
    }
}

/// What the action itself asked for when the request was opened. Of times, notices and texts, which are no demands and not
/// stored: as the request has them.
fn declared(request: &Request) -> Gate {
    let Some(declaration) = &request.declaration else {
        return Arc::unwrap_or_clone(gate_before_rules(request));
    };
    let asked = Gate::clone(&request.gate);
    Gate {
        timeout: asked.timeout,
        grant_ttl: asked.grant_ttl,
        reminders: asked.reminders,
        join_identical: asked.join_identical,
        inform: asked.inform,
        editable: asked.editable,
        reject_options: asked.reject_options,
        digest: asked.digest,
        ..declaration.gate.clone()
    }
}

/// Which settings a declaration set explicitly. These are only tightened when a request is opened, so one that the request
/// has looser was left to the rule.
fn said_by(declared: &Gate, asked: &Gate) -> Said {
    let looser_end = declared.on_timeout == OnTimeout::Reject && asked.on_timeout != OnTimeout::Reject;
    Said { veto: asked.veto <= declared.veto, on_timeout: !looser_end, ..Said::ALL }
}

/// What comes along with a request that tries this one again.
fn followed_by(request: &Request) -> Arc<Enclosed> {
    let mut enclosed = request.enclosed.as_deref().map_or_else(Enclosed::default, Clone::clone);
    enclosed.follows = Some(Box::new(Follows::of(request)));
    Arc::new(enclosed)
}

/// A draft that asks for the same as `request` did at first, or as it was last edited, and follows the request `follows`.
/// Without a key.
pub(crate) fn draft_of_retry(
    request: &Request,
    (gate, basis): (Arc<Gate>, Option<Arc<Basis>>),
    follows: RequestId,
    id: RequestId,
) -> Draft {
    // What is not stored besides is what the gate shows.
    let declaration = request.declaration.clone().unwrap_or_else(|| {
        Arc::new(Declaration::new(&request.action, request.risk, &gate_before_rules(request)))
    });
    Draft {
        id,
        namespace: Arc::clone(&request.namespace),
        action: Arc::clone(&request.action),
        question: request.question.clone(),
        requester: request.requester.clone(),
        on_behalf_of: request.on_behalf_of.clone(),
        run: request.run.clone(),
        intent: request.intent.clone(),
        key: None,
        risk: request.risk,
        priority: Some(request.priority),
        gate,
        arguments: request.revision.arguments.clone(),
        enclosed: Some(followed_by(request)),
        digest: request.revision.digest,
        answers_info: request.answers_info,
        predecessor: Some(Predecessor {
            request: follows,
            original: request.original,
            revision: request.revision.number,
            editor: request.revision.editor.clone(),
        }),
        allowed: false,
        declaration: Some(declaration),
        basis,
    }
}
