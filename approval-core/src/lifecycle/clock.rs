//! What must not happen while the store's time stands still.

use super::{Act, Transition};
use crate::model::{Ballot, Request, Status};

/// Whether a change opens a request, approves it or begins what was approved: deadlines and grants would not end meanwhile, so
/// none of this happens while the clock is wrong. What ends or takes back, and what became of a body, is always written.
///
/// `before` is the request as it was; `None` when it is opened.
#[must_use]
pub fn needs_the_clock(before: Option<&Request>, act: Option<&Act>, transition: &Transition) -> bool {
    let Some(before) = before else { return true };
    let becomes_approved = transition.request.status == Status::Approved && before.status != Status::Approved;
    let acts = match act {
        Some(Act::Vote { ballot, .. }) => match ballot {
            Ballot::Approve | Ballot::Answer(_) => true,
            Ballot::Reject { .. } => false,
        },
        Some(
            Act::ApproveStanding { .. }
            | Act::ApproveEdited { .. }
            | Act::Consume { .. }
            | Act::Reopen { .. }
            | Act::Retry { .. },
        ) => true,
        Some(
            Act::WithdrawStanding { .. }
            | Act::Delegate { .. }
            | Act::Escalate { .. }
            | Act::RequestInfo { .. }
            | Act::ProvideInfo { .. }
            | Act::Comment { .. }
            | Act::Cancel { .. }
            | Act::Halt { .. }
            | Act::Supersede { .. }
            | Act::Uncover
            | Act::Revoke { .. }
            | Act::Finish { .. }
            | Act::LoseLease { .. }
            | Act::Settle { .. }
            | Act::Tick,
        )
        | None => false,
    };
    becomes_approved || acts
}
