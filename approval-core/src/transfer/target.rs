//! The target's own record of how far a copy has come, and the lock that keeps everybody else out of it until then.

use serde::{Deserialize, Serialize};

use super::TransferError;
use crate::{
    audit,
    clock::Timestamp,
    id::RequestId,
    model::Text,
    store::{
        Commit, CommitOutcome, Condition, HALTS, Query, RecordName, RecordWrite, Store, StoreError,
        unfinished,
    },
};

/// Records of copies themselves; they are not copied.
pub(super) const OWN: &str = "copy/";
const MARKER: &str = "copy/target";
/// The form of the record that this program writes and reads.
const FORM: u32 = 1;

/// How far a copy has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Marker {
    form: u32,
    source: Text,
    began_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    /// Requests up to here are written, those aside that seals do not cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<RequestId>,
    /// Of those that seals do not cover, the ones up to here are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsealed: Option<RequestId>,
    /// The journal is written up to this line.
    #[serde(default)]
    journal: u64,
    /// How many requests were written.
    #[serde(default)]
    requests: u64,
}

/// What a copy finds when it begins.
pub(super) enum Begun {
    /// It can be written.
    Open(Target),
    /// An earlier copy from the same source was finished.
    Finished(Timestamp),
}

/// A target that this copy has taken.
pub(super) struct Target {
    marker: Marker,
    version: u64,
}

fn name() -> RecordName {
    RecordName::new(MARKER)
}

impl Target {
    /// Takes an empty store, or one that an earlier copy from this source left unfinished.
    pub(super) async fn begin(to: &dyn Store, source: &Text) -> Result<Begun, TransferError> {
        let Some(record) = to.record(&name()).await.map_err(TransferError::Target)? else {
            return Self::of_empty(to, source).await.map(Begun::Open);
        };
        let marker = read(&record.value)?;
        if marker.source != *source {
            let (found, given) = (marker.source.to_string(), source.to_string());
            return Err(TransferError::OtherSource { found, given });
        }
        if let Some(at) = marker.finished_at {
            return Ok(Begun::Finished(at));
        }
        let mut target = Self { marker, version: record.version };
        // From now on a copy that still runs elsewhere cannot write any more.
        target.save(to).await?;
        Ok(Begun::Open(target))
    }

    async fn of_empty(to: &dyn Store, source: &Text) -> Result<Self, TransferError> {
        let what = found_in(to).await.map_err(TransferError::Target)?;
        if let Some(what) = what {
            // Another copy may have begun between the two looks.
            let begun = to.record(&name()).await.map_err(TransferError::Target)?.is_some();
            return Err(if begun { TransferError::TakenOver } else { TransferError::NotEmpty { what } });
        }
        let began_at = to.now().await.map_err(TransferError::Target)?;
        let marker = Marker {
            form: FORM,
            source: Text::clone(source),
            began_at,
            finished_at: None,
            after: None,
            unsealed: None,
            journal: 0,
            requests: 0,
        };
        let lock = unfinished::mark(source).map_err(TransferError::Target)?;
        let locked = [RecordName::new(HALTS), audit::state_record()];
        let mut conditions = vec![Condition::Absent(name())];
        conditions.extend(locked.iter().cloned().map(Condition::Absent));
        let mut writes = vec![write(&marker)?];
        writes.extend(locked.map(|name| RecordWrite { name, value: Some(lock.clone()) }));
        match to.commit(Commit { conditions, writes, ..Commit::default() }).await {
            Ok(CommitOutcome::Committed { .. }) => Ok(Self { marker, version: 1 }),
            Ok(CommitOutcome::ConditionFailed { name: taken, .. }) if taken == name() => {
                Err(TransferError::TakenOver)
            }
            Ok(
                CommitOutcome::Conflict(_)
                | CommitOutcome::KeyTaken(_)
                | CommitOutcome::OutsideTime { .. }
                | CommitOutcome::ConditionFailed { .. },
            ) => Err(TransferError::NotEmpty { what: "records by now" }),
            Err(error) => Err(TransferError::Target(error)),
        }
    }

