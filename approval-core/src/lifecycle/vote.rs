//! Votes.

use super::{Refusal, Transition, case::Case, decide, limits, schema, stand_in};
use crate::{
    error::Invalid,
    model::{
        ArgumentsDigest, Ballot, CanonicalJson, EventKind, Question, Request, StandingTerms, Text, Vote,
    },
};

/// A person votes.
pub(super) fn vote(
    case: &Case<'_>,
    digest: ArgumentsDigest,
    ballot: &Ballot,
    note: Option<&Text>,
) -> Result<Transition, Refusal> {
    vote_on_terms(case, digest, ballot, note, None)
}

/// The same, with what the person does not want to be asked about again.
pub(super) fn vote_on_terms(
    case: &Case<'_>,
    digest: ArgumentsDigest,
    ballot: &Ballot,
    note: Option<&Text>,
    terms: Option<&StandingTerms>,
) -> Result<Transition, Refusal> {
    case.open()?;
    let voter = case.voter()?;
    case.saw(digest)?;
    let note = limits::perhaps("note", note, limits::NOTE_LIMIT)?;
    check(case.request, ballot)?;

    let repeated = case.request.votes.iter().any(|vote| {
        vote.voter == *voter
            && vote.ballot == *ballot
            && vote.note == note
            && vote.standing.as_deref() == terms
            && case.seating().stands(vote)
    });
    let mut change = case.change_by(voter);
    change.not_after(case.request.deadline);
    stand_in::record(&mut change, voter, case.facts)?;
    change.tell(EventKind::Voted { ballot: ballot.clone(), note: note.clone() })?;
    let via = case.command.via.clone();
    let vote = Vote {
        voter: voter.clone(),
        ballot: ballot.clone(),
        digest,
        note,
        via,
        at: case.now,
        standing: terms.cloned().map(Box::new),
        void: false,
    };
    put(&mut change.request, vote, case);
    if !decide::decide_by_votes(&mut change, case.facts)? && repeated {
        return Err(Refusal::NothingToDo);
    }
    Ok(change.finish())
}

/// Puts a vote in the place of earlier ones of the same person.
pub(super) fn put(request: &mut Request, vote: Vote, case: &Case<'_>) {
    request.votes.retain(|earlier| case.facts.people.person(&earlier.voter) != Some(&vote.voter));
    request.votes.push(vote);
}

fn check(request: &Request, ballot: &Ballot) -> Result<(), Refusal> {
    match (ballot, &request.question) {
        (Ballot::Reject { option: None }, _) | (Ballot::Approve, None) => Ok(()),
        (Ballot::Reject { option: Some(option) }, _) => {
            let offered = &request.gate.reject_options;
            if offered.iter().any(|offer| offer.name == *option) {
                Ok(())
            } else {
                Err(Refusal::UnknownOption {
                    option: option.clone(),
                    offered: offered.iter().map(|offer| offer.name.clone()).collect(),
                })
            }
        }
        (Ballot::Approve, Some(_)) => Err(Invalid::new("vote", "approve", "is no answer to a question")
            .hint("answer it, or reject it")
            .into()),
        (Ballot::Answer(_), None) => {
            Err(Invalid::new("vote", "answer", "does not fit: an action waits for approval")
                .hint("approve or reject it")
                .into())
        }
        (Ballot::Answer(answer), Some(question)) => valid(question, answer),
    }
}

/// Checks an answer against the options and the schema of its question.
fn valid(question: &Question, answer: &CanonicalJson) -> Result<(), Refusal> {
    if !question.options.is_empty()
        && !question.options.iter().any(|option| schema::same(&option.value, answer))
    {
        let titles: Vec<&str> = question.options.iter().map(|option| &*option.title).collect();
        return Err(Invalid::new("answer", answer.as_str(), "is none of the options")
            .hint(format!("choose one of: {}", titles.join(", ")))
            .into());
    }
    Ok(schema::check("answer", &question.schema, answer)?)
}
