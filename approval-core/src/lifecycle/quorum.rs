//! Whether the votes suffice: to reject, to approve, or to answer.

use std::collections::BTreeMap;

use super::{
    Refusal,
    eligibility::{Seat, Seating},
    limits,
    matching::{self, Missing, Seats},
    reachable,
};
use crate::model::{Ballot, CanonicalJson, Gate, People, Principal, Request, Text, Vote};

/// What the votes amount to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Too few.
    Undecided,
    /// All requirements are met.
    Approved(Ground),
    /// There are enough rejections.
    Rejected(Ground),
    /// Too few rejections reject by themselves, but without those who rejected not all requirements can be met any more.
    Unreachable(Ground),
}

/// Whose votes decided, and what they said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// In the order of voting.
    pub(super) by: Vec<Principal>,
    /// Their notes.
    pub(super) reason: Option<Text>,
    /// The option that the last of those who rejected and named one has named.
    pub(super) option: Option<Text>,
    /// What they answered.
    pub(super) answer: Option<CanonicalJson>,
}

/// A vote that counts, and whose it is now.
#[derive(Clone, Copy)]
struct Cast<'a> {
    person: &'a Principal,
    vote: &'a Vote,
}

/// Counts the votes, everybody's eligibility being judged anew.
pub(super) fn verdict(request: &Request, people: &People) -> Verdict {
    let seating = Seating::new(request, people);
    let casts = casts(request, &seating);

    let rejects: Vec<Cast<'_>> = casts.iter().filter(|cast| cast.vote.ballot.is_reject()).copied().collect();
    if !rejects.is_empty() && at_least(rejects.len(), request.gate.veto) {
        return Verdict::Rejected(ground(&rejects));
    }
    match &request.question {
        None => {
            let approvals: Vec<Cast<'_>> =
                casts.into_iter().filter(|cast| cast.vote.ballot == Ballot::Approve).collect();
            match seated(request, &seating, &approvals) {
                Some(seated) if !seated.is_empty() => Verdict::Approved(ground(&seated)),
                _ => undecided(&seating, &rejects),
            }
        }
        Some(question) => {
            for first in &casts {
                let Ballot::Answer(answer) = &first.vote.ballot else { continue };
                let same: Vec<Cast<'_>> =
                    casts.iter().filter(|cast| cast.vote.ballot == first.vote.ballot).copied().collect();
                if at_least(same.len(), question.agree) && seated(request, &seating, &same).is_some() {
                    return Verdict::Approved(Ground { answer: Some(answer.clone()), ..ground(&same) });
                }
            }
            undecided(&seating, &rejects)
        }
    }
}

/// Undecided for now, or for good.
fn undecided<'a>(seating: &Seating<'a>, rejects: &[Cast<'a>]) -> Verdict {
    let rejecters: Vec<&Principal> = rejects.iter().map(|cast| cast.person).collect();
    let blockers = reachable::blockers(seating, &rejecters);
    if blockers.is_empty() {
        return Verdict::Undecided;
    }
    let blocking: Vec<Cast<'_>> =
        rejects.iter().filter(|cast| blockers.contains(&cast.person)).copied().collect();
    Verdict::Unreachable(ground(&blocking))
}

/// The votes that count, in the order of voting: of each person the latest, if it stands, nothing bars the person, and
/// there is a seat that no person before in the chain of delegations has taken.
fn casts<'a>(request: &'a Request, seating: &Seating<'a>) -> Vec<Cast<'a>> {
    let mut casts: Vec<Cast<'_>> = Vec::with_capacity(request.votes.len());
    for vote in &request.votes {
        if let Some(person) = seating.people().person(&vote.voter) {
            // Two names may have become one person since.
            casts.retain(|cast| cast.person != person);
            casts.push(Cast { person, vote });
        }
    }
    casts.retain(|cast| {
        seating.stands(cast.vote)
            && seating.barred(cast.person).is_none()
            && seating.best_seat(cast.person) == Seat::Free
    });
    casts
}

/// Those who fill the seats of every matching; `None` if some stay empty.
fn seated<'a>(request: &'a Request, seating: &Seating<'a>, casts: &[Cast<'a>]) -> Option<Vec<Cast<'a>>> {
    let fits = |requirement: usize, person: usize| {
        casts.get(person).is_some_and(|cast| seating.seat(requirement, cast.person) == Seat::Free)
    };
    let chosen = fill(&request.gate, casts.len(), fits).ok()?;
    Some(chosen.into_iter().filter_map(|number| casts.get(number).copied()).collect())
}

