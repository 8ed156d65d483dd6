//! The terminal as a channel of the manager.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use approval_core::ApprovalError;
use approval_core::model::{NoticeKind, Principal, Request, Status};
use approval_core::notify::{Capabilities, Decider, Delivered, MessageRef, Notice, Notifier, NotifyError};
use approval_core::store::Query;
use async_trait::async_trait;
use tokio::sync::mpsc;

use super::desk::{Desk, Event};
use super::input::Lines;
use super::output::Screen;
use super::session::{News, Session};
use super::view::{View, ending};
use super::{Idle, Terminal};

/// Requests of earlier processes that are asked about again when the terminal starts, at the most.
const CATCH_UP: usize = 1_000;
/// How long stopping waits for what is still to be printed.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[async_trait]
impl Notifier for Terminal {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::decides().with_updates()
    }

    fn reaches(&self, principal: &Principal) -> bool {
        self.acting_as.contains(principal)
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        if !self.reaches(&notice.to) {
            return Err(NotifyError::permanent(format!("{} is not at this terminal", notice.to)));
        }
        let request = &notice.request;
        // What is decided meanwhile is asked about no more.
        let event = match why(notice.kind).filter(|_| request.status.is_open()) {
            Some(why) => {
                let voters = self.voters(request, &notice.to).await?;
                let view = Box::new(View::of(request).map_err(NotifyError::permanent)?);
                Event::Asked { view, voters, why }
            }
            None => Event::Told(told(request)),
        };
        let nobody = *self.over.borrow();
        self.tell(event)?;
        if nobody {
            return Err(NotifyError::permanent("no person can answer at this terminal any more"));
        }
        Ok(Delivered { message: Some(MessageRef(request.id.to_string().into())) })
    }

    async fn update(&self, _: &MessageRef, notice: &Notice) -> Result<(), NotifyError> {
        let request = &notice.request;
        if request.status.is_open() {
            return Ok(());
        }
        self.tell(Event::Closed { id: request.id, how: ending(request) })
    }

    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        if let Some(other) = self.acting_as.iter().find(|principal| !principal.is_person()) {
            return Err(NotifyError::permanent(format!(
                "{other} is no person; only people sit at a terminal"
            )));
        }
        if self.acting_as.is_empty() {
            return Err(NotifyError::permanent(
                "this terminal acts for no person; say for whom with `acting_as`",
            ));
        }
        let Some(Idle { devices, news }) = lock(&self.idle).take() else {
            return Err(NotifyError::permanent(
                "this terminal was started before; give each manager its own",
            ));
        };
        // Set once: the room was idle.
        let _first = self.decider.set(decider.clone());
        let no_thread = |error| NotifyError::permanent(format!("the terminal got no thread: {error}"));
        let session = Session {
            desk: Desk::new(self.elsewhere.clone()),
            lines: Lines::start(devices.source).map_err(no_thread)?,
            screen: Screen::start(devices.writer).map_err(no_thread)?,
            news,
            judge: Arc::new(decider.clone()),
            clock: Arc::clone(&self.clock),
            colour: devices.colour,
            width: devices.width,
            settle: self.settle,
            over: self.over.clone(),
        };
        *lock(&self.task) = Some(tokio::spawn(session.run()));
        tokio::spawn(catch_up(decider, self.acting_as.clone(), self.clock.now(), self.news.clone()));
        Ok(())
    }

    async fn stop(&self) {
        let task = lock(&self.task).take();
        if let Some(task) = task
            && self.news.send(News::Stop).is_ok()
        {
            // A terminal that is held (Ctrl-S) must not hold the shutdown.
            drop(tokio::time::timeout(LAST_WORDS, task).await);
        }
    }
}

impl Terminal {
    /// Who at this terminal may answer, in the order in which they were named: all of them at once, so that who answers does
    /// not depend on whose notice came first.
    async fn voters(&self, request: &Request, to: &Principal) -> Result<Vec<Principal>, NotifyError> {
        let Some(decider) = self.decider.get() else {
            return Err(NotifyError::retry("the manager has not started this terminal yet"));
        };
        let mut voters = open_voters(decider, request, &self.acting_as)
            .await
            .map_err(|error| NotifyError::retry(error.to_string()))?;
        if !voters.contains(to) {
            voters.push(to.clone());
        }
        Ok(voters)
    }

    fn tell(&self, event: Event) -> Result<(), NotifyError> {
        self.news.send(News::Event(event)).map_err(|_| NotifyError::permanent("this terminal is stopped"))
    }
}

/// Why a person is asked, as half a sentence; `None` if the notice asks for nothing.
const fn why(kind: NoticeKind) -> Option<&'static str> {
    match kind {
        NoticeKind::Decide => Some("it is asked about"),
        NoticeKind::Reminder => Some("it is waiting still"),
        NoticeKind::Escalated => Some("others did not decide"),
        NoticeKind::Edited => Some("the arguments were changed"),
        NoticeKind::InfoProvided => Some("the agent answered"),
        NoticeKind::InfoRequested | NoticeKind::Closed | NoticeKind::Outcome | NoticeKind::Informed => None,
    }
}

/// A line about a notice that asks for nothing.
fn told(request: &Request) -> String {
    format!(
        "For your information: {} of {}: {} ({}).",
        request.action.name,
        request.requester,
        ending(request),
        request.id
    )
}

/// Asks about what earlier processes left open: their notices were delivered, to a screen that is gone.
async fn catch_up(
    decider: Decider,
    people: Vec<Principal>,
    before: approval_core::clock::Timestamp,
    news: mpsc::UnboundedSender<News>,
) {
    let mut query = Query {
        status: vec![Status::Pending, Status::InfoRequested],
        created_before: Some(before),
        ..Query::default()
    };
    let mut seen = 0;
    loop {
        let page = match decider.list(&query).await {
            Ok(page) => page,
            Err(ApprovalError::ShutDown) => return,
            Err(error) => {
                tracing::warn!(%error, "the terminal could not look up what earlier runs left open");
                return;
            }
        };
        seen += page.items.len();
        for stored in &page.items {
            let request = &stored.request;
            let voters = match open_voters(&decider, request, &people).await {
                Ok(voters) => voters,
                Err(error) => {
                    tracing::warn!(%error, request = %request.id, "the terminal could not look up who may decide");
                    continue;
                }
            };
            if voters.is_empty() {
                continue;
            }
            let view = match View::of(request) {
                Ok(view) => Box::new(view),
                Err(error) => {
                    tracing::warn!(error, "the terminal cannot ask about a request that was left open");
                    continue;
                }
            };
            let why = "it was open when this terminal started";
            if news.send(News::Event(Event::Asked { view, voters, why })).is_err() {
                return;
            }
        }
        match page.next {
            Some(next) if seen < CATCH_UP => query.after = Some(next),
            Some(_) => {
                tracing::warn!(seen, "more requests are open than the terminal asks about again");
                return;
            }
            None => return,
        }
    }
}

/// Those of `people` who may decide and have not yet.
async fn open_voters(
    decider: &Decider,
    request: &Request,
    people: &[Principal],
) -> Result<Vec<Principal>, ApprovalError> {
    let deciders = decider.deciders(request.id).await?;
    let votes = |person: &Principal| request.votes.iter().any(|vote| vote.voter == *person && !vote.void);
    let open = |person: &&Principal| deciders.contains(person) && !votes(person);
    Ok(people.iter().filter(open).cloned().collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is ever left half done in there.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
