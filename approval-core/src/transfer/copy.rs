//! The order in which things are copied.

use futures_util::future::try_join_all;

use super::{
    Contents, Copied, Step, Transfer, TransferError,
    request::Whole,
    seals::Grown,
    target::{Begun, Target},
    walk::{Listed, Pair, Pairs},
};
use crate::{
    audit::{Breach, Exporter, Report, VerifyOptions, verify_exported, verify_store},
    clock::{Span, Timestamp, after},
    id::RequestId,
    store::{ChangeCursor, HALTS, RecordName, Store, StoreError, Stored, unfinished},
};

/// Requests under way at the same time: as many as a store writes in one go.
const UNDER_WAY: usize = 128;
/// How often both stores are walked until nothing changes any more.
const ROUNDS: u32 = 5;
/// How far the target's clock may be behind when the copy begins.
const TOLERANCE: Span = Span::from_secs(60);

/// A copy under way.
pub(super) struct Run<'a> {
    transfer: &'a Transfer,
    pub(super) from: &'a dyn Store,
    pub(super) to: &'a dyn Store,
    pub(super) target: Target,
    /// An earlier run may have written what comes next.
    may_be_there: bool,
}

pub(super) async fn copy(transfer: &Transfer) -> Result<Copied, TransferError> {
    if std::sync::Arc::ptr_eq(&transfer.from, &transfer.to) {
        return Err(TransferError::SameStore);
    }
    let (from, to) = (&*transfer.from, &*transfer.to);
    halts(from).await?;
    // No one should wait for a copy that cannot be finished: a little is made good by the time that it takes.
    let origin = from.now().await.map_err(TransferError::Source)?;
    time_goes_on(to, after(origin, -TOLERANCE)).await?;
    let target = match Target::begin(to, &transfer.source).await? {
        Begun::Finished(at) => {
            return Ok(Copied { before: true, at, contents: Contents::default(), trail: None });
        }
        Begun::Open(target) => target,
    };
    let mut run = Run { transfer, from, to, target, may_be_there: true };
    run.fill().await?;
    run.until_equal().await
}

/// The record of the halts of a source that is whole.
async fn halts(from: &dyn Store) -> Result<Option<Vec<u8>>, TransferError> {
    let record = from.record(&RecordName::new(HALTS)).await.map_err(TransferError::Source)?;
    if let Some(record) = &record {
        unfinished::refuse(&record.value).map_err(TransferError::Source)?;
    }
    Ok(record.map(|record| record.value))
}

