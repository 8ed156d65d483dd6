//! "Approve, and do not ask again": giving a standing approval, resting on one, and taking it back.
//!
//! A standing approval stands in for the votes of those who gave it, no more: whether these votes would suffice is judged
//! anew for every call, by the gate and the directory as they are then.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::{
    Act, Command, Facts, Refusal, Requires, Transition,
    case::Case,
    decide,
    history::Change,
    limits,
    place::{self, Found},
    quorum::{self, Ground, Verdict},
    transition::StandingWrite,
    vote,
};
use crate::{
    clock::{Span, Timestamp},
    error::{Internal, Invalid},
    id::StandingId,
    model::{
        ArgumentCondition, ArgumentsDigest, Ballot, CanonicalJson, CoveredBehalf, Decision, EventKind,
        Expected, Outcome, People, Request, Risk, STANDING_LONGEST, StandingApproval, StandingArguments,
        StandingReach, StandingScope, StandingTerms, Text, Vote, Withdrawn, canonical::FieldPath,
    },
};

/// A standing approval and the version of what holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As it stands.
    pub approval: StandingApproval,
    /// Its version in the store.
    pub version: u64,
}

/// A person approves, and does not want to be asked again about calls of the same kind.
pub(super) fn approve(
    case: &Case<'_>,
    digest: ArgumentsDigest,
    note: Option<&Text>,
    terms: &StandingTerms,
) -> Result<Transition, Refusal> {
    check(case.request, terms)?;
    vote::vote_on_terms(case, digest, &Ballot::Approve, note, Some(terms))
}

/// Refuses terms that may not be had with this request.
fn check(request: &Request, terms: &StandingTerms) -> Result<(), Refusal> {
    let bad = |value: &str, why: &str, hint: &str| -> Result<(), Refusal> {
        Err(Invalid::new("standing approval", value, why).hint(hint).into())
    };
    if !may_stand(request) {
        return bad(
            request.action.name.as_str(),
            "may not be given with this request",
            "critical risk, questions, and what the policy keeps from it are asked about every time",
        );
    }
    if terms.lasts <= Span::ZERO || terms.lasts > STANDING_LONGEST {
        return bad(&format!("{:?}", terms.lasts), "is too short or too long", "let it last up to 7 days");
    }
    if terms.calls == Some(0) {
        return bad("0", "covers no call", "let it cover at least 1, or leave the number out");
    }
    if terms.reach == StandingReach::Run && request.run.is_none() {
        return bad("this run", "has no run to be limited to", "choose this agent, or this action");
    }
    let StandingArguments::Matching(conditions) = &terms.arguments else { return Ok(()) };
    if conditions.is_empty() {
        return bad("no conditions", "would cover any arguments", "say any, if that is meant");
    }
    match conditions.iter().find(|condition| !holds(condition, &request.revision.arguments)) {
        Some(condition) => bad(
            &condition.path,
            "does not hold for the call that is approved",
            "name an argument that is not secret, and a condition that this call meets",
        ),
        None => Ok(()),
    }
}

/// Whether calls to come may be approved along with a request.
#[must_use]
pub fn may_stand(request: &Request) -> bool {
    request.question.is_none() && request.risk < Risk::Critical && !request.gate.no_standing
}

/// Whether an argument is what a condition expects.
fn holds(condition: &ArgumentCondition, arguments: &CanonicalJson) -> bool {
    let Ok(path) = condition.path.parse::<FieldPath>() else { return false };
    let Found::Value(range) = place::find(arguments, path.steps()) else { return false };
    if place::holds_placeholder(arguments, &range) {
        return false;
    }
    let Some(found) = arguments.as_str().get(range) else { return false };
    match &condition.is {
        Expected::OneOf(values) => values.iter().any(|value| value.as_str() == found),
        // From zero on: a person who says "at most 50" does not mean minus a million.
        Expected::AtMost(most) => {
            number(found).is_some_and(|number| number >= Decimal::ZERO && number <= *most)
        }
        Expected::AtLeast(least) => number(found).is_some_and(|number| number >= *least),
    }
}

