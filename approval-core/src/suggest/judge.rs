//! What one request says for or against a rule.

use crate::model::{Ballot, EventKind, EventLine, Execution, Request, Status};

/// What one request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// People approved it as it was asked, and nothing went wrong.
    For,
    /// It says nothing: it is open, no person decided about it, or the agent took it back itself.
    Nothing,
    /// Something speaks against letting such calls run; in the words of [`against`].
    Against(&'static str),
}

/// Whether its history must be looked at: a vote that was changed later stands there alone.
pub(super) fn needs_history(request: &Request) -> bool {
    request.question.is_none() && request.status == Status::Approved
}

/// What a request says.
pub(super) fn judge(request: &Request, history: &[EventLine]) -> Judged {
    if let Some(why) = against(request) {
        return Judged::Against(why);
    }
    let Some(decision) = &request.decision else { return Judged::Nothing };
    if request.status != Status::Approved {
        return Judged::Nothing;
    }
    for line in history {
        // Lines that cannot be read speak against anything that rests on them.
        let told = line
            .event()
            .map_or(Some("recorded in lines that cannot be read"), |event| told_against(&event.what));
        if let Some(why) = told {
            return Judged::Against(why);
        }
    }
    let by_people = !decision.by_timeout && !decision.by_policy && decision.by_standing.is_none();
    if by_people && !decision.by.is_empty() { Judged::For } else { Judged::Nothing }
}

fn against(request: &Request) -> Option<&'static str> {
    if request.revision.number > 1 || request.revision.editor.is_some() {
        return Some("edited");
    }
    let decision = request.decision.as_deref();
    let by_itself = decision
        .is_some_and(|decision| !decision.by_halt && decision.by.iter().all(|by| *by == request.requester));
    match request.status {
        Status::Rejected => return Some("rejected"),
        Status::Expired => return Some("left undecided"),
        Status::Cancelled if !by_itself => return Some("cancelled"),
        Status::Cancelled | Status::Pending | Status::InfoRequested | Status::Approved => {}
    }
    match request.execution.as_deref() {
        Some(Execution::Failed { .. }) => Some("failed"),
        Some(Execution::Unknown { .. }) => Some("in doubt"),
        Some(Execution::Revoked { .. }) => Some("revoked"),
        Some(
            Execution::NotStarted
            | Execution::Executing { .. }
            | Execution::Succeeded { .. }
            | Execution::GrantExpired { .. },
        )
        | None => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what else is recorded says nothing against a call")]
fn told_against(what: &EventKind) -> Option<&'static str> {
    match what {
        EventKind::Voted { ballot: Ballot::Reject { .. }, .. } => Some("voted against"),
        EventKind::Edited { .. } => Some("edited"),
        EventKind::Revoked { .. } => Some("revoked"),
        EventKind::Executed { state, .. } | EventKind::Settled { state, .. } if **state != *"succeeded" => {
            Some(if **state == *"failed" { "failed" } else { "in doubt" })
        }
        _ => None,
    }
}
