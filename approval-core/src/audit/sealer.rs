//! Makes seals.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    AuditError, JournalHead, Leaf, Seal, SealHeader, SealRef, SealSigner, SealSink, Signature, SinkError,
    records::{self, State},
    seal::FORMAT,
};
use crate::{
    clock::{Span, Timestamp, after},
    id::{RequestId, TrailId},
    model::ChainHash,
    store::{ChangeCursor, Commit, CommitOutcome, Condition, RecordWrite, Store},
    sync::{Mutex, lock},
};
use tokio::sync::Notify;

/// Leaves in one seal at the most, so that its record stays small; what is left over goes into the next, at once.
const LEAVES: usize = 500;
/// Lines of the journal in one seal at the most, for the same reason that it must come to an end.
const JOURNAL_LINES: u64 = 20_000;
/// Lines of the journal read at a time.
const JOURNAL_PAGE: usize = 1000;
/// How often it is tried again when another process sealed meanwhile.
const ROUNDS: u32 = 100;
/// Seals handed to a sink at a time.
const SINK_PAGE: usize = 100;

/// How an operator wants the trail sealed.
#[derive(Clone, Debug)]
pub struct Sealing {
    interval: Span,
    signer: Option<Arc<dyn SealSigner>>,
    sinks: Vec<Arc<dyn SealSink>>,
}

impl Default for Sealing {
    fn default() -> Self {
        Self::new()
    }
}

impl Sealing {
    /// Seals at most 60 seconds after an event, not signed, kept in the store alone. That finds accidents, and those who edit
    /// without knowing of seals; give it a [signer](Sealing::signer) and a [sink](Sealing::sink) to find the others.
    #[must_use]
    pub const fn new() -> Self {
        Self { interval: Span::from_secs(60), signer: None, sinks: Vec::new() }
    }

    /// The longest time between an event and its seal, as long as the store can be written; at least a second.
    #[must_use]
    pub fn within(mut self, interval: Span) -> Self {
        self.interval = interval.max(Span::from_secs(1));
        self
    }

    /// Signs the seals. Without it they are not signed, and say so.
    #[must_use]
    pub fn signer(mut self, signer: impl SealSigner) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Writes the seals there too. May be called for several.
    #[must_use]
    pub fn sink(mut self, sink: impl SealSink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Whether seals are signed.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signer.is_some()
    }
}

/// What a round of sealing brought about.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sealed {
    /// How many seals were made.
    pub seals: u64,
    /// The last seal there is now.
    pub last: Option<SealRef>,
    /// Sinks that do not hold it, and why. They are behind; nothing is lost.
    pub behind: Vec<(String, SinkError)>,
}

/// Seals one store. Any number of them may work on one store, in any number of processes: their seals form one chain.
#[derive(Debug)]
pub struct Sealer {
    store: Arc<dyn Store>,
    sealing: Sealing,
    /// The leaves of the last seal that was made here, so that what a store names twice is not sealed twice.
    latest: Mutex<Option<(SealRef, Arc<[Leaf]>)>>,
    /// Seals made here that let requests go.
    removals: Mutex<Vec<SealRef>>,
    /// Rings when a seal was made here.
    made: Notify,
}

/// Which seals that let requests go a sink is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removals {
    /// Those made here or signed with the key of this sealer. Others may be forged, and a copy that holds them would prove them.
    Own,
    /// All: an operator prunes, and names the sink.
    All,
}

/// What is to be sealed.
struct Found {
    leaves: BTreeMap<RequestId, Leaf>,
    cursor: ChangeCursor,
    journal: JournalHead,
    more: bool,
}