/// A JSON number, exactly. What does not fit a decimal is none.
fn number(text: &str) -> Option<Decimal> {
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    }
}

/// Whether a request is one of those that a standing approval in force is about, whatever people say to it now.
fn covers(approval: &StandingApproval, request: &Request, people: &People, now: Timestamp) -> bool {
    approval.is_in_force(now) && is_about(approval, request, people)
}

/// The same, in force or not.
fn is_about(approval: &StandingApproval, request: &Request, people: &People) -> bool {
    let by_whom = match &approval.scope {
        StandingScope::Run { agent, run } => *agent == request.requester && request.run.as_ref() == Some(run),
        StandingScope::Agent { agent } => *agent == request.requester,
        StandingScope::Action => true,
    };
    let with_what = || match &approval.arguments {
        StandingArguments::Exactly => approval.digest == request.revision.digest,
        StandingArguments::Matching(conditions) => {
            // No condition sees what is attached, so new files are looked at by people.
            !conditions.is_empty()
                && request.attachments().is_empty()
                && conditions.iter().all(|condition| holds(condition, &request.revision.arguments))
        }
        StandingArguments::Any => true,
    };
    let for_whom = match (&approval.behalf, &request.on_behalf_of) {
        (Some(CoveredBehalf::Everyone), _) | (Some(CoveredBehalf::Nobody), None) => true,
        (Some(CoveredBehalf::Person { person }), Some(other)) => {
            people.canonical(person) == people.canonical(other)
        }
        (Some(CoveredBehalf::Nobody), Some(_)) | (Some(CoveredBehalf::Person { .. }) | None, _) => false,
    };
    by_whom
        && for_whom
        && approval.namespace == request.namespace
        && approval.action == request.action.name
        && approval.version == request.action.version
        && with_what()
}

/// The votes of those who gave a standing approval, on a request of today.
fn votes(approval: &StandingApproval, request: &Request, now: Timestamp) -> Vec<Vote> {
    let vote = |voter: &crate::model::Principal| Vote {
        voter: voter.clone(),
        ballot: Ballot::Approve,
        digest: request.revision.digest,
        note: None,
        via: None,
        at: now,
        standing: None,
        void: false,
    };
    approval.by.iter().map(vote).collect()
}

/// Approves a request that is being opened, if a standing approval covers it and the votes of those who gave it would
/// suffice today. Tells whether it did. What is tried again was rejected or did not work: people are asked.
pub(super) fn approve_covered(
    change: &mut Change<'_>,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<bool, Refusal> {
    if !may_stand(&change.request) || change.request.predecessor.is_some() {
        return Ok(false);
    }
    for Standing { approval, version } in facts.standing {
        if change.request.risk > approval.risk || !covers(approval, &change.request, facts.people, now) {
            continue;
        }
        let mut with_votes = change.request.clone();
        with_votes.votes = votes(approval, &change.request, now).into();
        let Verdict::Approved(ground) = quorum::verdict(&with_votes, facts.people) else { continue };
        change.request.votes = with_votes.votes;
        let mut used = StandingApproval {
            // Held at the end: where calls are counted, it covers no more long before.
            used: approval.used.saturating_add(1),
            last_used_at: Some(now),
            ..approval.clone()
        };
        change.tell(EventKind::Covered {
            standing: approval.id,
            given_with: approval.request,
            left: used.left(),
        })?;
        change.not_after(Some(approval.expires_at));
        let reason = Some(format!("covered by standing approval {}", approval.id).into());
        let ground = Ground { reason, ..ground };
        let decision = Decision {
            by_standing: Some(approval.id),
            ..decide::decision(Outcome::Approved, &change.request, ground, now)
        };
        decide::conclude(change, facts, decision)?;
        let until = change.request.grant.as_deref().map(|grant| grant.expires_at);
        // Of grants of before this was stored it is not known when they end.
        if approval.used == 0 || approval.grants_until.is_some() {
            used.grants_until = approval.grants_until.max(until);
        }
        change.write_standing(StandingWrite { approval: used, expect: Some(*version) });
        return Ok(true);
    }
    Ok(false)
}

