//! One worker for all that time brings about: deadlines, stages, reminders, grant expiries, lost leases.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::{join, join_all};

use super::{Core, lease, put_off::PutOff, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::RequestId,
    lifecycle::{self, Act, Command},
    model::{LibraryPart, Principal},
    store::Stored,
};

/// Requests that are brought up to date together.
const BATCH: usize = 256;
/// How long the worker rests when a whole batch failed.
const PAUSE: Span = Span::from_secs(1);
/// The worker looks at least so often, for what other processes wrote.
const LONGEST_NAP: Span = Span::from_secs(30);

/// Brings about what time brings, until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut worker = Worker::default();
    let mut failures = 0;
    while !core.stop.is_stopped() {
        core.due_bell.disarm();
        let wake = match worker.turn(&core).await {
            Ok(next) => {
                failures = 0;
                let nap = after(core.clock.now(), LONGEST_NAP);
                next.map_or(nap, |next| next.min(nap))
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "what is due could not be done; it is tried again");
                after(core.clock.now(), back_off(Span::from_millis(500), failures))
            }
        };
        core.due_bell.arm(wake);
        if wake > core.clock.now() {
            tokio::select! {
                () = core.clock.sleep_until(wake) => {}
                () = core.due_bell.rung() => {}
                () = core.stop.stopped() => {}
            }
        } else {
            // Others may run between two turns.
            tokio::task::yield_now().await;
        }
    }
}

/// Lets happen what is due by now.
pub(super) fn tick() -> Command {
    Command { actor: Principal::part(LibraryPart::Due), via: None, operator: true, act: Act::Tick }
}

/// What the worker remembers from turn to turn.
#[derive(Debug, Default)]
struct Worker {
    put_off: PutOff,
    /// So many were left to the next turn: they come first there, and must not take the room of the others either.
    left: usize,
}

impl Worker {
    /// Does what is due by now. Returns when something is due next.
    async fn turn(&mut self, core: &Core) -> Result<Option<Timestamp>, ApprovalError> {
        // Those that wait to be tried again come first, and must not take the room of the others.
        let limit = BATCH.saturating_add(self.put_off.len()).saturating_add(self.left);
        let due = core.store.due(&core.settings.namespace, limit).await?;
        let ids: HashSet<RequestId> = due.items.iter().map(|stored| stored.request.id).collect();
        self.put_off.keep_only(|id| ids.contains(&id));
        let now = core.clock.now();
        let waits = |stored: &&Stored| !self.put_off.waits(stored.request.id, now);
        let ready: Vec<&Stored> = due.items.iter().filter(waits).collect();
        let mut failed = Failed::default();
        let mut done = 0_usize;
        for batch in ready.chunks(BATCH) {
            for (id, result) in tick_all(core, batch).await {
                done = done.saturating_add(1);
                self.note(id, result, core.clock.now(), &mut failed);
            }
        }
        let none_done = ready.len() >= BATCH && failed.count == ready.len();
        failed.report(self.put_off.len())?;
        let next = core.by_own_clock(due.next).await?;
        self.left = ready.len().saturating_sub(done);
        let at_once = (self.left > 0).then(|| core.clock.now());
        let next = [next, self.put_off.next(), at_once].into_iter().flatten().min();
        // It may be this process that cannot do it: others get the time to look after the rest.
        let earliest = if none_done { after(core.clock.now(), PAUSE) } else { Timestamp::MIN };
        Ok(next.map(|next| next.max(earliest)))
    }

    /// Remembers what became of one that was due.
    fn note(
        &mut self,
        id: RequestId,
        result: Result<Stored, ApprovalError>,
        now: Timestamp,
        failed: &mut Failed,
    ) {
        match result {
            Ok(_) => self.put_off.done(id),
            // Others did it, and then it is not due any more. If it is, it is not tried again at once.
            Err(error @ (ApprovalError::Refused { .. } | ApprovalError::AlreadyDecided { .. })) => {
                if !self.put_off.failed(id, now) {
                    failed.beyond.get_or_insert(error);
                }
            }
            Err(error) => {
                failed.count += 1;
                if self.put_off.failed(id, now) {
                    failed.first.get_or_insert((id, error));
                } else {
                    failed.beyond.get_or_insert(error);
                }
            }
        }
    }
}

/// What failed in one turn.
#[derive(Debug, Default)]
struct Failed {
    count: usize,
    first: Option<(RequestId, ApprovalError)>,
    /// Of one for which there is no room among those that are put off.
    beyond: Option<ApprovalError>,
}

impl Failed {
    /// # Errors
    /// When more failed than are remembered: then the whole worker waits, instead of trying the same ones all the time.
    fn report(self, put_off: usize) -> Result<(), ApprovalError> {
        let failed = self.count;
        if let Some((request, error)) = self.first {
            tracing::error!(%request, %error, failed, put_off, "failed to bring due requests up to date; they are tried again");
        }
        self.beyond.map_or(Ok(()), Err)
    }
}

/// Brings requests up to date: together, but those that change counters of limits one after the other, since each would have
/// to count anew for each of the others.
async fn tick_all(core: &Core, batch: &[&Stored]) -> Vec<(RequestId, Result<Stored, ApprovalError>)> {
    let (counted, others): (Vec<&Stored>, Vec<&Stored>) =
        batch.iter().copied().partition(|stored| lifecycle::gives_back(&stored.request, &Act::Tick));
    let until = after(core.clock.now(), PAUSE);
    let in_turn = async {
        let mut done = Vec::with_capacity(counted.len());
        let mut patient = true;
        for stored in counted {
            // What is left is due still: another turn does it, beside what has become due since.
            if core.clock.now() >= until {
                break;
            }
            let turn = if patient { core.turn_to_give_back().await } else { None };
            patient = turn.is_some();
            done.push(tick_one(core, stored).await);
        }
        done
    };
    let (mut done, in_turn) =
        join(join_all(others.into_iter().map(|stored| tick_one(core, stored))), in_turn).await;
    done.extend(in_turn);
    done
}

async fn tick_one(core: &Core, stored: &Stored) -> (RequestId, Result<Stored, ApprovalError>) {
    core.cache.put(stored);
    let id = stored.request.id;
    (id, core.execute_one(id, tick()).await)
}

impl Core {
    /// A moment of the store's clock, by the manager's: the two need not agree.
    pub(super) async fn by_own_clock(
        &self,
        at: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, ApprovalError> {
        let Some(at) = at else { return Ok(None) };
        let left = at.duration_since(self.now().await?);
        Ok(Some(after(self.clock.now(), left)))
    }
}

/// Renews this process's lease and takes away lost ones, until the manager stops.
pub(crate) async fn run_leases(core: Arc<Core>) {
    let mut failures = 0;
    while !core.stop.is_stopped() {
        let done = async {
            core.lease.renew(&core).await?;
            lease::sweep(&core).await
        };
        match done.await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "leases could not be looked after; it is tried again");
            }
        }
        let nap = if failures == 0 {
            core.lease.renewal()
        } else {
            back_off(Span::from_millis(500), failures).min(core.lease.renewal())
        };
        let wake = after(core.clock.now(), nap);
        tokio::select! {
            () = core.clock.sleep_until(wake) => {}
            () = core.stop.stopped() => {}
        }
    }
}
