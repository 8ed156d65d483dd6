//! Exporting the trail of a store, a page at a time.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    AuditError, records,
    seal::SealRef,
    sources::{next_source, stored_text},
    trail::{self, End, Entry, Head, Kept, Line},
};
use crate::{
    id::RequestId,
    model::{ChainHash, EventLine, SourceDigest},
    store::{Query, Store, StoreError, Stored},
};

const SEALS: usize = 50;
const REQUESTS: usize = 100;
const JOURNAL: usize = 500;
/// How often a history is read again because it grew between two looks.
const ROUNDS: usize = 100;

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    First,
    SealsAfter(u64),
    RequestsAfter(Option<RequestId>),
    JournalAfter(u64),
    SourcesAfter(Option<SourceDigest>),
    End,
    Done,
}

/// Reads the trail of a store: everything that [`super::Verifier`] needs, seals included, and the texts of the rules and people
/// that it names. In memory is one page at a time.
#[derive(Debug)]
pub struct Exporter<'a> {
    store: &'a dyn Store,
    next: Next,
    /// The last seal when it began. Later ones may name what was read before it grew.
    fence: Option<SealRef>,
    /// The last seal was handed in: the store's own record does not say it.
    fenced: bool,
    hash: Sha256,
    lines: u64,
}

impl<'a> Exporter<'a> {
    /// Begins at the beginning.
    #[must_use]
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, next: Next::First, fence: None, fenced: false, hash: Sha256::new(), lines: 0 }
    }

    /// Begins at the beginning, of a store whose last seal is `fence`, whatever it says itself.
    pub(crate) fn up_to(store: &'a dyn Store, fence: Option<SealRef>) -> Self {
        Self { fence, fenced: true, ..Self::new(store) }
    }

    /// The next page: one or more lines of JSON, each with its line break. `None`: that was all.
    ///
    /// # Errors
    /// When the store failed, or requests were removed meanwhile: then begin anew.
    pub async fn next(&mut self) -> Result<Option<String>, AuditError> {
        loop {
            let mut page = String::new();
            match self.next {
                Next::First => {
                    if !self.fenced {
                        self.fence = records::last_seal(self.store).await?;
                    }
                    trail::push(&mut page, Line::First);
                    self.next = Next::SealsAfter(0);
                }
                Next::SealsAfter(number) => self.seals(number, &mut page).await?,
                Next::RequestsAfter(id) => self.requests(id, &mut page).await?,
                Next::JournalAfter(number) => self.journal(number, &mut page).await?,
                Next::SourcesAfter(digest) => self.source(digest, &mut page).await?,
                Next::End => {
                    self.nothing_was_removed().await?;
                    let hash = ChainHash::from_bytes(self.hash.clone().finalize().into());
                    trail::push(&mut page, Line::End(&json(&End { hash, lines: self.lines })?));
                    self.next = Next::Done;
                }
                Next::Done => return Ok(None),
            }
            if !page.is_empty() {
                self.hash.update(page.as_bytes());
                self.lines = self.lines.saturating_add(page.lines().count() as u64);
                return Ok(Some(page));
            }
        }
    }

    async fn seals(&mut self, after: u64, page: &mut String) -> Result<(), AuditError> {
        let fence = self.fence.map_or(0, |fence| fence.number);
        let seals = records::read_seals(self.store, after, SEALS).await?;
        self.next = match seals.last() {
            Some(last) if last.header.number < fence => Next::SealsAfter(last.header.number),
            _ => Next::RequestsAfter(None),
        };
        for seal in seals.iter().filter(|seal| seal.header.number <= fence) {
            trail::push(page, Line::Seal(&json(seal)?));
        }
        Ok(())
    }

    async fn requests(&mut self, after: Option<RequestId>, page: &mut String) -> Result<(), AuditError> {
        let found = self.store.list(&Query { after, limit: REQUESTS, ..Query::default() }).await?;
        for stored in found.items {
            let Some((stored, lines)) = history(self.store, stored).await? else { continue };
            let chain = stored.request.chain;
            let head = Head { count: chain.count, hash: chain.hash, id: stored.request.id };
            trail::push(page, Line::Request(&json(&head)?));
            for line in lines {
                trail::push(page, Line::Event(&line.text));
            }
        }
        self.next = match found.next {
            Some(last) => Next::RequestsAfter(Some(last)),
            None => Next::JournalAfter(0),
        };
        Ok(())
    }

    async fn journal(&mut self, after: u64, page: &mut String) -> Result<(), AuditError> {
        let entries = self.store.read_journal(after, JOURNAL).await?;
        self.next = entries.last().map_or(Next::SourcesAfter(None), |last| Next::JournalAfter(last.number));
        for entry in entries {
            trail::push(page, Line::Journal(&json(&Entry { line: entry.line, number: entry.number })?));
        }
        Ok(())
    }

    /// The next text, as it is: whether it fits its digest is to be found out. Texts of requests that were removed stay.
    async fn source(&mut self, after: Option<SourceDigest>, page: &mut String) -> Result<(), AuditError> {
        let Some(digest) = next_source(self.store, after).await? else {
            self.next = Next::End;
            return Ok(());
        };
        self.next = Next::SourcesAfter(Some(digest));
        if let Some(text) = stored_text(self.store, digest).await? {
            trail::push(page, Line::Source(&json(&Kept { digest, text })?));
        }
        Ok(())
    }

    /// Seals that were made meanwhile must not say that something may be gone: it would look as if it had been stolen.
    async fn nothing_was_removed(&self) -> Result<(), AuditError> {
        let mut after = self.fence.map_or(0, |fence| fence.number);
        loop {
            let seals = records::read_seals(self.store, after, SEALS).await?;
            let Some(last) = seals.last() else { return Ok(()) };
            after = last.header.number;
            if seals.iter().any(|seal| seal.leaves.iter().any(|leaf| leaf.pruned)) {
                return Err(AuditError::RemovedMeanwhile);
            }
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, AuditError> {
    serde_json::to_string(value).map_err(AuditError::encoding("a line of the trail"))
}

/// A request with its history as of one moment. What does not fit although nothing grew is given as it is: it is what is to
/// be found out. `None`: it is gone.
pub(crate) async fn history(
    store: &dyn Store,
    mut stored: Stored,
) -> Result<Option<(Stored, Vec<EventLine>)>, AuditError> {
    let id = stored.request.id;
    for _ in 0..ROUNDS {
        let lines = store.history(id).await?;
        let Some(again) = store.load(id).await? else { return Ok(None) };
        if again.version == stored.version {
            return Ok(Some((stored, lines)));
        }
        stored = again;
    }
    Err(StoreError::unavailable(format!("others kept changing request {id}; try again")).into())
}
