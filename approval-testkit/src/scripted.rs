//! People who follow a script, for testing agents without people.

mod act;
mod all;
mod report;
mod step;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use approval_core::{
    Principal, RequestId,
    model::{ArgumentsDigest, Request},
    notify::{Decider, Notice},
};
use serde::Serialize;
use tokio::sync::watch;

use self::step::{Deed, Filter, State, Step};

pub use self::{
    all::{ApproveAll, RejectAll},
    report::{RefusedStep, Report, UnusedStep},
};

/// People who follow a script: a channel called `scripted` that casts real votes through the real lifecycle. A person who is
/// not eligible is refused here as everywhere.
///
/// Each request takes the first step of the script that is left and that fits it, as soon as a person is notified of the
/// request, and then the next one, until it is decided. What comes when no step fits any more, the script's end says:
/// [`then_approve_all`](Self::then_approve_all), [`then_reject_all`](Self::then_reject_all), or, if it says nothing, that
/// no person answers. While a question to the agent is open, no person votes.
///
/// Of requests that are open at the same time it is not certain which one takes a step first; say
/// [`on`](Self::on) or [`when`](Self::when) before a step where that matters.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use approval_core::Action;
/// use approval_testkit::{Scripted, TestManager};
///
/// let people = Scripted::new().reject("user:ann@example.com", "too much").then_approve_all();
/// let manager = TestManager::new(people.clone())?;
/// let refund = Action::new("payments.refund")?.describe(|action| action.approvers(["user:ann@example.com"]))?;
///
/// let first = manager.request(refund.clone()).await?.await;
/// assert!(first.unwrap_err().to_string().contains("rejected by user:ann@example.com: 'too much'"));
/// assert!(manager.request(refund).await?.await.is_ok());
/// people.check()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Scripted(Arc<Shared>);

struct Shared {
    script: Mutex<Script>,
    /// One acts at a time, so that the steps of a request follow each other.
    acting: tokio::sync::Mutex<()>,
    /// Steps that are left.
    left: watch::Sender<usize>,
}

#[derive(Default)]
struct Script {
    decider: Option<Decider>,
    steps: Vec<Step>,
    /// What the next step is limited to.
    filter: Filter,
    rest: Rest,
    open: BTreeMap<RequestId, Known>,
    refused: Vec<RefusedStep>,
    notices: Vec<Notice>,
}

/// What becomes of requests that no step fits.
#[derive(Clone, Debug, Default)]
enum Rest {
    #[default]
    Ignore,
    Approve,
    Reject(String),
}

/// What is known of an open request.
#[derive(Default)]
struct Known {
    action: String,
    /// Who was asked.
    told: BTreeSet<Principal>,
    /// Whose vote at the script's end was refused, on which arguments: it is not tried again.
    gave_up: BTreeSet<(Principal, ArgumentsDigest)>,
    ignored: bool,
}

impl Scripted {
    /// An empty script: no person answers.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            script: Mutex::default(),
            acting: tokio::sync::Mutex::default(),
            left: watch::Sender::new(0),
        }))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(self, by: Option<&str>, deed: Deed) -> Self {
        let mut script = self.script();
        let filter = std::mem::take(&mut script.filter);
        let by = by.map(|text| (text.to_owned(), Principal::new(text)));
        script.steps.push(Step { by, deed, filter, state: State::Left });
        drop(script);
        self.0.left.send_modify(|left| *left += 1);
        self
    }

    fn rest(self, rest: Rest) -> Self {
        self.script().rest = rest;
        self
    }

    /// The next step is for requests of this action alone.
    #[must_use]
    pub fn on(self, action: &str) -> Self {
        self.script().filter.action = Some(action.to_owned());
        self
    }

    /// The next step is for requests alone for which `fits` says so.
    #[must_use]
    pub fn when(self, fits: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.script().filter.fits = Some(Arc::new(fits));
        self
    }

    /// A person approves.
    #[must_use]
    pub fn approve(self, by: &str) -> Self {
        self.step(Some(by), Deed::Approve { note: None })
    }

    /// A person approves and remarks something.
    #[must_use]
    pub fn approve_saying(self, by: &str, note: &str) -> Self {
        self.step(Some(by), Deed::Approve { note: Some(note.to_owned()) })
    }

    /// A person rejects, or refuses to answer.
    #[must_use]
    pub fn reject(self, by: &str, reason: &str) -> Self {
        self.step(Some(by), Deed::Reject { option: None, reason: reason.to_owned() })
    }

    /// A person rejects with one of the options that the action offers.
    #[must_use]
    pub fn reject_with(self, by: &str, option: &str, reason: &str) -> Self {
        self.step(Some(by), Deed::Reject { option: Some(option.to_owned()), reason: reason.to_owned() })
    }

    /// A person changes one argument, and approves the result.
    #[must_use]
    pub fn edit(self, by: &str, path: &str, value: impl Serialize) -> Self {
        self.edits(by, [(path, value)])
    }

    /// A person changes several arguments at once, and approves the result.
    #[must_use]
    pub fn edits<'a, V: Serialize>(self, by: &str, edits: impl IntoIterator<Item = (&'a str, V)>) -> Self {
        let edits =
            edits.into_iter().map(|(path, value)| (path.to_owned(), step::canonical(&value))).collect();
        self.step(Some(by), Deed::Edit { edits })
    }

    /// A person asks the agent something. The script goes on when it has answered.
    #[must_use]
    pub fn ask(self, by: &str, question: &str) -> Self {
        self.step(Some(by), Deed::Ask { question: question.to_owned() })
    }

    /// A person answers a question of the agent.
    #[must_use]
    pub fn answer(self, by: &str, value: impl Serialize) -> Self {
        self.step(Some(by), Deed::Answer { value: step::canonical(&value) })
    }

    /// A person hands the own seat on.
    #[must_use]
    pub fn delegate(self, by: &str, to: &str) -> Self {
        self.step(Some(by), Deed::Delegate { to: to.to_owned() })
    }

    /// No person answers: this request is left alone, also by the steps to come and by the script's end.
    #[must_use]
    pub fn ignore(self) -> Self {
        self.step(None, Deed::Ignore)
    }

    /// Each person who is asked approves whatever no step fits.
    #[must_use]
    pub fn then_approve_all(self) -> Self {
        self.rest(Rest::Approve)
    }

    /// Each person who is asked rejects whatever no step fits.
    #[must_use]
    pub fn then_reject_all(self, reason: &str) -> Self {
        self.rest(Rest::Reject(reason.to_owned()))
    }

    /// Waits until every step has happened or was refused. Give it a time limit of your own.
    pub async fn finished(&self) {
        // It fails only when the sender is gone, which lives as long as `self`.
        drop(self.0.left.subscribe().wait_for(|left| *left == 0).await);
    }

    /// Every notice so far, in the order of its delivery: what people were shown.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.script().notices.clone()
    }
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.script();
        f.debug_struct("Scripted")
            .field("steps", &script.steps)
            .field("rest", &script.rest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
