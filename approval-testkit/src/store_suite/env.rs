//! What a case works with: an open store, its clock and its place, and shorthands.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use approval_core::{
    Clock, Principal,
    clock::{Span, Timestamp},
    id::{ExecutorId, NoticeId, RequestId},
    model::{Delivery, EventLine, NoticeKind, OutboxNotice, Text},
    store::{
        Change, ChangeListener, Commit, CommitOutcome, Condition, Expect, NoticeClaim, RecordName,
        RecordWrite, RowWrite, Store, Stored,
    },
};
use tokio::sync::mpsc;

use super::{BoxError, Check, Sample, Stop, StoreFactory, StoreHome, ensure_is};
use crate::FakeClock;

pub(super) struct Env {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: FakeClock,
    pub(super) home: Box<dyn StoreHome>,
    ids: AtomicI64,
}

impl Env {
    pub(super) async fn new(factory: &dyn StoreFactory) -> Result<Self, Stop> {
        let home = factory.home().await?;
        let clock = FakeClock::new();
        let store = home.open(Arc::new(clock.clone())).await?;
        Ok(Self { store, clock, home, ids: AtomicI64::new(0) })
    }

    /// One more store on the same data.
    pub(super) async fn another(&self) -> Result<Arc<dyn Store>, Stop> {
        if !self.home.shared() {
            return Err(Stop::NotApplicable);
        }
        Ok(self.home.open(Arc::new(self.clock.clone())).await?)
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(&mut self) -> Check {
        if !self.home.survives() {
            return Err(Stop::NotApplicable);
        }
        self.store.close().await?;
        self.store = self.home.open(Arc::new(self.clock.clone())).await?;
        Ok(())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A moment that many seconds from now; negative: ago.
    pub(super) fn seconds(&self, seconds: i64) -> Timestamp {
        self.now() + Span::from_secs(seconds)
    }

    /// An id that sorts after every earlier one of this case.
    pub(super) fn id(&self) -> RequestId {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        RequestId::generate(self.now() + Span::from_millis(number))
    }

    /// A pending request that differs from every earlier one of this case by its id.
    pub(super) fn sample(&self) -> (RequestId, Sample) {
        let id = self.id();
        (id, Sample::new(id, self.now()))
    }

    /// Writes a new request with one line of history.
    pub(super) async fn create(&self, id: RequestId, sample: &Sample) -> Result<Stored, Stop> {
        committed(self.store.commit(creation(sample)?).await?)?;
        self.stored(id).await
    }

    /// Writes a new request that is like no other.
    pub(super) async fn created(&self) -> Result<(RequestId, Sample), Stop> {
        let (id, sample) = self.sample();
        self.create(id, &sample).await?;
        Ok((id, sample))
    }

    /// Sets records, whatever was there.
    pub(super) async fn write_record(&self, name: &str, value: &[u8]) -> Check {
        committed(
            self.store.commit(Commit { writes: vec![write(name, value)], ..Commit::default() }).await?,
        )?;
        Ok(())
    }

    /// The request, which must be there.
    pub(super) async fn stored(&self, id: RequestId) -> Result<Stored, Stop> {
        self.store
            .load(id)
            .await?
            .ok_or_else(|| Stop::Broken(format!("request {id} cannot be found after it was written")))
    }

    /// Hears of changes until it is dropped.
    pub(super) fn ear(&self) -> Ear {
        Ear::on(&*self.store)
    }
}

/// Writes version 1 with line 1.
pub(super) fn creation(sample: &Sample) -> Result<Commit, Stop> {
    let row = Some(RowWrite { expect: Expect::Absent, document: sample.document()? });
    Ok(Commit { row, events: vec![line(1)], ..Commit::default() })
}

/// Writes the version after `version`, with the line of that number.
pub(super) fn update(version: u64, sample: &Sample) -> Result<Commit, Stop> {
    let row = Some(RowWrite { expect: Expect::Version(version), document: sample.document()? });
    Ok(Commit { row, events: vec![line(version + 1)], ..Commit::default() })
}

/// A line of history that differs from every other number's.
pub(super) fn line(seq: u64) -> EventLine {
    EventLine { seq, text: format!(r#"{{"seq":{seq},"what":"the suite was here"}}"#).into() }
}

pub(super) fn write(name: &str, value: &[u8]) -> RecordWrite {
    RecordWrite { name: RecordName::new(name), value: Some(value.to_vec()) }
}

pub(super) fn remove(name: &str) -> RecordWrite {
    RecordWrite { name: RecordName::new(name), value: None }
}

pub(super) fn absent(name: &str) -> Condition {
    Condition::Absent(RecordName::new(name))
}

/// The time and version of a commit that must have been written.
pub(super) fn committed(outcome: CommitOutcome) -> Result<(Timestamp, u64), Stop> {
    Ok(
        ensure_is!(outcome, CommitOutcome::Committed { at, version } => (at, version), "the answer to a good commit"),
    )
}

/// What there is instead, of a commit that must have been refused for its version.
pub(super) fn conflict(outcome: CommitOutcome) -> Result<Option<Stored>, Stop> {
    Ok(
        ensure_is!(outcome, CommitOutcome::Conflict(found) => found, "the answer to a commit on another version"),
    )
}

/// The store's time, of a commit that must have been refused for it.
pub(super) fn outside_time(outcome: CommitOutcome) -> Result<Timestamp, Stop> {
    Ok(
        ensure_is!(outcome, CommitOutcome::OutsideTime { now } => now, "the answer to a commit out of its time"),
    )
}

/// A notice to Ann that waits.
pub(super) fn notice(request: RequestId, channel: &str, at: Timestamp) -> Result<OutboxNotice, Stop> {
    Ok(OutboxNotice {
        id: NoticeId::generate(at),
        request,
        kind: NoticeKind::Decide,
        to: Principal::user("ann@example.com").map_err(|e| Stop::Broken(e.to_string()))?,
        channel: channel.into(),
        created_at: at,
        delivery: Delivery::Waiting { attempts: 0, next_at: at },
    })
}

/// A commit of notices alone.
pub(super) fn notices(notices: Vec<OutboxNotice>) -> Commit {
    Commit { notices, ..Commit::default() }
}

/// A claim of any number of notices for a minute.
pub(super) fn claim(owner: ExecutorId, channels: &[&str]) -> NoticeClaim {
    let channels: Vec<Text> = channels.iter().map(|name| Text::from(*name)).collect();
    NoticeClaim {
        owner,
        namespace: "default".into(),
        channels: channels.into(),
        lease: Span::from_secs(60),
        limit: 100,
    }
}

/// Longest time to wait for a change to be reported; far more than it takes.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// Takes down what a store tells.
pub(super) struct Ear {
    heard: mpsc::UnboundedReceiver<Change>,
    /// The store holds it weakly.
    listener: Arc<dyn ChangeListener>,
}

struct Listener(mpsc::UnboundedSender<Change>);

impl ChangeListener for Listener {
    fn changed(&self, changes: &[Change]) {
        for change in changes {
            // It fails only when the case is over.
            drop(self.0.send(change.clone()));
        }
    }
}

impl Ear {
    pub(super) fn on(store: &dyn Store) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        let listener: Arc<dyn ChangeListener> = Arc::new(Listener(tell));
        store.subscribe(Arc::downgrade(&listener));
        Self { heard, listener }
    }

    /// The listener, to see whether the store holds on to it.
    pub(super) fn into_weak(self) -> Weak<dyn ChangeListener> {
        Arc::downgrade(&self.listener)
    }

    /// What was heard up to the first change that `wanted` says yes to, that one included.
    pub(super) async fn until(&mut self, wanted: impl Fn(&Change) -> bool) -> Result<Vec<Change>, Stop> {
        let mut all = Vec::new();
        loop {
            match tokio::time::timeout(HEARD_WITHIN, self.heard.recv()).await {
                Ok(Some(change)) => {
                    let found = wanted(&change);
                    all.push(change);
                    if found {
                        return Ok(all);
                    }
                }
                Ok(None) | Err(_) => {
                    return Err(Stop::Broken(format!(
                        "a change was not reported; what was reported: {all:.300?}"
                    )));
                }
            }
        }
    }
}

/// Whether a change is about this request, or says that anything may have changed.
pub(super) fn is_about(change: &Change, wanted: RequestId) -> bool {
    match change {
        Change::Request { id, .. } => *id == wanted,
        Change::Everything => true,
        _ => false,
    }
}

impl From<tokio::task::JoinError> for Stop {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::from(BoxError::from(error))
    }
}
