//! Every rule about who may decide what, as pure functions: `(request, command, facts, now) -> transition | refusal`.
//!
//! No I/O, no async, no clock. What had to be looked up before (the directory, halts, deliveries) comes in as [`Facts`];
//! what must still hold when the change is written leaves as [`Transition::requires`] and as time bounds, which the store
//! checks inside the write.

mod command;
mod create;
mod refusal;
mod transition;

pub use command::{Act, Command, Draft, Edit, Ending, Facts, Settlement};
pub use create::create;
pub use refusal::{NotEligible, Refusal};
pub use transition::{Requires, Transition};

use crate::{clock::Timestamp, model::Request};

/// Applies a command to a request.
///
/// # Errors
/// Why it may not be done. The request is as it was.
pub fn apply(
    request: &Request,
    command: &Command,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<Transition, Refusal> {
    let _ = (request, command, facts, now);
    Err(Refusal::NothingToDo)
}

/// When something must happen to a request by itself: its deadline, the next stage or reminder, the expiry of its grant.
#[must_use]
pub fn due_at(request: &Request) -> Option<Timestamp> {
    request.deadline
}

/// Tightens.
#[must_use]
pub fn tighten(gate: &crate::model::Gate, by: &crate::model::Gate) -> crate::model::Gate {
    let _ = by;
    gate.clone()
}
/// Computes.
///
/// # Errors
/// Always.
pub fn compute_cost(
    expression: &str,
    arguments: &crate::model::CanonicalJson,
) -> Result<crate::model::Money, crate::error::Invalid> {
    let _ = (expression, arguments);
    Err(crate::error::Invalid::new("", "", ""))
}
/// Edits.
///
/// # Errors
/// Always.
pub fn edited_arguments(
    request: &Request,
    edits: &[Edit],
) -> Result<(crate::model::CanonicalJson, crate::model::ArgumentsDigest), Refusal> {
    let _ = (request, edits);
    Err(Refusal::NothingToDo)
}
