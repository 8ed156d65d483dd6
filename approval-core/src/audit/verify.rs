//! Verifying a trail: every line against its neighbours and the seals, the seals against each other, their signatures and a copy
//! held elsewhere.

mod breach;
mod request;
mod seals;
mod story;

use std::{
    collections::BTreeSet,
    io::{BufRead, Read},
    sync::Arc,
};

use sha2::{Digest, Sha256};

pub use breach::Breach;

use self::{
    request::{History, fresh_from},
    seals::{Gathering, Said, Sealed},
};
use super::{
    AuditError, Exporter, JournalHead, Seal, SealRef, SealVerifier, SinkError,
    trail::{self, End, Entry, Kept, Line},
};
use crate::{
    clock::{Span, Timestamp},
    id::RequestId,
    model::{Basis, ChainHash, SourceDigest},
    store::Store,
};

/// What a trail is held against.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Public keys. With them every signature must be one of theirs, and the last seal must be signed: it speaks for those before
    /// it, which may be from a time when nothing was signed. `None`: signatures are not looked at.
    pub keys: Option<Arc<dyn SealVerifier>>,
    /// Seals from where the writer of the store cannot write, from the first on, in their order. Without them no one who
    /// rewrote the store and its seals alike is found out.
    pub held: Vec<Seal>,
    /// The trail was exported when this seal was the last, so those held elsewhere may go on behind it. `None`, unless set: a
    /// trail that ends before they do was cut.
    pub as_of: Option<u64>,
    /// An event that is older than the last seal by more than this must be in a seal. Ten minutes, unless set: long enough for
    /// any commit that was under way while a seal was made.
    pub grace: Span,
    /// Accepts that requests were removed although only seals say so that are neither signed with one of `keys` nor part of `held`:
    /// a process that may write the store can have made them. `false`, unless set: then that is a
    /// [`RemovedNotProven`](Breach::RemovedNotProven).
    pub accept_unproven: bool,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { keys: None, held: Vec::new(), as_of: None, grace: Span::from_mins(10), accept_unproven: false }
    }
}

/// What a sound trail holds, and what was not proved about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Requests there are.
    pub requests: u64,
    /// Lines of history there are.
    pub events: u64,
    /// Lines of the journal there are.
    pub journal: u64,
    /// Requests that were removed by retention, as a seal says that is signed with a key that was given or held elsewhere.
    pub pruned: u64,
    /// Requests that were removed as other seals say, which the writer of the store can have made; more than none only if that was
    /// [accepted](VerifyOptions::accept_unproven).
    pub unproven: u64,
    /// Seals there are.
    pub seals: u64,
    /// Those of them that are signed; checked only if keys were given.
    pub signed: u64,
    /// Seals that were held against a copy from elsewhere.
    pub held: u64,
    /// Lines of history and of the journal behind the last seal: no seal speaks for them yet.
    pub unsealed: u64,
    /// The last seal, and when it was made.
    pub last: Option<(SealRef, Timestamp)>,
    /// Texts of rules and people there are. Each fits its digest.
    pub sources: u64,
    /// Digests of rules and people that the trail names without their texts: what was in force then can be distinguished, but not
    /// read.
    pub without_text: BTreeSet<SourceDigest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Begin,
    Seals,
    Requests,
    Journal,
    Sources,
    Ended,
}

/// Reads a trail line by line. It holds the seals in memory (some 80 bytes for each leaf), and one history at a time.
#[derive(Clone, Debug)]
pub struct Verifier {
    grace: Span,
    accept_unproven: bool,
    /// The first request that was removed without proof, and the seal that says so.
    unproven: Option<(RequestId, u64)>,
    held: u64,
    gathering: Gathering,
    phase: Phase,
    lines: u64,
    hash: Sha256,
    sealed: Arc<Sealed>,
    /// How far `sealed.said` was gone through.
    said: usize,
    history: Option<History>,
    last_request: Option<RequestId>,
    journal: JournalHead,
    /// How far `sealed.journal` was gone through.
    checkpoint: usize,
    /// The last text of rules or people.
    last_source: Option<SourceDigest>,
    report: Report,
}