/// Fills all seats of every matching of a gate, each on its own: see [`matching::fill`]. Requirements are named by their index
/// in the gate.
fn fill(gate: &Gate, people: usize, fits: impl Fn(usize, usize) -> bool) -> Result<Vec<usize>, Missing> {
    let mut chosen: Vec<usize> = Vec::new();
    for group in matchings(gate) {
        let seats: Vec<Seats> = group.iter().map(|(_, seats)| *seats).collect();
        let place = |within: usize| group.get(within).map(|(place, _)| *place);
        let fits = |within: usize, person: usize| place(within).is_some_and(|place| fits(place, person));
        match matching::fill(&seats, people, fits) {
            Ok(some) => chosen.extend(some),
            // Only for the message.
            Err(Missing { requirement, filled }) => {
                return Err(Missing { requirement: place(requirement).unwrap_or(requirement), filled });
            }
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// The requirements of a gate, by matching: each with its index in the gate.
pub(super) fn matchings(gate: &Gate) -> impl Iterator<Item = Vec<(usize, Seats)>> {
    let mut groups: BTreeMap<u32, Vec<(usize, Seats)>> = BTreeMap::new();
    for (place, one) in gate.requirements.iter().enumerate() {
        let seats = Seats { count: one.count, may_share: one.may_share };
        groups.entry(one.matching).or_default().push((place, seats));
    }
    groups.into_values()
}

/// Everybody who may decide, sorted, if that is enough people to meet all requirements.
///
/// # Errors
/// [`Refusal::NoApprover`] when a requirement cannot be met, however people vote.
pub(super) fn approvers<'a>(request: &'a Request, people: &'a People) -> Result<Vec<&'a Principal>, Refusal> {
    let seating = Seating::new(request, people);
    let by_requirement: Vec<Vec<&Principal>> =
        (0..request.gate.requirements.len()).map(|requirement| seating.eligible(requirement)).collect();
    let everybody = match by_requirement.as_slice() {
        [only] => only.clone(),
        several => {
            let mut everybody = several.concat();
            everybody.sort_unstable();
            everybody.dedup();
            everybody
        }
    };
    let fits =
        |requirement: usize, person: usize| match (by_requirement.get(requirement), everybody.get(person)) {
            (Some(eligible), Some(person)) => eligible.binary_search(person).is_ok(),
            // No person fills a seat of a requirement that is not there.
            _ => false,
        };
    fill(&request.gate, everybody.len(), fits).map_err(|Missing { requirement, filled }| {
        // Only for the message, as the numbers below.
        let needed = request.gate.requirements.get(requirement).map_or(0, |one| one.count);
        Refusal::NoApprover { requirement, needed, eligible: filled }
    })?;
    match &request.question {
        Some(question) if !at_least(everybody.len(), question.agree) => Err(Refusal::NoApprover {
            requirement: 0,
            needed: question.agree,
            eligible: u32::try_from(everybody.len()).unwrap_or(u32::MAX),
        }),
        _ => Ok(everybody),
    }
}

fn at_least(found: usize, needed: u32) -> bool {
    usize::try_from(needed).is_ok_and(|needed| found >= needed)
}

fn ground(casts: &[Cast<'_>]) -> Ground {
    let option = casts.iter().rev().find_map(|cast| match &cast.vote.ballot {
        Ballot::Reject { option } => option.clone(),
        Ballot::Approve | Ballot::Answer(_) => None,
    });
    Ground {
        by: casts.iter().map(|cast| cast.person.clone()).collect(),
        reason: reason(casts),
        option,
        answer: None,
    }
}

/// One note as it is; of several each with its writer.
fn reason(casts: &[Cast<'_>]) -> Option<Text> {
    let mut notes = casts.iter().filter_map(|cast| Some((cast.person, cast.vote.note.as_ref()?)));
    let (first, note) = notes.next()?;
    let Some((second, other)) = notes.next() else { return Some(note.clone()) };
    let mut text = format!("{first}: {note}; {second}: {other}");
    for (person, note) in notes {
        text.push_str("; ");
        text.push_str(person.as_str());
        text.push_str(": ");
        text.push_str(note);
    }
    Some(limits::cut(text.into(), limits::REASON_LIMIT))
}
