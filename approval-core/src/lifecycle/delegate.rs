//! Handing a seat on.

use super::{Refusal, Transition, case::Case, decide, eligibility::DELEGATION_DEPTH};
use crate::model::{Delegation, DelegationRule, EventKind, NoticeKind, People, Principal, Request, Vote};

/// A person hands the own seat on. An approval that the person gave before fills it no more.
pub(super) fn delegate(case: &Case<'_>, to: &Principal) -> Result<Transition, Refusal> {
    case.open()?;
    let from = case.voter()?;
    let people = case.facts.people;
    let refuse = |why| Refusal::Delegation { from: from.clone(), to: to.clone(), why };
    let to = people.person(to).ok_or_else(|| refuse("it is no person that the directory knows"))?;
    if to == from {
        return Err(refuse("it is the same person"));
    }
    if let Some(why) = case.seating().barred(to) {
        return Err(refuse(why.as_str()));
    }
    if !permitted(case.request, people, from, to) {
        return Err(refuse("neither the gate nor the directory permits it"));
    }
    let request = case.request;
    let own = |person: &Principal| people.person(person) == Some(from);
    if request.delegations.iter().any(|one| own(&one.from) && people.person(&one.to) == Some(to)) {
        return Err(Refusal::NothingToDo);
    }
    let rejected = |vote: &Vote| own(&vote.voter) && vote.ballot.is_reject();
    if request.votes.iter().any(rejected) {
        return Err(refuse("a person who has rejected keeps the seat"));
    }
    let mut change = case.change_by(from);
    change.not_after(request.deadline);
    change.request.delegations.retain(|one| !own(&one.from));
    fits(&change.request.delegations, people, from, to).map_err(refuse)?;
    change.request.delegations.push(Delegation { from: from.clone(), to: to.clone(), at: case.now });
    for vote in change.request.votes.iter_mut().filter(|vote| own(&vote.voter)) {
        vote.void = true;
    }
    change.tell(EventKind::Delegated { from: from.clone(), to: to.clone() })?;
    change.notify(NoticeKind::Decide, [to.clone()]);
    decide::decide_by_votes(&mut change, case.facts)?;
    Ok(change.finish())
}

/// Whether the gate or the directory lets a person hand the own seat on to another.
pub(super) fn permitted(request: &Request, people: &People, from: &Principal, to: &Principal) -> bool {
    let by_rule = match &request.gate.delegation {
        DelegationRule::Forbidden => return false,
        DelegationRule::Directory => false,
        DelegationRule::To(list) => list.iter().any(|one| people.includes(one, to)),
    };
    let own = people.delegates.iter().filter(|(person, _)| people.person(person) == Some(from));
    by_rule || own.flat_map(|(_, delegates)| delegates).any(|one| people.includes(one, to))
}

/// Whether one more link keeps the chains short and without circles. Links of people who are not known now count, too: they
/// may be known again.
pub(super) fn fits(
    delegations: &[Delegation],
    people: &People,
    from: &Principal,
    to: &Principal,
) -> Result<(), &'static str> {
    let mut end = to;
    let mut after = 0;
    for _ in 0..DELEGATION_DEPTH {
        let Some(next) = delegations.iter().find(|one| people.canonical(&one.from) == end) else { break };
        end = people.canonical(&next.to);
        after += 1;
        if end == from {
            return Err("it would make a circle");
        }
    }
    if before(delegations, people, from, DELEGATION_DEPTH) + 1 + after > DELEGATION_DEPTH {
        return Err("the seat was handed on too often; a chain has at most three links");
    }
    Ok(())
}

/// Links of the longest chain that ends at a person; looks back `depth` links.
fn before(delegations: &[Delegation], people: &People, person: &Principal, depth: usize) -> usize {
    if depth == 0 {
        return 0;
    }
    let into = delegations.iter().filter(|one| people.canonical(&one.to) == people.canonical(person));
    into.map(|one| 1 + before(delegations, people, &one.from, depth - 1)).max().unwrap_or(0)
}