impl Verifier {
    /// Holds a trail against `options`.
    ///
    /// # Errors
    /// When the seals held elsewhere do not fit each other.
    pub fn new(options: VerifyOptions) -> Result<Self, Breach> {
        let mut gathering = Gathering::new(options.keys);
        let up_to = options.as_of.unwrap_or(u64::MAX);
        let held = options.held.iter().filter(|seal| seal.header.number <= up_to);
        for seal in held.clone() {
            gathering.held(seal)?;
        }
        Ok(Self {
            grace: options.grace,
            accept_unproven: options.accept_unproven,
            unproven: None,
            held: held.count() as u64,
            gathering,
            phase: Phase::Begin,
            lines: 0,
            hash: Sha256::new(),
            sealed: Arc::default(),
            said: 0,
            history: None,
            last_request: None,
            journal: JournalHead::EMPTY,
            checkpoint: 0,
            last_source: None,
            report: Report::default(),
        })
    }

    /// Takes the next line, without its line break.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn line(&mut self, text: &str) -> Result<(), Breach> {
        let number = self.lines.saturating_add(1);
        let unreadable = |why: String| Breach::Unreadable { line: number, why };
        let misplaced = |what| Breach::Misplaced { line: number, what };
        let line = trail::classify(text).ok_or_else(|| unreadable("it is no line of a trail".to_owned()))?;
        if (self.phase == Phase::Begin) != (line == Line::First) {
            return Err(misplaced("no beginning, or a second one"));
        }
        match line {
            Line::First => self.phase = Phase::Seals,
            Line::Seal(inside) => {
                if self.phase != Phase::Seals {
                    return Err(misplaced("a seal"));
                }
                let seal = Seal::parse(inside).map_err(|why| Breach::BadSeal { line: number, why })?;
                self.gathering.next(&seal)?;
            }
            Line::Request(inside) => {
                self.reach(Phase::Requests, misplaced("a request"))?;
                self.end_request()?;
                let head: trail::Head = trail::read(inside).map_err(unreadable)?;
                if self.last_request.is_some_and(|last| last >= head.id) {
                    return Err(Breach::RequestOutOfPlace { request: head.id });
                }
                self.last_request = Some(head.id);
                self.none_missing_before(Some(head.id))?;
                self.history = Some(History::new(head));
            }
            Line::Event(inside) => match &mut self.history {
                Some(history) if self.phase == Phase::Requests => {
                    let basis = history.line(inside)?;
                    self.report.without_text.extend(basis.iter().flat_map(Basis::digests));
                }
                _ => return Err(misplaced("an event")),
            },
            Line::Journal(inside) => {
                self.reach(Phase::Journal, misplaced("a line of the journal"))?;
                let entry: Entry = trail::read(inside).map_err(unreadable)?;
                self.journal_line(&entry)
                    .map_err(|e| e.unwrap_or_else(|| unreadable("it cannot be hashed".to_owned())))?;
                self.report.without_text.extend(entry.line.sources());
            }
            Line::Source(inside) => {
                self.reach(Phase::Sources, misplaced("a text of rules or people"))?;
                self.source(&trail::read(inside).map_err(unreadable)?)?;
            }
            Line::End(inside) => {
                self.reach(Phase::Ended, misplaced("an end"))?;
                if let Some(breach) = self.gathering.replaced.take() {
                    return Err(breach);
                }
                let end: End = trail::read(inside).map_err(unreadable)?;
                let hash = ChainHash::from_bytes(self.hash.clone().finalize().into());
                if (end != End { hash, lines: self.lines }) {
                    return Err(Breach::WrongEnd);
                }
            }
        }
        self.hash.update(text.as_bytes());
        self.hash.update(b"\n");
        self.lines = number;
        Ok(())
    }

    /// The trail is over.
    ///
    /// # Errors
    /// When its end is missing, or requests were removed without proof that retention removed them.
    pub fn finish(self) -> Result<Report, Breach> {
        if self.phase != Phase::Ended {
            return Err(Breach::CutOff { lines: self.lines });
        }
        match self.unproven {
            Some((request, seal)) if !self.accept_unproven => {
                Err(Breach::RemovedNotProven { request, seal, requests: self.report.unproven })
            }
            _ => Ok(self.report),
        }
    }

    /// Goes on to a part of the trail, ending those before it.
    fn reach(&mut self, phase: Phase, misplaced: Breach) -> Result<(), Breach> {
        if self.phase > phase || self.phase == Phase::Ended {
            return Err(misplaced);
        }
        if self.phase == Phase::Seals {
            let sealed = self.gathering.finish()?;
            self.report.seals = sealed.seals;
            self.report.signed = sealed.signed;
            self.report.held = self.held;
            self.report.last = sealed.last;
            self.sealed = Arc::new(sealed);
            self.phase = Phase::Requests;
        }
        if self.phase == Phase::Requests && phase > Phase::Requests {
            self.end_request()?;
            self.none_missing_before(None)?;
        }
        if phase == Phase::Ended {
            self.end_journal()?;
        }
        self.phase = phase;
        Ok(())
    }

    fn fresh_from(&self) -> Option<Timestamp> {
        fresh_from(self.sealed.last.map(|(_, at)| at), self.grace)
    }

    /// The history of a request is whole: judges it.
    fn end_request(&mut self) -> Result<(), Breach> {
        let Some(history) = self.history.take() else { return Ok(()) };
        let id = history.id();
        let sealed = Arc::clone(&self.sealed);
        // Past the last one, nothing is left that could be said.
        let rest = sealed.said.get(self.said..).unwrap_or_default();
        let (said, _) = rest.split_at(rest.partition_point(|said| said.request <= id));
        self.said += said.len();
        let sound = history.judge(said, self.fresh_from())?;
        self.report.requests = self.report.requests.saturating_add(1);
        self.report.events = self.report.events.saturating_add(sound.events);
        self.report.unsealed = self.report.unsealed.saturating_add(sound.unsealed);
        Ok(())
    }

    /// Every sealed request before `id` must have been read, unless a seal says that it may be gone.
    fn none_missing_before(&mut self, id: Option<RequestId>) -> Result<(), Breach> {
        let sealed = Arc::clone(&self.sealed);
        while let Some(first) = sealed.said.get(self.said) {
            if id.is_some_and(|id| first.request >= id) {
                return Ok(());
            }
            let rest = sealed.said.get(self.said..).unwrap_or_default();
            let (all, _) = rest.split_at(rest.partition_point(|said| said.request <= first.request));
            // What was announced as gone stays so, unless it has grown since.
            let last = all.iter().max_by_key(|said| (said.head().count, said.seal)).unwrap_or(first);
            let gone = |said: &&Said| said.pruned && said.head().count >= last.head().count;
            if all.iter().any(|said| gone(&said) && said.proven) {
                self.report.pruned = self.report.pruned.saturating_add(1);
            } else if let Some(announced) = all.iter().find(gone) {
                // Reported at the end: what else is wrong with the trail says more.
                self.unproven = self.unproven.or(Some((first.request, announced.seal)));
                self.report.unproven = self.report.unproven.saturating_add(1);
            } else {
                let (request, seal, count) = (first.request, last.seal, last.head().count);
                return Err(Breach::RequestMissing { request, seal, count });
            }
            self.said = self.said.saturating_add(all.len());
        }
        Ok(())
    }

    /// One line of the journal; `None` as the error: it cannot be hashed.
    fn journal_line(&mut self, entry: &Entry) -> Result<(), Option<Breach>> {
        let number = entry.number;
        if number <= self.journal.last {
            return Err(Some(Breach::JournalOutOfPlace { number }));
        }
        self.journal = self.journal.then(number, &entry.line).map_err(|_| None)?;
        self.report.journal = self.journal.count;
        let sealed = Arc::clone(&self.sealed);
        self.pass_empty_checkpoints();
        match sealed.journal.get(self.checkpoint) {
            Some(next) if next.journal.count > self.journal.count => Ok(()),
            Some(next) if next.journal == self.journal => Ok(()),
            Some(next) => {
                let before = self.checkpoint.checked_sub(1).and_then(|before| sealed.journal.get(before));
                let after = before.map_or(0, |before| before.journal.last);
                Err(Some(Breach::JournalChanged { after, upto: next.journal.last, seal: next.seal }))
            }
            None => {
                self.report.unsealed = self.report.unsealed.saturating_add(1);
                let at = entry.line.at();
                match self.fresh_from() {
                    Some(fresh_from) if at < fresh_from => Err(Some(Breach::JournalAdded { number })),
                    _ => Ok(()),
                }
            }
        }
    }

    /// A text of rules or people. All that names it was read before.
    fn source(&mut self, kept: &Kept) -> Result<(), Breach> {
        let digest = kept.digest;
        if self.last_source.is_some_and(|last| last >= digest) {
            return Err(Breach::SourceOutOfPlace { digest });
        }
        if SourceDigest::of(&kept.text) != digest {
            return Err(Breach::SourceEdited { digest });
        }
        self.last_source = Some(digest);
        self.report.sources = self.report.sources.saturating_add(1);
        self.report.without_text.remove(&digest);
        Ok(())
    }

    /// Passes over seals that saw no more of the journal than was read before the present line.
    fn pass_empty_checkpoints(&mut self) {
        while let Some(next) = self.sealed.journal.get(self.checkpoint)
            && next.journal.count < self.journal.count
        {
            self.checkpoint = self.checkpoint.saturating_add(1);
        }
    }

    fn end_journal(&self) -> Result<(), Breach> {
        let rest = self.sealed.journal.get(self.checkpoint..).unwrap_or_default();
        match rest.iter().find(|next| next.journal.count > self.journal.count) {
            Some(cut) => Err(Breach::JournalCut {
                found: self.journal.count,
                sealed: cut.journal.count,
                seal: cut.seal,
            }),
            None => Ok(()),
        }
    }
}