/// After an approval: makes the standing approval that those who decided asked for. All of them must have asked for the
/// same: no person gives more away than all do whose approval it takes.
pub(super) fn give(change: &mut Change<'_>, facts: &Facts<'_>) -> Result<(), Refusal> {
    let now = change.now();
    let request = &change.request;
    let Some(decision) = request.decision.clone() else { return Ok(()) };
    let terms = |person| {
        let vote = request.votes.iter().find(|vote| facts.people.person(&vote.voter) == Some(person));
        vote.and_then(|vote| vote.standing.as_deref())
    };
    let mut all = decision.by.iter().map(terms);
    let Some(Some(first)) = all.next() else { return Ok(()) };
    if !all.all(|other| other == Some(first)) || check(request, first).is_err() {
        return Ok(());
    }
    let terms = first.clone();
    let Some(approval) = StandingApproval::of(facts.standing_id, request, &terms, decision.by.clone(), now)
    else {
        return Ok(());
    };
    change.tell(EventKind::Stood {
        standing: approval.id,
        terms,
        by: decision.by.clone(),
        expires_at: approval.expires_at,
    })?;
    change.write_standing(StandingWrite { approval, expect: None });
    Ok(())
}

/// Most standing approvals that one rejection takes back in the write that rejects: each takes two rows of it, and a store may
/// have room for 64.
const MOST_TAKEN_BACK: usize = 16;

/// Whether a command may end a request by a rejection, which takes standing approvals back: its facts must hold those for the
/// action of the request that [`may_be_taken_back`].
#[must_use]
pub fn may_reject(request: &Request, act: &Act) -> bool {
    let rejects = |vote: &Vote| vote.ballot.is_reject() && !vote.void;
    let rejected = || request.status.is_open() && request.votes.iter().any(rejects);
    match act {
        Act::Vote { ballot, .. } => ballot.is_reject() || rejected(),
        // They can make it impossible to approve what a person rejected before.
        Act::ApproveStanding { .. }
        | Act::ApproveEdited { .. }
        | Act::Delegate { .. }
        | Act::Escalate { .. }
        | Act::Tick => rejected(),
        Act::WithdrawStanding { .. }
        | Act::RequestInfo { .. }
        | Act::ProvideInfo { .. }
        | Act::Comment { .. }
        | Act::Cancel { .. }
        | Act::Halt { .. }
        | Act::Supersede { .. }
        | Act::Revoke { .. }
        | Act::Uncover
        | Act::Consume { .. }
        | Act::Finish { .. }
        | Act::LoseLease { .. }
        | Act::Settle { .. }
        | Act::Reopen { .. }
        | Act::Retry { .. } => false,
    }
}

/// Whether a rejection at `now` may have to take a standing approval back: it is in force, or calls that it covered may not
/// have begun.
#[must_use]
pub fn may_be_taken_back(approval: &StandingApproval, now: Timestamp) -> bool {
    // Where it is not stored how long its grants last, they may last still.
    let grants_live = approval.used > 0 && approval.grants_until.is_none_or(|until| now < until);
    approval.withdrawn.is_none() && (approval.is_in_force(now) || grants_live)
}

