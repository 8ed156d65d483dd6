//! Hands in what people at the terminal decided, and puts into words what became of it.

use approval_core::lifecycle::{Act, Edit};
use approval_core::model::canonical::to_canonical;
use approval_core::model::{Ballot as Vote, Request, StandingTerms, Status};
use approval_core::notify::Decider;
use approval_core::{ApprovalError, Principal};
use async_trait::async_trait;

use super::desk::{Ballot, Reply, Verdict};
use super::prompt::{Answer, in_words};
use super::session::Judge;
use super::view::{View, ending};

#[async_trait]
impl Judge for Decider {
    async fn judge(&self, ballot: Ballot) -> Reply {
        let asked = matches!(ballot.answer, Answer::Ask(_));
        let terms = if let Answer::Always(terms) = &ballot.answer { Some(terms.clone()) } else { None };
        let act = match act(&ballot) {
            Ok(act) => act,
            Err(why) => return Reply { verdict: Verdict::Refused, text: refusal(&why), view: None },
        };
        match self.act(ballot.id, &ballot.voter, act).await {
            Ok(request) => match terms {
                Some(terms) => stood(&request, &terms),
                None => accepted(&request, asked),
            },
            Err(error) => refused(self, &ballot, &error).await,
        }
    }
}

/// What a line means to the manager. A vote is bound to the digest that was on the screen.
fn act(ballot: &Ballot) -> Result<Act, String> {
    let digest = ballot.digest;
    let vote =
        |ballot, note: &Option<String>| Act::Vote { digest, ballot, note: note.as_deref().map(Into::into) };
    Ok(match &ballot.answer {
        Answer::Approve { note } => vote(Vote::Approve, note),
        Answer::Always(terms) => Act::ApproveStanding { digest, note: None, terms: terms.clone() },
        Answer::Reject { option, reason } => {
            vote(Vote::Reject { option: option.as_deref().map(Into::into) }, reason)
        }
        Answer::Value(value) => {
            vote(Vote::Answer(to_canonical(value).map_err(|error| error.to_string())?), &None)
        }
        Answer::Ask(question) => Act::RequestInfo { question: question.as_str().into() },
        Answer::Edit(changes) => {
            let edits = changes.iter().map(|(path, value)| {
                let value = to_canonical(value).map_err(|error| format!("{path}: {error}"))?;
                Ok(Edit { path: path.as_str().into(), value })
            });
            Act::ApproveEdited { digest, edits: edits.collect::<Result<_, String>>()?, note: None }
        }
    })
}

/// The request as it stands now. `None`: it cannot be shown, and what is on the screen stays; a vote on that fails if it is not
/// what the request is now.
fn view(request: &Request) -> Option<Box<View>> {
    View::of(request)
        .inspect_err(|error| tracing::warn!(error, "the terminal shows an earlier state"))
        .ok()
        .map(Box::new)
}

fn accepted(request: &Request, asked: bool) -> Reply {
    let view = view(request);
    let (verdict, text) = match (request.status.is_open(), asked) {
        (false, _) => (Verdict::Decided, format!("Done: {}.", ending(request))),
        (true, false) => (Verdict::Voted, "Your vote counts; it takes more votes to decide.".to_owned()),
        (true, true) if request.answers_info => {
            (Verdict::HandedOn, "Asked. The deadline stays; the answer will appear here.".to_owned())
        }
        (true, true) => (
            Verdict::Refused,
            "Noted, but this agent answers no questions by itself: no answer will come unless an operator gives one.".to_owned(),
        ),
    };
    Reply { verdict, text, view }
}

/// An approval that was to be the last one for a while. It is so if all whose approval it took asked for the same.
fn stood(request: &Request, terms: &StandingTerms) -> Reply {
    let mut reply = accepted(request, false);
    let (action, agent) = (request.action.name.as_str(), request.requester.as_str());
    let person = request.on_behalf_of.as_ref().map(Principal::as_str);
    let words = in_words(terms, action, agent, request.run.as_deref(), person);
    let asked_the_same = |by: &Principal| {
        let vote = request.votes.iter().find(|vote| vote.voter == *by);
        vote.is_some_and(|vote| vote.standing.as_deref() == Some(terms))
    };
    let given = request.decision.as_ref().is_some_and(|decision| decision.by.iter().all(asked_the_same));
    let told = match request.status {
        Status::Approved if given => {
            format!(" Not asked about from now on: {words}. A rejection of such a call ends that.")
        }
        Status::Approved => {
            " Not everybody asked for the same: such calls are asked about as before.".to_owned()
        }
        Status::Pending | Status::InfoRequested => {
            format!(" Not asked about then, if everybody whose vote it takes asks for the same: {words}.")
        }
        Status::Rejected | Status::Expired | Status::Cancelled => String::new(),
    };
    reply.text.push_str(&told);
    reply
}

/// A refusal, together with the request as it stands now: perhaps it is not what was on the screen.
async fn refused(decider: &Decider, ballot: &Ballot, error: &ApprovalError) -> Reply {
    let text = refusal(&error.to_string());
    match decider.get(ballot.id).await {
        Ok(request) if request.status.is_open() => {
            Reply { verdict: Verdict::Refused, text, view: view(&request) }
        }
        Ok(_) | Err(ApprovalError::NotFound(_)) => Reply { verdict: Verdict::TooLate, text, view: None },
        Err(_) => Reply { verdict: Verdict::Refused, text, view: None },
    }
}

fn refusal(why: &str) -> String {
    format!("That does not count: {why}.")
}