/// Verifies an exported trail.
///
/// # Errors
/// The outer one: the trail could not be read at all. The inner one: what is wrong with it.
pub fn verify_file(
    mut trail: impl BufRead,
    options: VerifyOptions,
) -> Result<Result<Report, Breach>, SinkError> {
    /// No line is longer, unless it is meant to fill the memory.
    const LONGEST: u64 = 64 * 1024 * 1024;
    let mut verifier = match Verifier::new(options) {
        Ok(verifier) => verifier,
        Err(breach) => return Ok(Err(breach)),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = Read::by_ref(&mut trail).take(LONGEST).read_until(b'\n', &mut line);
        read.map_err(|e| SinkError::caused_by("the trail cannot be read", e))?;
        if line.is_empty() {
            return Ok(verifier.finish());
        }
        let number = verifier.lines.saturating_add(1);
        let unreadable = |why: &str| Breach::Unreadable { line: number, why: why.to_owned() };
        let Some(whole) = line.strip_suffix(b"\n") else {
            return Ok(Err(unreadable("it has no line break at its end, or is longer than 64 MiB")));
        };
        let done = std::str::from_utf8(whole)
            .map_err(|_| unreadable("it is not UTF-8"))
            .and_then(|text| verifier.line(text));
        if let Err(breach) = done {
            return Ok(Err(breach));
        }
    }
}

/// Verifies the trail of a store.
///
/// # Errors
/// The outer one: the store could not be read. The inner one: what is wrong with its trail.
pub async fn verify_store(
    store: &dyn Store,
    options: VerifyOptions,
) -> Result<Result<Report, Breach>, AuditError> {
    verify_exported(Exporter::new(store), options).await
}

/// The same for what an exporter gives.
pub(crate) async fn verify_exported(
    mut exporter: Exporter<'_>,
    options: VerifyOptions,
) -> Result<Result<Report, Breach>, AuditError> {
    let mut verifier = match Verifier::new(options) {
        Ok(verifier) => verifier,
        Err(breach) => return Ok(Err(breach)),
    };
    while let Some(page) = exporter.next().await? {
        for line in page.split_terminator('\n') {
            if let Err(breach) = verifier.line(line) {
                return Ok(Err(breach));
            }
        }
    }
    Ok(verifier.finish())
}
