//! The store's own copy of the seals: one record for each, and one that says where sealing stands.

use serde::{Deserialize, Serialize};

use super::{AuditError, JournalHead, Seal, SealRef};
use crate::{
    clock::Timestamp,
    id::TrailId,
    model::Text,
    store::{ChangeCursor, RecordName, RecordWrite, Store, StoreError, unfinished},
};

const SEALS: &str = "audit/seal/";
const STATE: &str = "audit/state";

/// The record that says where sealing stands.
pub(crate) fn state_record() -> RecordName {
    RecordName::new(STATE)
}

/// The record of a seal. Numbers are padded, so that names sort as they do.
pub(super) fn seal_record(number: u64) -> RecordName {
    RecordName::new(format!("{SEALS}{number:020}"))
}

/// Where sealing stands. Written with each seal, in one commit, bound to its version: hence one chain of seals, however
/// many processes seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// When the last seal was made.
    pub(crate) at: Timestamp,
    /// The last seal.
    pub(crate) last: SealRef,
    /// Histories that grew after this are not sealed yet.
    pub(crate) cursor: ChangeCursor,
    /// Where the journal stood.
    pub(crate) journal: JournalHead,
    /// The key that the last seal was signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Text>,
    /// Names the trail.
    pub(crate) trail: TrailId,
}

impl State {
    /// The write that makes it where sealing stands.
    pub(crate) fn write(&self) -> Result<RecordWrite, AuditError> {
        let value = serde_json::to_vec(self).map_err(AuditError::encoding("the state of sealing"))?;
        Ok(RecordWrite { name: state_record(), value: Some(value) })
    }
}

/// Where sealing stands, with the version of the record.
pub(crate) async fn state(store: &dyn Store) -> Result<Option<(u64, State)>, AuditError> {
    let Some(record) = store.record(&state_record()).await? else { return Ok(None) };
    unfinished::refuse(&record.value)?;
    let state = serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {STATE} cannot be read: {e}")))?;
    Ok(Some((record.version, state)))
}

/// The last seal of a store. `None`: nothing was ever sealed.
///
/// # Errors
/// When the store failed, or the record that says so cannot be read.
pub async fn last_seal(store: &dyn Store) -> Result<Option<SealRef>, AuditError> {
    Ok(state(store).await?.map(|(_, state)| state.last))
}

/// Up to `limit` seals of the store's own copy after seal `after` (0: from the first), oldest first. They are what the store
/// holds: nothing is checked but that each is a whole seal.
///
/// # Errors
/// When the store failed; [`AuditError::BadSeal`] when a record is no seal.
pub async fn read_seals(store: &dyn Store, after: u64, limit: usize) -> Result<Vec<Seal>, AuditError> {
    let records = store.records(SEALS, Some(&seal_record(after)), limit).await?;
    let seals = records.iter().map(|record| {
        let number = record.name.as_str().trim_start_matches(SEALS).trim_start_matches('0');
        // Only for the error: no seal has number 0.
        let number = number.parse().unwrap_or(0);
        let text = String::from_utf8_lossy(&record.value);
        Seal::parse(&text).map_err(|why| AuditError::BadSeal { number, why })
    });
    seals.collect()
}
