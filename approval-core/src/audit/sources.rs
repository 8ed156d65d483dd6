//! The texts of rules and people, kept by their digests in named records: `source/<digest>/<number>`, a piece of the text
//! each. A text is written before anything names it, and stays: retention removes requests, not texts.

use super::AuditError;
use crate::{
    model::{Source, SourceDigest},
    store::{Commit, CommitOutcome, Condition, RecordName, RecordWrite, Store, StoreError},
};

const PREFIX: &str = "source/";
/// Bytes of a text in one record: less than the smallest limit of a document that a store may have (300 KB).
const PIECE: usize = 256 * 1024;
/// Pieces that a text may have: they are written together.
const PIECES: usize = 8;
/// Longest text that is kept, in bytes.
pub(crate) const SOURCE_LIMIT: usize = PIECE * PIECES;

/// What the names of a text's records begin with.
fn pieces_of(digest: SourceDigest) -> String {
    format!("{PREFIX}{}/", digest.hex())
}

/// Whether a text is there as it should be.
///
/// # Errors
/// When the store failed.
pub(crate) async fn is_kept(store: &dyn Store, source: &Source) -> Result<bool, StoreError> {
    let text = stored_text(store, source.digest()).await?;
    Ok(text.is_some_and(|text| text == **source.text()))
}

/// Writes a text together with the record that counts it. `false`: another one counted meanwhile, and nothing is written.
///
/// # Errors
/// When the store failed.
pub(crate) async fn keep_source(
    store: &dyn Store,
    source: &Source,
    (unchanged, counted): (Condition, RecordWrite),
) -> Result<bool, StoreError> {
    let name = pieces_of(source.digest());
    let pieces = source.text().as_bytes().chunks(PIECE).enumerate();
    let writes = pieces.map(|(number, piece)| RecordWrite {
        name: RecordName::new(format!("{name}{number:04}")),
        value: Some(piece.to_vec()),
    });
    let writes = writes.chain([counted]).collect();
    let commit = Commit { conditions: vec![unchanged], writes, ..Commit::default() };
    match store.commit(commit).await? {
        CommitOutcome::Committed { .. } => Ok(true),
        CommitOutcome::ConditionFailed { .. } => Ok(false),
        CommitOutcome::Conflict(_) | CommitOutcome::KeyTaken(_) | CommitOutcome::OutsideTime { .. } => {
            Err(StoreError::unavailable(
                "the text of rules or people was not written, although nothing speaks against it",
            ))
        }
    }
}

/// The text under a digest as the store has it, whether or not it fits.
pub(super) async fn stored_text(
    store: &dyn Store,
    digest: SourceDigest,
) -> Result<Option<String>, StoreError> {
    let records = store.records(&pieces_of(digest), None, PIECES).await?;
    if records.is_empty() {
        return Ok(None);
    }
    let bytes: Vec<u8> = records.into_iter().flat_map(|record| record.value).collect();
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The text that a digest names: the rules or the people of then, as requests and lines of the journal name them. `None`: the
/// store has none. The texts of all namespaces lie side by side: not for those who may see one alone.
///
/// # Errors
/// When the store failed, or the text was changed: it does not fit the digest.
pub async fn read_source(store: &dyn Store, digest: SourceDigest) -> Result<Option<Source>, AuditError> {
    let Some(text) = stored_text(store, digest).await? else { return Ok(None) };
    let source = Source::new(text);
    if source.digest() == digest {
        return Ok(Some(source));
    }
    let why = format!("the text that is kept as {digest} is another one: it was changed");
    Err(StoreError::unreadable(why).into())
}

/// The first digest after `after` (`None`: of all) that the store has a text for, in the order of their digits.
///
/// # Errors
/// When the store failed.
pub async fn next_source(
    store: &dyn Store,
    after: Option<SourceDigest>,
) -> Result<Option<SourceDigest>, AuditError> {
    // `0` comes right after `/`: behind all pieces of a text.
    let mut last = after.map(|digest| RecordName::new(format!("{PREFIX}{}0", digest.hex())));
    loop {
        let Some(record) = store.records(PREFIX, last.as_ref(), 1).await?.pop() else { return Ok(None) };
        let name = record.name.as_str().strip_prefix(PREFIX).and_then(|rest| rest.split('/').next());
        if let Some(digest) = name.and_then(SourceDigest::from_hex) {
            return Ok(Some(digest));
        }
        last = Some(record.name);
    }
}
