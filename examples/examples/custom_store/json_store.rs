//! The store: reads and writes the state, one change after the other.

use std::{
    fs::{self, File},
    io::Write as _,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use approval_core::{
    Clock,
    clock::{Timestamp, after},
    id::RequestId,
    model::{Delivery, EventLine, OutboxNotice},
    store::{
        Change, ChangeListener, ClaimedNotice, Commit, CommitOutcome, Document, Due, JournalEntry,
        JournalLine, Listeners, NoticeClaim, NoticeClaims, NoticeSettlement, Order, Page, Query, Record,
        RecordName, Store, StoreError, StoreInfo, Stored,
    },
};
use async_trait::async_trait;

use crate::state::{Outgoing, Row, State};

/// Keeps everything in one JSON file.
#[derive(Debug)]
pub struct JsonStore {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// `None` once it is closed.
    state: Mutex<Option<State>>,
    /// Held from the write until listeners are told, so that they hear of changes in their order.
    telling: Mutex<()>,
    listeners: Listeners,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the file anew beside the old one, syncs it, and puts it in the old one's place: after a crash there is one or the
/// other, whole.
fn save(path: &Path, state: &State) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec(state)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The new name must be on the disk too.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl JsonStore {
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let path = path.into();
        let state = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| StoreError::unreadable(format!("{}: {error}", path.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(StoreError::caused_by(path.display().to_string(), error)),
        };
        let (state, telling) = (Mutex::new(Some(state)), Mutex::new(()));
        Ok(Self { path, clock, state, telling, listeners: Listeners::new() })
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        lock(&self.state).as_ref().map(look).ok_or(StoreError::Closed)
    }

    /// Applies a change to a copy, and takes the copy over once it is on the disk. Nothing is awaited in between, so that a
    /// dropped future cannot leave half a change. (It blocks the thread while the disk works; a store for many requests has a
    /// thread of its own for that.)
    fn change<T>(
        &self,
        apply: impl FnOnce(&mut State, Timestamp) -> (T, Vec<Change>),
    ) -> Result<T, StoreError> {
        let _in_order = lock(&self.telling);
        let mut guard = lock(&self.state);
        let state = guard.as_mut().ok_or(StoreError::Closed)?;
        let mut next = state.clone();
        let now = next.time.map_or(self.clock.now(), |latest| latest.max(self.clock.now()));
        next.time = Some(now);
        let (answer, changes) = apply(&mut next, now);
        save(&self.path, &next).map_err(|error| StoreError::caused_by("writing the file", error))?;
        *state = next;
        drop(guard);
        self.listeners.tell(&changes);
        Ok(answer)
    }
}

#[async_trait]
impl Store for JsonStore {
    fn info(&self) -> StoreInfo {
        StoreInfo { name: "json", durable: true }
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.change(|_, now| (now, Vec::new()))
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.change(|state, now| match state.objection(&commit, now) {
            Err(malformed) => (Err(malformed), Vec::new()),
            Ok(Some(objection)) => (Ok(objection), Vec::new()),
            Ok(None) => {
                let (version, changes) = state.write(commit, now);
                (Ok(CommitOutcome::Committed { at: now, version }), changes)
            }
        })?
    }

    async fn load(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        self.read(|state| state.rows.get(&id).and_then(|row| row.stored.clone()))
    }

    async fn find(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.read(|state| state.find(key))
    }

    async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        self.read(|state| {
            let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
            let rows: Box<dyn Iterator<Item = &Row>> = match query.order {
                Order::Ascending => Box::new(state.rows.range((from, Bound::Unbounded)).map(|(_, row)| row)),
                Order::Descending => {
                    Box::new(state.rows.range((Bound::Unbounded, from)).rev().map(|(_, row)| row))
                }
            };
            let mut matching =
                rows.filter_map(|row| row.stored.clone()).filter(|stored| query.matches(&stored.request));
            let items: Vec<Stored> = matching.by_ref().take(query.limit.max(1)).collect();
            let next = matching.next().and_then(|_| items.last().map(|stored| stored.request.id));
            Page { items, next }
        })
    }

    async fn due(&self, namespace: &str, limit: usize) -> Result<Due, StoreError> {
        self.change(|state, now| {
            let due_at = |stored: &Stored| Document::new(Arc::clone(&stored.request)).index().due_at;
            let mut all: Vec<(Timestamp, Stored)> = state
                .rows
                .values()
                .filter_map(|row| row.stored.clone())
                .filter(|row| *row.request.namespace == *namespace)
                .filter_map(|row| Some((due_at(&row)?, row)))
                .collect();
            all.sort_by_key(|(at, stored)| (*at, stored.request.id));
            let come = all.iter().take_while(|(at, _)| *at <= now).take(limit).count();
            let next = all.get(come).map(|(at, _)| *at);
            (Due { items: all.into_iter().take(come).map(|(_, stored)| stored).collect(), next }, Vec::new())
        })
    }

    async fn history(&self, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
        self.read(|state| state.rows.get(&id).map(|row| row.events.clone()).unwrap_or_default())
    }

    async fn claim_notices(&self, claim: &NoticeClaim) -> Result<NoticeClaims, StoreError> {
        self.change(|state, now| {
            let until = after(now, claim.lease);
            let (mut notices, mut next) = (Vec::new(), None);
            let rows = state.rows.values_mut().filter(|row| *row.namespace() == *claim.namespace);
            for outgoing in rows.flat_map(|row| &mut row.notices) {
                if !claim.channels.is_empty() && !claim.channels.contains(&outgoing.notice.channel) {
                    continue;
                }
                if notices.len() < claim.limit && outgoing.claimable_at().is_some_and(|at| at <= now) {
                    outgoing.lease = Some((claim.owner, until));
                    notices.push(ClaimedNotice { notice: outgoing.notice.clone(), until });
                }
                next = [next, outgoing.claimable_at()].into_iter().flatten().min();
            }
            (NoticeClaims { notices, next }, Vec::new())
        })
    }

    async fn settle_notices(&self, settlements: Vec<NoticeSettlement>) -> Result<(), StoreError> {
        self.change(|state, _| {
            let mut again = false;
            for NoticeSettlement { request, id, owner, delivery } in settlements {
                let mut notices = state.rows.get_mut(&request).into_iter().flat_map(|row| &mut row.notices);
                let mine = |found: &&mut Outgoing| {
                    found.notice.id == id && found.lease.is_some_and(|(holder, _)| holder == owner)
                };
                if let Some(outgoing) = notices.find(mine) {
                    again |= matches!(delivery, Delivery::Waiting { .. });
                    outgoing.notice.delivery = delivery;
                    outgoing.lease = None;
                }
            }
            ((), if again { vec![Change::Notices] } else { Vec::new() })
        })
    }

    async fn notices(&self, request: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
        self.read(|state| {
            let row = state.rows.get(&request);
            row.into_iter().flat_map(|row| &row.notices).map(|outgoing| outgoing.notice.clone()).collect()
        })
    }

    async fn record(&self, name: &RecordName) -> Result<Option<Record>, StoreError> {
        self.read(|state| state.records.get(name).cloned())
    }

    async fn records(
        &self,
        prefix: &str,
        after: Option<&RecordName>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.read(|state| {
            let wanted = |name: &RecordName| {
                name.as_str().starts_with(prefix) && after.is_none_or(|after| name > after)
            };
            state.records.values().filter(|record| wanted(&record.name)).take(limit).cloned().collect()
        })
    }

    async fn append_journal(&self, lines: Vec<JournalLine>) -> Result<(), StoreError> {
        self.change(|state, _| (state.journal.extend(lines), Vec::new()))
    }

    async fn read_journal(&self, after: u64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.read(|state| {
            let numbered = (1..).zip(&state.journal).skip_while(|(number, _)| *number <= after);
            numbered.take(limit).map(|(number, line)| JournalEntry { number, line: line.clone() }).collect()
        })
    }

    fn subscribe(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    async fn close(&self) -> Result<(), StoreError> {
        *lock(&self.state) = None;
        Ok(())
    }
}