    /// That no other copy took over.
    pub(super) fn is_ours(&self) -> Condition {
        Condition::Version(name(), self.version)
    }

    pub(super) const fn after(&self) -> Option<RequestId> {
        self.marker.after
    }

    pub(super) const fn unsealed(&self) -> Option<RequestId> {
        self.marker.unsealed
    }

    pub(super) const fn journal(&self) -> u64 {
        self.marker.journal
    }

    pub(super) const fn requests(&self) -> u64 {
        self.marker.requests
    }

    /// Notes that `count` more requests are written, up to `id`.
    pub(super) async fn wrote(
        &mut self,
        to: &dyn Store,
        id: RequestId,
        count: u64,
        are_sealed: bool,
    ) -> Result<(), TransferError> {
        *if are_sealed { &mut self.marker.after } else { &mut self.marker.unsealed } = Some(id);
        self.marker.requests = self.marker.requests.saturating_add(count);
        self.save(to).await
    }

    /// Notes that the journal is written up to a line.
    pub(super) async fn wrote_journal(&mut self, to: &dyn Store, number: u64) -> Result<(), TransferError> {
        self.marker.journal = number;
        self.save(to).await
    }

    async fn save(&mut self, to: &dyn Store) -> Result<(), TransferError> {
        let writes = vec![write(&self.marker)?];
        self.commit(to, Commit { writes, ..Commit::default() }).await?;
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Writes what no request belongs to, unless another copy took over.
    pub(super) async fn commit(&self, to: &dyn Store, mut commit: Commit) -> Result<(), TransferError> {
        commit.conditions.push(self.is_ours());
        match to.commit(commit).await.map_err(TransferError::Target)? {
            CommitOutcome::Committed { .. } => Ok(()),
            CommitOutcome::Conflict(_)
            | CommitOutcome::KeyTaken(_)
            | CommitOutcome::OutsideTime { .. }
            | CommitOutcome::ConditionFailed { .. } => Err(TransferError::TakenOver),
        }
    }

    /// Unlocks the target: halts and sealing stand as they do in the source.
    pub(super) async fn finish(
        mut self,
        to: &dyn Store,
        halts: Option<Vec<u8>>,
        sealing: Option<RecordWrite>,
    ) -> Result<Timestamp, TransferError> {
        let at = to.now().await.map_err(TransferError::Target)?;
        self.marker.finished_at = Some(at);
        let sealing = sealing.unwrap_or_else(|| RecordWrite { name: audit::state_record(), value: None });
        let halts = RecordWrite { name: RecordName::new(HALTS), value: halts };
        let writes = vec![write(&self.marker)?, halts, sealing];
        self.commit(to, Commit { writes, ..Commit::default() }).await?;
        Ok(at)
    }
}

fn write(marker: &Marker) -> Result<RecordWrite, TransferError> {
    let value = serde_json::to_vec(marker).map_err(|e| {
        TransferError::Target(StoreError::unreadable(format!("the mark of a copy cannot be written: {e}")))
    })?;
    Ok(RecordWrite { name: name(), value: Some(value) })
}

fn read(value: &[u8]) -> Result<Marker, TransferError> {
    #[derive(Deserialize)]
    struct Form {
        form: u32,
    }
    let unreadable = |e: serde_json::Error| {
        TransferError::Target(StoreError::unreadable(format!("the record {MARKER} cannot be read: {e}")))
    };
    let Form { form } = serde_json::from_slice(value).map_err(unreadable)?;
    if form > FORM {
        return Err(TransferError::NewerCopy { form });
    }
    serde_json::from_slice(value).map_err(unreadable)
}

/// What a store holds that is not empty.
async fn found_in(to: &dyn Store) -> Result<Option<&'static str>, StoreError> {
    if !to.list(&Query { limit: 1, ..Query::default() }).await?.items.is_empty() {
        return Ok(Some("requests"));
    }
    if !to.records("", None, 1).await?.is_empty() {
        return Ok(Some("records"));
    }
    Ok((!to.read_journal(0, 1).await?.is_empty()).then_some("lines of a journal"))
}