impl Run<'_> {
    pub(super) fn tell(&self, step: Step, done: u64) {
        self.transfer.tell(step, done);
    }

    /// Writes what is not there yet. What seals do not cover comes last, so that one place in the target's order of changes
    /// parts the two.
    async fn fill(&mut self) -> Result<(), TransferError> {
        let Grown { unsealed, .. } = Grown::look(self.from).await?;
        // A store in memory keeps the order of its changes from the first question on.
        match self.to.changes(&ChangeCursor::default(), 1).await {
            Ok(_) | Err(StoreError::Unsupported { .. }) => {}
            Err(error) => return Err(TransferError::Target(error)),
        }
        // First, for it shows whether the target can keep the numbers of its lines.
        self.journal(self.target.journal(), Step::Journal).await?;
        self.tell(Step::Requests, self.target.requests());
        let mut last = self.last_written().await?;
        loop {
            let (page, more) = Stored::page(self.from, last.as_ref()).await.map_err(TransferError::Source)?;
            let Some(end) = page.last().cloned() else { break };
            let sealed = page.into_iter().filter(|stored| !unsealed.contains(&stored.request.id)).collect();
            self.bring_all(sealed, end.request.id, true).await?;
            last = Some(end);
            if !more {
                break;
            }
        }
        let rest: Vec<_> =
            unsealed.into_iter().filter(|id| self.target.unsealed().is_none_or(|done| *id > done)).collect();
        self.may_be_there = true;
        for ids in rest.chunks(UNDER_WAY) {
            let Some(end) = ids.last() else { continue };
            let found = try_join_all(ids.iter().map(|id| self.from.load(*id))).await;
            let found = found.map_err(TransferError::Source)?.into_iter().flatten().collect();
            self.bring_all(found, *end, false).await?;
        }
        self.records(Step::Records).await?;
        Ok(())
    }

    /// The request up to which an earlier run came, as the source lists it.
    async fn last_written(&self) -> Result<Option<Stored>, TransferError> {
        let Some(id) = self.target.after() else { return Ok(None) };
        // Where the source let it go meanwhile, all are looked at again.
        self.from.load(id).await.map_err(TransferError::Source)
    }

    async fn bring_all(
        &mut self,
        requests: Vec<Stored>,
        end: RequestId,
        are_sealed: bool,
    ) -> Result<(), TransferError> {
        let count = requests.len() as u64;
        try_join_all(requests.into_iter().map(|stored| self.bring(stored, self.may_be_there))).await?;
        // The rest is behind what an earlier run has seen.
        self.may_be_there = false;
        self.target.wrote(self.to, end, count, are_sealed).await?;
        self.tell(Step::Requests, self.target.requests());
        Ok(())
    }

    /// Walks both stores until nothing has to be written any more, then unlocks the target.
    async fn until_equal(mut self) -> Result<Copied, TransferError> {
        for _ in 0..ROUNDS {
            let origin = self.from.now().await.map_err(TransferError::Source)?;
            let grown = Grown::look(self.from).await?;
            let halts = halts(self.from).await?;
            let (contents, written) = self.walk().await?;
            let others = self::halts(self.from).await? != halts;
            if written > 0 || others || grown.has_more(self.from).await? {
                continue;
            }
            let trail = self.trail(&grown).await?;
            let sealing = grown.state_in(self.to).await?.map(|state| state.write());
            let sealing = sealing.transpose().map_err(TransferError::target)?;
            time_goes_on(self.to, origin).await?;
            let at = self.target.finish(self.to, halts, sealing).await?;
            return Ok(Copied { before: false, at, contents, trail: Some(trail) });
        }
        Err(TransferError::SourceInUse)
    }

    /// Walks both stores, and mends what is not equal. What there is, and how much was written.
    async fn walk(&mut self) -> Result<(Contents, u64), TransferError> {
        let mut contents = Contents::default();
        let mut written = 0_u64;
        let mut pairs = Pairs::requests(self.from, self.to);
        loop {
            let batch = pairs.next(UNDER_WAY).await?;
            if batch.is_empty() {
                break;
            }
            for (mended, found) in try_join_all(batch.into_iter().map(|pair| self.mend(pair))).await? {
                written = written.saturating_add(u64::from(mended));
                contents.add(found);
            }
            self.tell(Step::Comparing, contents.requests);
        }
        let (records, of_records) = self.records(Step::Comparing).await?;
        let (journal, of_journal) = self.journal(0, Step::Comparing).await?;
        (contents.records, contents.journal) = (records, journal);
        Ok((contents, written.saturating_add(of_records).saturating_add(of_journal)))
    }

    /// Compares one request, and writes what is not equal. Whether that was needed, and what it holds if it was not.
    async fn mend(&self, pair: Pair<Stored>) -> Result<(bool, Contents), TransferError> {
        match pair {
            Pair::Both(source, target) => {
                let read = Whole::read(self.from, source).await.map_err(TransferError::Source)?;
                let Some(source) = read else { return Ok((true, Contents::default())) };
                let copy = Whole::read(self.to, target).await.map_err(TransferError::Target)?;
                if copy.is_some_and(|copy| source.difference(&copy).is_none()) {
                    return Ok((false, Contents::of(&source)));
                }
                self.bring(source.stored, true).await?;
            }
            Pair::Source(source) => self.bring(source, false).await?,
            Pair::Target(target) => {
                let id = target.request.id;
                match self.from.load(id).await.map_err(TransferError::Source)? {
                    Some(source) => self.bring(source, true).await?,
                    None => self.remove(&target).await?,
                }
            }
        }
        Ok((true, Contents::default()))
    }

    /// Verifies the trail of the target, as its own seals will stand.
    async fn trail(&self, grown: &Grown) -> Result<Result<Report, Breach>, TransferError> {
        self.tell(Step::Trail, self.target.requests());
        let fence = grown.state.as_ref().map(|state| state.last);
        let exporter = Exporter::up_to(self.to, fence);
        let found = verify_exported(exporter, accepting()).await;
        match found.map_err(TransferError::target)? {
            Ok(report) => Ok(Ok(report)),
            Err(breach) => {
                let of_source = verify_store(self.from, accepting()).await;
                match of_source.map_err(TransferError::source)? {
                    Ok(_) => Err(TransferError::Breach(breach)),
                    Err(breach) => Ok(Err(breach)),
                }
            }
        }
    }
}

/// What is over in the source must not come back to life.
async fn time_goes_on(to: &dyn Store, origin: Timestamp) -> Result<(), TransferError> {
    let target = to.now().await.map_err(TransferError::Target)?;
    if target < origin { Err(TransferError::ClockBehind { target, origin }) } else { Ok(()) }
}

impl Contents {
    pub(super) fn of(whole: &Whole) -> Self {
        Self {
            requests: 1,
            events: whole.lines.len() as u64,
            notices: whole.notices.len() as u64,
            ..Self::default()
        }
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.events = self.events.saturating_add(other.events);
        self.notices = self.notices.saturating_add(other.notices);
    }
}

/// Copying proves nothing about what was removed before, and neither loses nor adds such requests.
fn accepting() -> VerifyOptions {
    VerifyOptions { accept_unproven: true, ..VerifyOptions::default() }
}
