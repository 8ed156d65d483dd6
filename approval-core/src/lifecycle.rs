//! Every rule about who may decide what, as pure functions: `(request, command, facts, now) -> transition | refusal`.
//!
//! No I/O, no async, no clock. What had to be looked up before (the directory, halts, deliveries) comes in as [`Facts`];
//! what must still hold when the change is written leaves as [`Transition::requires`] and as time bounds, which the store
//! checks inside the write.

mod alert;
mod asked;
mod case;
mod claim;
mod clock;
mod command;
mod cost;
mod create;
mod decide;
mod declaration;
mod delegate;
mod edit;
mod eligibility;
mod escalate;
mod execution;
mod give_way;
mod grant;
mod halt;
mod hand_over;
mod history;
mod hours;
mod info;
mod join;
mod key;
mod limit;
pub mod limits;
mod matching;
mod namespace;
mod place;
mod principals;
mod quorum;
mod reachable;
mod refusal;
mod render;
mod retry;
mod ruling;
mod schema;
mod sources;
mod stand_in;
mod standing;
pub mod statistics;
mod tighten;
mod timeout;
mod transition;
mod unasked;
mod usage;
mod validity;
mod vote;
mod window;

#[cfg(test)]
mod tests;

pub use alert::{is_told_again, timeout_spike};
pub(crate) use asked::{PolicyAnswer, asked_for, besides, by_rule};
pub use claim::{Agents, Behind, Claim, Declared, intact};
pub use clock::needs_the_clock;
pub use command::{Act, Command, Draft, Edit, Ending, Facts, Predecessor, Settlement, names_basis};
pub use create::create;
pub use declaration::asks_for_more;
pub use edit::{edited_arguments, gate_before_rules};
pub use execution::{may_ever_rerun, may_reopen, rerun_until};
pub(crate) use give_way::{ends_without_its_place, gives_back};
pub(crate) use grant::{CountedBy, counted_by};
pub use grant::{counted_as, is_by_policy, is_of_action, is_proof};
pub use join::{may_join, same_person, wants_to_join};
pub(crate) use key::NotOpened;
pub use key::{
    MOST_REFUSED, UnderKey, digest_under, follows_unlinked, gave_way, may_be_followed, may_replay, under_key,
};
pub use limit::{
    Counted, CountedAs, CountedWrite, Counter, LimitReached, give_back, spent_besides, take_all, take_at_run,
};
pub use namespace::{is_asked_by, is_within};
pub use principals::{principals, principals_behind, principals_of_draft};
pub use refusal::{NotEligible, Refusal};
pub use render::{compute_cost, cost_of, render_description};
pub(crate) use retry::{demanded_again, draft_of_retry, gate_of_retry};
pub use ruling::{EditRuling, RunRuling, is_fresh};
pub(crate) use sources::NewSources;
pub use standing::{Standing, may_be_taken_back, may_reject, may_stand};
pub use tighten::tighten;
pub use timeout::due_at;
pub use transition::{Requires, StandingWrite, Transition};
pub(crate) use unasked::{Held, held};
pub use unasked::{Unasked, Way};
#[cfg(feature = "file")]
pub(crate) use window::next_opening;

use crate::{
    clock::Timestamp,
    model::{People, Principal, Request},
};

/// Everybody who may decide about a request at this moment, sorted, each once: whom a requirement names, by itself, through a
/// group or by escalation, and who was handed a seat. Empty, once it is decided.
#[must_use]
pub fn deciders(request: &Request, people: &People) -> Vec<Principal> {
    if !request.status.is_open() {
        return Vec::new();
    }
    eligibility::Seating::new(request, people).deciders().into_iter().cloned().collect()
}

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
    let case = case::Case { request, command, facts, now };
    match &command.act {
        Act::Vote { digest, ballot, note } => vote::vote(&case, *digest, ballot, note.as_ref()),
        Act::ApproveStanding { digest, note, terms } => {
            standing::approve(&case, *digest, note.as_ref(), terms)
        }
        Act::WithdrawStanding { standing, reason } => standing::withdraw(&case, *standing, reason),
        Act::ApproveEdited { digest, edits, note } => {
            edit::approve_edited(&case, *digest, edits, note.as_ref())
        }
        Act::Delegate { to } => delegate::delegate(&case, to),
        Act::Escalate { requirement, to, priority } => escalate::escalate(&case, *requirement, to, *priority),
        Act::RequestInfo { question } => info::request_info(&case, question),
        Act::ProvideInfo { answer } => info::provide_info(&case, answer),
        Act::Comment { text } => info::comment(&case, text),
        Act::Cancel { reason } => halt::cancel(&case, reason.as_ref()),
        Act::Halt { reason } => halt::halt(&case, reason),
        Act::Supersede { reason } => halt::supersede(&case, reason),
        Act::Revoke { reason } => grant::revoke(&case, reason),
        Act::Uncover => ruling::uncover(&case),
        Act::Consume { executor, grant, claim } => grant::consume(&case, *executor, *grant, claim),
        Act::Finish { executor, grant, ending } => execution::finish(&case, *executor, *grant, ending),
        Act::LoseLease { executor } => execution::lose_lease(&case, *executor),
        Act::Settle { settlement, note } => execution::settle(&case, *settlement, note.as_ref()),
        Act::Reopen { run: _ } => execution::reopen(&case),
        Act::Retry { successor } => retry::retry(&case, *successor),
        Act::Tick => timeout::tick(&case),
    }
}
