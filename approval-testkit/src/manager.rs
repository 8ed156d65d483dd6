//! A manager for tests: a store in memory, a clock that stands still, and a channel.

use std::{
    collections::HashSet,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use approval_core::{
    ApprovalError, ApprovalManager, BuildError, Principal, RequestId,
    clock::Span,
    manager::ManagerBuilder,
    model::{Request, Text},
    notify::Notifier,
    store::{Change, ChangeListener, JournalLine, MemoryStore, Query, Store},
};
use tokio::sync::watch;

use crate::FakeClock;

/// How much real time is waited for something to happen before it is said that it did not.
const PATIENCE: Duration = Duration::from_secs(10);

/// A manager for tests, with a store in memory and a [`FakeClock`]. Its agent is `agent:test`, unless another is set.
///
/// It stands for the [`ApprovalManager`] that it holds:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use approval_core::{Action, clock::Span};
/// use approval_testkit::{Scripted, TestManager};
///
/// let manager = TestManager::new(Scripted::new().ignore())?;
/// let call = Action::new("mail.send")?.describe(|action| action.approvers(["user:ann@example.com"]))?;
/// let waiting = manager.request(call).await?;
/// manager.advance(Span::from_hours(1)).await;
/// assert!(waiting.await.unwrap_err().to_string().contains("expired undecided"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TestManager {
    manager: ApprovalManager,
    time: FakeClock,
    store: Arc<dyn Store>,
    changes: Arc<Changes>,
    seen: Mutex<HashSet<RequestId>>,
}

/// Counts the changes that the store tells of.
#[derive(Debug)]
struct Changes(watch::Sender<u64>);

impl ChangeListener for Changes {
    fn changed(&self, changes: &[Change]) {
        self.0.send_modify(|count| *count = count.wrapping_add(changes.len() as u64));
    }
}

/// Something that a test waits for did not happen within ten seconds of real time.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NeverHappened {
    /// A request did not come into the state that was waited for.
    #[error(
        "{action} {request} did not come to be as the test expects; it is {status} ({execution}), with {votes} votes"
    )]
    State {
        /// Which request.
        request: RequestId,
        /// Its action.
        action: Text,
        /// Its status at the end.
        status: &'static str,
        /// The state of its execution at the end.
        execution: &'static str,
        /// How many votes it has.
        votes: usize,
    },
    /// No further request was opened.
    #[error("no request was opened that the test has not seen yet ({seen} are there)")]
    Request {
        /// How many there are.
        seen: usize,
    },
    /// It could not be looked.
    #[error("the test could not look: {0}")]
    Failed(#[from] ApprovalError),
}

impl TestManager {
    /// A manager with one channel, such as [`crate::Scripted`].
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn new(channel: impl Notifier) -> Result<Self, BuildError> {
        Self::with(|builder| builder.notifier(channel))
    }

    /// A manager put together otherwise. Store, clock and agent are set before; another store needs
    /// [`TestManager::on`].
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn with(configure: impl FnOnce(ManagerBuilder) -> ManagerBuilder) -> Result<Self, BuildError> {
        let time = FakeClock::new();
        let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
        Self::on(store, &time, configure)
    }