impl Sealer {
    /// A sealer of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, sealing: Sealing) -> Self {
        Self {
            store,
            sealing,
            latest: Mutex::new(None),
            removals: Mutex::new(Vec::new()),
            made: Notify::new(),
        }
    }

    /// How often to look, so that an event is sealed in time.
    pub(crate) fn pace(&self) -> Span {
        self.sealing.interval / 2
    }

    /// How long sealing can wait, because a process sealed a short time ago.
    ///
    /// # Errors
    /// When the store failed.
    pub(crate) async fn pause(&self) -> Result<Span, AuditError> {
        let Some((_, state)) = records::state(&*self.store).await? else { return Ok(Span::ZERO) };
        let due = after(state.at, self.pace());
        Ok(due.duration_since(self.store.now().await?).max(Span::ZERO))
    }

    /// Seals all that is not sealed yet, and hands the sinks what they do not hold yet.
    ///
    /// # Errors
    /// When the store or the key failed, or the seals there are were changed by hand. What a sink says is in the answer.
    pub async fn seal(&self) -> Result<Sealed, AuditError> {
        let mut sealed = self.seal_in_store().await?;
        sealed.behind = self.fill_sinks().await?;
        Ok(sealed)
    }

    /// The same without the sinks.
    pub(crate) async fn seal_in_store(&self) -> Result<Sealed, AuditError> {
        self.seal_with(&[]).await
    }

    /// The same without the sinks, and `pruned` are sealed as such, unless they have grown meanwhile.
    pub(super) async fn seal_with(&self, pruned: &[Leaf]) -> Result<Sealed, AuditError> {
        let mut announced: VecDeque<&[Leaf]> = pruned.chunks(LEAVES).collect();
        let mut sealed = Sealed::default();
        let mut rounds = 0;
        loop {
            let before = records::state(&*self.store).await?;
            let state = before.as_ref().map(|(_, state)| state);
            let found = self.look(state, announced.front().copied().unwrap_or_default()).await?;
            sealed.last = state.map(|state| state.last);
            if found.leaves.is_empty() && found.journal.count == state.map_or(0, |state| state.journal.count)
            {
                return Ok(sealed);
            }
            let more = found.more;
            if let Some(last) = self.write(before, found).await? {
                sealed.seals = sealed.seals.saturating_add(1);
                sealed.last = Some(last);
                announced.pop_front();
                if announced.is_empty() && !more {
                    return Ok(sealed);
                }
                rounds = 0;
            } else {
                rounds += 1;
                if rounds > ROUNDS {
                    return Err(AuditError::Crowded);
                }
            }
        }
    }

    /// What is not sealed yet, up to what one seal holds.
    async fn look(&self, state: Option<&State>, pruned: &[Leaf]) -> Result<Found, AuditError> {
        let mut cursor = state.map_or_else(ChangeCursor::default, |state| state.cursor.clone());
        let mut leaves = BTreeMap::new();
        let mut more = true;
        while more && leaves.is_empty() {
            let changes = self.store.changes(&cursor, LEAVES).await?;
            for id in changes.requests {
                if let Some(stored) = self.store.load(id).await?
                    && stored.request.chain.count > 0
                {
                    leaves.insert(id, Leaf::new(id, stored.request.chain));
                }
            }
            self.leave_out_the_latest(state, &mut leaves);
            (cursor, more) = (changes.next, changes.more);
        }
        for leaf in pruned {
            let grown = leaves.get(&leaf.request).is_some_and(|found| found.count != leaf.count);
            if !grown {
                leaves.insert(leaf.request, *leaf);
            }
        }
        let mut journal = state.map_or(JournalHead::EMPTY, |state| state.journal);
        let most = journal.count.saturating_add(JOURNAL_LINES);
        let mut more_lines = true;
        while more_lines && journal.count < most {
            let page = self.store.read_journal(journal.last, JOURNAL_PAGE).await?;
            more_lines = page.len() >= JOURNAL_PAGE;
            for entry in page {
                journal = journal
                    .then(entry.number, &entry.line)
                    .map_err(AuditError::encoding("a line of the journal"))?;
            }
        }
        Ok(Found { leaves, cursor, journal, more: more || more_lines })
    }

    /// What the last seal says already need not be said again, if it was made here.
    fn leave_out_the_latest(&self, state: Option<&State>, leaves: &mut BTreeMap<RequestId, Leaf>) {
        if let Some((last, latest)) = &*lock(&self.latest)
            && state.is_some_and(|state| state.last == *last)
        {
            let said = |leaf: &Leaf| {
                let place = latest.binary_search_by_key(&leaf.request, |leaf| leaf.request).ok()?;
                latest.get(place).filter(|said| said.count == leaf.count && said.hash == leaf.hash)
            };
            leaves.retain(|_, leaf| said(leaf).is_none());
        }
    }

    /// Writes the next seal into the store. `None`: another process was faster.
    async fn write(&self, before: Option<(u64, State)>, found: Found) -> Result<Option<SealRef>, AuditError> {
        if let (Some((_, State { key: Some(key), .. })), None) = (&before, &self.sealing.signer) {
            return Err(AuditError::KeyMissing { key: key.to_string() });
        }
        let now = self.store.now().await?;
        let leaves: Arc<[Leaf]> = found.leaves.into_values().collect();
        let seal = self
            .make(before.as_ref().map(|(_, state)| state), now, Arc::clone(&leaves), found.journal)
            .await?;
        let last = seal.reference();
        let state = State {
            at: now,
            last,
            cursor: found.cursor,
            journal: found.journal,
            key: seal.signature.as_ref().map(|signature| signature.key.clone()),
            trail: seal.header.trail,
        };
        let (state_name, seal_name) = (records::state_record(), records::seal_record(last.number));
        let line = seal.line().map_err(AuditError::encoding(format!("seal {}", last.number)))?;
        let commit = Commit {
            conditions: vec![
                match &before {
                    Some((version, _)) => Condition::Version(state_name, *version),
                    None => Condition::Absent(state_name),
                },
                Condition::Absent(seal_name.clone()),
            ],
            writes: vec![
                state.write()?,
                RecordWrite { name: seal_name.clone(), value: Some(line.into_bytes()) },
            ],
            ..Commit::default()
        };
        match self.store.commit(commit).await? {
            CommitOutcome::Committed { .. } => {
                if leaves.iter().any(|leaf| leaf.pruned) {
                    lock(&self.removals).push(last);
                }
                *lock(&self.latest) = Some((last, leaves));
                self.made.notify_waiters();
                Ok(Some(last))
            }
            CommitOutcome::ConditionFailed { name, .. } if name == seal_name => {
                Err(AuditError::Tampered(format!(
                    "there is a seal {} already, which the record of the last seal does not know",
                    last.number
                )))
            }
            CommitOutcome::ConditionFailed { .. }
            | CommitOutcome::Conflict(_)
            | CommitOutcome::KeyTaken(_)
            | CommitOutcome::OutsideTime { .. } => Ok(None),
        }
    }

    async fn make(
        &self,
        before: Option<&State>,
        now: Timestamp,
        leaves: Arc<[Leaf]>,
        journal: JournalHead,
    ) -> Result<Seal, AuditError> {
        let header = SealHeader {
            at: now,
            format: FORMAT,
            journal,
            leaves: leaves.len() as u64,
            number: before.map_or(0, |state| state.last.number).saturating_add(1),
            prev: before.map_or(ChainHash::ZERO, |state| state.last.hash),
            root: Seal::root(&leaves),
            trail: before.map_or_else(|| TrailId::generate(now), |state| state.trail),
        };
        let signature = match &self.sealing.signer {
            Some(signer) => {
                let value = signer.sign(&header.signed()).await?;
                Some(Signature { key: signer.key().into(), value })
            }
            None => None,
        };
        Ok(Seal { header, leaves, signature })
    }

    /// Where seals are written besides the store.
    pub(crate) fn sinks(&self) -> &[Arc<dyn SealSink>] {
        &self.sealing.sinks
    }

    /// Done when a seal is made here after this call.
    pub(crate) fn made(&self) -> impl Future<Output = ()> {
        self.made.notified()
    }

    /// Hands each sink the seals after the last one that it holds. Those that could not be brought up to date.
    pub(crate) async fn fill_sinks(&self) -> Result<Vec<(String, SinkError)>, AuditError> {
        self.fill_all(Removals::Own).await
    }

    /// The same, with `removals`.
    pub(super) async fn fill_all(&self, removals: Removals) -> Result<Vec<(String, SinkError)>, AuditError> {
        let mut behind = Vec::new();
        for sink in &self.sealing.sinks {
            if let Err(error) = self.hand_over(&**sink, removals).await? {
                behind.push((sink.name().to_owned(), error));
            }
        }
        Ok(behind)
    }

    /// Hands a sink the seals after the last one that it holds. The inner error is the sink's.
    pub(crate) async fn fill_sink(&self, sink: &dyn SealSink) -> Result<Result<(), SinkError>, AuditError> {
        self.hand_over(sink, Removals::Own).await
    }

    async fn hand_over(
        &self,
        sink: &dyn SealSink,
        removals: Removals,
    ) -> Result<Result<(), SinkError>, AuditError> {
        let last = records::state(&*self.store).await?.map(|(_, state)| state.last);
        let held = match sink.last().await {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let number = held.map_or(0, |held| held.number);
        let newest = last.map_or(0, |last| last.number);
        if let Some(held) = held {
            // Another process may have brought it further than what was read here.
            let ours = match last {
                Some(last) if last.number == held.number => Some(last.hash),
                _ => read_one(&*self.store, held.number).await?,
            };
            if ours != Some(held.hash) {
                let found = if ours.is_none() { "no such seal" } else { "another one" };
                return Ok(Err(SinkError::new(format!(
                    "it holds seal {number}, and the store has {found}: the store was rolled back, emptied or rewritten; \
                     keep both as they are and verify the store against this copy"
                ))));
            }
        }
        let mut after = number;
        while after < newest {
            let seals = super::read_seals(&*self.store, after, SINK_PAGE).await?;
            let Some(end) = seals.last().map(|seal| seal.header.number) else {
                return Err(AuditError::Tampered(format!("seal {} is missing", after.saturating_add(1))));
            };
            let refused = seals.iter().position(|seal| removals == Removals::Own && !self.vouches_for(seal));
            let (good, rest) =
                seals.split_at_checked(refused.unwrap_or(seals.len())).unwrap_or((&seals, &[]));
            if !good.is_empty()
                && let Err(error) = sink.write(good).await
            {
                return Ok(Err(error));
            }
            if let Some(seal) = rest.first() {
                return Ok(Err(SinkError::new(format!(
                    "seal {} lets requests go, was not made by this process and is not signed with its key, so it is not handed \
                     over: if you pruned, prune once more and name this place; if not, the seal is forged",
                    seal.header.number
                ))));
            }
            after = end;
        }
        Ok(Ok(()))
    }
}

impl Sealer {
    /// Whether a seal may be handed to a sink without an operator who asks for it. One that lets requests go was made here, or
    /// names the key of this sealer; whether its signature is right is for those to check who verify.
    fn vouches_for(&self, seal: &Seal) -> bool {
        let signer = self.sealing.signer.as_ref().map(|signer| signer.key());
        !seal.leaves.iter().any(|leaf| leaf.pruned)
            || lock(&self.removals).contains(&seal.reference())
            || seal.signature.as_ref().is_some_and(|signature| signer == Some(&*signature.key))
    }
}

async fn read_one(store: &dyn Store, number: u64) -> Result<Option<ChainHash>, AuditError> {
    let seals = super::read_seals(store, number.saturating_sub(1), 1).await?;
    Ok(seals.first().filter(|seal| seal.header.number == number).map(|seal| seal.header.hash()))
}