/// After a rejection: what was rejected once is not covered by any standing approval any more, and does not run where one
/// covered it before and it has not begun.
pub(super) fn take_back_rejected(change: &mut Change<'_>, facts: &Facts<'_>) -> Result<(), Refusal> {
    let now = change.now();
    let concerns = |one: &&Standing| {
        may_be_taken_back(&one.approval, now) && is_about(&one.approval, &change.request, facts.people)
    };
    let mut all: Vec<&Standing> = facts.standing.iter().filter(concerns).collect();
    // First those that would cover calls to come, then those that were used last.
    all.sort_by_key(|one| (!one.approval.is_in_force(now), Reverse(one.approval.last_used_at)));
    let why: Text = format!("request {} was rejected", change.request.id).into();
    let by = change.request.decision.as_ref().and_then(|decision| decision.by.first().cloned());
    // Whose rejection it was; that of the actor closed it.
    let by = by.unwrap_or_else(|| change.actor().clone());
    for (place, Standing { approval, version }) in all.into_iter().enumerate() {
        if place < MOST_TAKEN_BACK {
            take_back(change, approval, *version, (by.clone(), Text::clone(&why)))?;
        } else {
            let act = Act::WithdrawStanding { standing: approval.id, reason: Text::clone(&why) };
            let command = Command { actor: by.clone(), via: None, operator: true, act };
            change.go_on(approval.request, command);
        }
    }
    Ok(())
}

fn take_back(
    change: &mut Change<'_>,
    approval: &StandingApproval,
    version: u64,
    (by, why): (crate::model::Principal, Text),
) -> Result<(), Refusal> {
    let withdrawn = Withdrawn { by, at: change.now(), why: why.clone() };
    let approval = StandingApproval { withdrawn: Some(withdrawn), ..approval.clone() };
    change.tell(EventKind::Withdrawn { standing: approval.id, why })?;
    change.write_standing(StandingWrite { approval, expect: Some(version) });
    Ok(())
}

/// What must hold of the standing approval that gave the grant, if one did, when the grant is consumed: it was not taken
/// back. That it ran out or was used up meanwhile does not matter, since it covered the call when that was opened.
pub(super) fn not_withdrawn(case: &Case<'_>) -> Result<Option<Requires>, Refusal> {
    let Some(id) = case.request.decision.as_deref().and_then(|decision| decision.by_standing) else {
        return Ok(None);
    };
    let found = case.facts.standing.iter().find(|one| one.approval.id == id);
    // Fails closed: nothing runs under a standing approval of which nothing is known.
    let Standing { approval, version } =
        found.ok_or(Internal::new("the standing approval that approved a request is not in the store"))?;
    match &approval.withdrawn {
        Some(Withdrawn { by, why, .. }) => {
            Err(Refusal::StandingWithdrawn { standing: id, by: by.clone(), why: why.clone() })
        }
        None => Ok(Some(Requires::SameStanding(id, *version))),
    }
}

/// One of those who gave it, or an operator, takes a standing approval back; noted with the request that it was given with.
pub(super) fn withdraw(case: &Case<'_>, standing: StandingId, reason: &Text) -> Result<Transition, Refusal> {
    let found = case.facts.standing.iter().find(|one| one.approval.id == standing);
    let Some(Standing { approval, version }) = found.filter(|one| one.approval.request == case.request.id)
    else {
        return Err(Invalid::new(
            "standing approval",
            standing.to_string(),
            "was not given with this request",
        )
        .hint("list the standing approvals, and name one and its request")
        .into());
    };
    let actor = case.actor();
    let gave = approval.by.iter().any(|person| case.facts.people.canonical(person) == actor);
    if !case.command.operator && !gave {
        return Err(
            case.not_permitted("only those who gave it and operators may withdraw a standing approval")
        );
    }
    // One that ran out or was used up may be behind calls that have not begun.
    if approval.withdrawn.is_some() {
        return Err(Refusal::NothingToDo);
    }
    let why = limits::said("reason", reason, limits::NOTE_LIMIT)?;
    let mut change = case.change_by(actor);
    take_back(&mut change, approval, *version, (actor.clone(), why))?;
    Ok(change.finish())
}