    /// A manager on a store that was made before with the same clock.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn on(
        store: Arc<dyn Store>,
        time: &FakeClock,
        configure: impl FnOnce(ManagerBuilder) -> ManagerBuilder,
    ) -> Result<Self, BuildError> {
        let builder = ApprovalManager::builder()
            .shared_store(Arc::clone(&store))
            .clock(Arc::new(time.clone()))
            .agent("test");
        let manager = configure(builder).build()?;
        let changes = Arc::new(Changes(watch::Sender::new(0)));
        let listener: Arc<dyn ChangeListener> = Arc::clone(&changes) as _;
        store.subscribe(Arc::downgrade(&listener));
        Ok(Self { manager, time: time.clone(), store, changes, seen: Mutex::default() })
    }

    /// Another manager on the same store and the same clock, as a second process or the same one started again would have.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn another(
        &self,
        configure: impl FnOnce(ManagerBuilder) -> ManagerBuilder,
    ) -> Result<Self, BuildError> {
        Self::on(Arc::clone(&self.store), &self.time, configure)
    }

    /// The clock.
    #[must_use]
    pub const fn time(&self) -> &FakeClock {
        &self.time
    }

    /// Lets time pass, and lets what it brings about happen: see [`FakeClock::advance_and_settle`].
    pub async fn advance(&self, by: Span) {
        self.time.advance_and_settle(by).await;
    }

    /// A person approves a request as it stands.
    ///
    /// # Errors
    /// Why the vote does not count.
    pub async fn approve(&self, request: RequestId, by: &str) -> Result<Arc<Request>, ApprovalError> {
        let seen = self.get(request).await?;
        self.decider("test").approve(&seen, &Principal::new(by)?, None).await
    }

    /// A person rejects a request as it stands.
    ///
    /// # Errors
    /// Why the vote does not count.
    pub async fn reject(
        &self,
        request: RequestId,
        by: &str,
        reason: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        let seen = self.get(request).await?;
        self.decider("test").reject(&seen, &Principal::new(by)?, Some(reason)).await
    }

    /// Waits until a request is as `expected` says. Looks whenever the store tells of a change.
    ///
    /// # Errors
    /// When that takes more than ten seconds of real time, or the store failed.
    pub async fn until(
        &self,
        request: RequestId,
        expected: impl Fn(&Request) -> bool,
    ) -> Result<Arc<Request>, NeverHappened> {
        let mut changes = self.changes.0.subscribe();
        let come = tokio::time::timeout(PATIENCE, async {
            loop {
                let now = self.get(request).await?;
                if expected(&now) || changes.changed().await.is_err() {
                    return Ok(now);
                }
            }
        });
        if let Ok(found) = come.await {
            return found;
        }
        let now = self.get(request).await?;
        Err(NeverHappened::State {
            request,
            action: now.action.name.text(),
            status: now.status.as_str(),
            execution: now.execution.as_ref().map_or("no execution", |one| one.state().as_str()),
            votes: now.votes.len(),
        })
    }

    /// Waits for a request that this has not given before, of any agent.
    ///
    /// # Errors
    /// When that takes more than ten seconds of real time, or the store failed.
    pub async fn next_request(&self) -> Result<Arc<Request>, NeverHappened> {
        let mut changes = self.changes.0.subscribe();
        let come = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(new) = self.unseen().await? {
                    return Ok(new);
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        });
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner).len();
        come.await.unwrap_or_else(|_| Err(NeverHappened::Request { seen: seen() }))
    }

    async fn unseen(&self) -> Result<Option<Arc<Request>>, ApprovalError> {
        let mut query = Query::default();
        loop {
            let page = self.list(&query).await?;
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(new) = page.items.into_iter().find(|stored| seen.insert(stored.request.id)) {
                return Ok(Some(new.request));
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// The lines of the journal so far. Buffered ones are written when time passes ([`TestManager::advance`]) or at the
    /// shutdown.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn journal(&self) -> Result<Vec<JournalLine>, ApprovalError> {
        let mut lines = Vec::new();
        let mut last = 0;
        loop {
            let page = self.store.read_journal(last, 1000).await?;
            let Some(end) = page.last() else { return Ok(lines) };
            last = end.number;
            lines.extend(page.into_iter().map(|entry| entry.line));
        }
    }
}

impl Deref for TestManager {
    type Target = ApprovalManager;

    fn deref(&self) -> &ApprovalManager {
        &self.manager
    }
}

#[cfg(test)]
mod tests {
    use approval_core::{Action, clock::Clock as _, model::Status};

    use super::*;
    use crate::{RejectAll, Scripted};

    const ANN: &str = "user:ann@example.com";

    fn call() -> Action {
        Action::new("mail.send").unwrap().describe(|action| action.approvers([ANN])).unwrap()
    }

    #[tokio::test]
    async fn a_test_decides_by_hand_on_requests_that_others_open() {
        let manager = TestManager::new(Scripted::new()).unwrap();
        let agent = (*manager).clone();
        let calls = tokio::spawn(async move {
            let first = agent.request(call()).await.unwrap().await;
            (first, agent.request(call()).await.unwrap().await)
        });
        let first = manager.next_request().await.unwrap();
        assert_eq!(first.requester.as_str(), "agent:test");
        manager.approve(first.id, ANN).await.unwrap();
        let second = manager.next_request().await.unwrap();
        assert_ne!(first.id, second.id);
        manager.reject(second.id, ANN, "once is enough").await.unwrap();
        let (first, second) = calls.await.unwrap();
        assert!(first.is_ok());
        assert!(second.unwrap_err().to_string().contains("once is enough"));
    }

    #[tokio::test]
    async fn it_waits_for_what_others_bring_about() {
        let manager = TestManager::new(RejectAll::new("no")).unwrap();
        let id = manager.request(call()).await.unwrap().detach();
        let ended = manager.until(id, |request| !request.status.is_open()).await.unwrap();
        assert_eq!(ended.status, Status::Rejected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_happens_is_said() {
        let manager = TestManager::new(Scripted::new().ignore()).unwrap();
        let waiting = manager.request(call()).await.unwrap();
        let never = manager.until(waiting.id(), |request| request.status == Status::Approved).await;
        let never = never.unwrap_err().to_string();
        assert!(
            never.contains("mail.send") && never.contains("it is pending (no execution), with 0 votes"),
            "{never}"
        );
        assert_eq!(manager.next_request().await.unwrap().id, waiting.id());
        let never = manager.next_request().await.unwrap_err().to_string();
        assert!(never.contains("(1 are there)"), "{never}");
    }

    #[tokio::test]
    async fn two_managers_share_store_and_time() {
        let one = TestManager::new(Scripted::new()).unwrap();
        let other = one.another(ManagerBuilder::unattended).unwrap();
        let waiting = one.request(call()).await.unwrap();
        other.approve(waiting.id(), ANN).await.unwrap();
        assert!(waiting.await.is_ok());
        let before = one.time().now();
        other.advance(Span::from_secs(5)).await;
        assert_eq!(one.time().now(), before + Span::from_secs(5));
    }
}
