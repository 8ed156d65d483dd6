//! Following the script: the channel.

use approval_core::{
    ApprovalError, Principal, RequestId,
    lifecycle::{Act, Edit, Refusal},
    model::{Ballot, Request, Status, Text},
    notify::{Capabilities, Decider, Delivered, Notice, Notifier, NotifyError},
};
use async_trait::async_trait;

use super::{
    RefusedStep, Rest, Script, Scripted,
    step::{Deed, Fallible, State},
};

/// What is to be done next on a request.
struct Next {
    /// Which step (index); `None` at the script's end.
    step: Option<usize>,
    by: Fallible<Principal>,
    deed: Deed,
    says: String,
}

/// What came of trying it.
enum Tried {
    Done,
    /// The request ended meanwhile, or its arguments changed: look again.
    Outdated,
    Refused(ApprovalError),
    /// Nothing is known; the notice will be delivered again.
    Failed(ApprovalError),
}

impl Script {
    fn next(&mut self, request: &Request) -> Option<Next> {
        let known = self.open.get_mut(&request.id)?;
        if known.ignored || request.status == Status::InfoRequested {
            return None;
        }
        if let Some((place, step)) = self.steps.iter_mut().enumerate().find(|(_, step)| step.fits(request)) {
            let Some((_, by)) = step.by.clone() else {
                step.state = State::Taken;
                known.ignored = true;
                return None;
            };
            return Some(Next { step: Some(place), by, deed: step.deed.clone(), says: step.to_string() });
        }
        let deed = match &self.rest {
            Rest::Ignore => return None,
            Rest::Approve => Deed::Approve { note: None },
            Rest::Reject(reason) => Deed::Reject { option: None, reason: reason.clone() },
        };
        let digest = request.revision.digest;
        let voted = |person: &Principal| request.votes.iter().any(|vote| vote.voter == *person && !vote.void);
        let by = known
            .told
            .iter()
            .find(|person| !voted(person) && !known.gave_up.contains(&((*person).clone(), digest)))?;
        let verb = if matches!(deed, Deed::Approve { .. }) { "approve" } else { "reject" };
        Some(Next { step: None, by: Ok(by.clone()), says: format!("{verb} by {by}"), deed })
    }

    fn took(&mut self, next: &Next) {
        if let Some(step) = next.step.and_then(|place| self.steps.get_mut(place)) {
            step.state = State::Taken;
        }
    }

    fn refused(&mut self, next: &Next, request: &Request, error: ApprovalError) {
        self.took(next);
        if let (None, Ok(by), Some(known)) = (next.step, &next.by, self.open.get_mut(&request.id)) {
            known.gave_up.insert((by.clone(), request.revision.digest));
        }
        self.refused.push(RefusedStep {
            number: next.step.map(|place| place.saturating_add(1)),
            step: next.says.clone(),
            request: request.id,
            error,
        });
    }

    fn left(&self) -> usize {
        self.steps.iter().filter(|step| step.state == State::Left).count()
    }
}

impl Scripted {
    /// Does on a request whatever the script says.
    async fn follow(&self, decider: &Decider, id: RequestId) -> Result<(), ApprovalError> {
        let _one_at_a_time = self.0.acting.lock().await;
        loop {
            let request = decider.get(id).await?;
            if !request.status.is_open() {
                self.script().open.remove(&id);
                return Ok(());
            }
            let next = self.script().next(&request);
            self.count();
            let Some(next) = next else { return Ok(()) };
            match attempt(decider, &request, &next).await {
                Tried::Done => self.script().took(&next),
                Tried::Refused(error) => self.script().refused(&next, &request, error),
                Tried::Failed(error) => return Err(error),
                Tried::Outdated => {
                    let now = decider.get(id).await?;
                    if now.status.is_open() && now.chain == request.chain {
                        // Its time is up, though that is not written: there is nothing to be done any more.
                        self.script().open.remove(&id);
                        return Ok(());
                    }
                }
            }
            self.count();
        }
    }

    fn count(&self) {
        let left = self.script().left();
        self.0.left.send_if_modified(|before| std::mem::replace(before, left) != left);
    }
}

async fn attempt(decider: &Decider, request: &Request, next: &Next) -> Tried {
    let done = async {
        let by = next.by.clone()?;
        decider.act(request.id, &by, act(request, &next.deed)?).await
    };
    match done.await {
        Ok(_) => Tried::Done,
        Err(ApprovalError::AlreadyDecided { .. } | ApprovalError::ArgumentsChanged { .. }) => Tried::Outdated,
        Err(ApprovalError::Refused { refusal, .. }) if matches!(*refusal, Refusal::DeadlinePassed(_)) => {
            Tried::Outdated
        }
        Err(
            error @ (ApprovalError::Store(_)
            | ApprovalError::Directory(_)
            | ApprovalError::Policy(_)
            | ApprovalError::ShutDown),
        ) => Tried::Failed(error),
        Err(error) => Tried::Refused(error),
    }
}

fn act(request: &Request, deed: &Deed) -> Result<Act, ApprovalError> {
    let digest = request.revision.digest;
    let vote = |ballot, note: Option<&String>| Act::Vote {
        digest,
        ballot,
        note: note.map(|note| note.as_str().into()),
    };
    Ok(match deed {
        Deed::Approve { note } => vote(Ballot::Approve, note.as_ref()),
        Deed::Reject { option, reason } => {
            vote(Ballot::Reject { option: option.as_deref().map(Text::from) }, Some(reason))
        }
        Deed::Answer { value } => vote(Ballot::Answer(value.clone()?), None),
        Deed::Edit { edits } => {
            let edit = |(path, value): &(String, Fallible<_>)| {
                Ok(Edit { path: path.as_str().into(), value: value.clone()? })
            };
            let edits = edits.iter().map(edit).collect::<Fallible<Vec<_>>>()?;
            Act::ApproveEdited { digest, edits, note: None }
        }
        Deed::Ask { question } => Act::RequestInfo { question: question.as_str().into() },
        Deed::Delegate { to } => Act::Delegate { to: Principal::new(to)? },
        Deed::Ignore => Act::Tick,
    })
}

#[async_trait]
impl Notifier for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::decides()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        let decider = {
            let mut script = self.script();
            script.notices.push(notice.clone());
            if !notice.kind.asks() {
                return Ok(Delivered::default());
            }
            let known = script.open.entry(notice.request.id).or_default();
            known.action = notice.request.action.name.to_string();
            known.told.insert(notice.to.clone());
            script.decider.clone()
        };
        let Some(decider) = decider else {
            return Err(NotifyError::retry("the manager has not started this channel yet"));
        };
        match self.follow(&decider, notice.request.id).await {
            Ok(()) => Ok(Delivered::default()),
            Err(error) => Err(NotifyError::retry(error.to_string())),
        }
    }

    /// The script goes on with the manager that was started last.
    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        self.script().decider = Some(decider);
        Ok(())
    }

    async fn stop(&self) {
        self.script().decider = None;
    }
}
