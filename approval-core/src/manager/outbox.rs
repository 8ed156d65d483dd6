//! Delivers the notices of the outbox: repeats what failed, with back-off, and drops what is not needed any more.

use std::{collections::HashSet, sync::Arc};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{Core, delivery, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::NoticeId,
    model::OutboxNotice,
    store::{NoticeClaim, NoticeClaims, NoticeSettlement},
};

/// Notices that are claimed together.
const BATCH: usize = 256;
/// Deliveries under way at the most. One may take as long as a person thinks.
const UNDER_WAY: usize = 4096;
/// The worker looks at least so often, for leases that ran out elsewhere.
const LONGEST_NAP: Span = Span::from_secs(30);

/// Delivers notices until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let claim = NoticeClaim {
        owner: core.handover.owner(),
        namespace: Arc::clone(&core.settings.namespace),
        channels: core.served_here().map(|(name, _)| Arc::clone(name)).collect(),
        lease: core.lease.of_notices(),
        limit: BATCH,
    };
    if claim.channels.is_empty() {
        return;
    }
    core.handover.open();
    let mut worker = Worker::new(&core, claim);
    let mut wake = worker.look().await;
    // It outlives a turn: there are many turns, and a timer is dear.
    let mut nap = core.clock.sleep_until(wake);
    let mut rung = false;
    while !core.stop.is_stopped() {
        let full = worker.under_way.len() >= UNDER_WAY;
        let look = tokio::select! {
            () = core.handover.some(), if !full => {
                match worker.deliver_own().await {
                    Some(again) if again < wake => {
                        wake = again;
                        nap = core.clock.sleep_until(wake);
                    }
                    _ => {}
                }
                false
            }
            Some(mut settlements) = worker.under_way.next(), if !worker.under_way.is_empty() => {
                // What has come to its end meanwhile is written together.
                while let Some(Some(more)) = worker.under_way.next().now_or_never() {
                    settlements.extend(more);
                }
                worker.finish(settlements).await;
                false
            }
            // Also when nothing more can be begun: it tells of the end, too.
            () = core.outbox_bell.rung() => {
                rung = true;
                false
            }
            () = &mut nap, if !full => true,
        };
        let full = worker.under_way.len() >= UNDER_WAY;
        if (look || rung) && !full && !core.stop.is_stopped() {
            rung = false;
            wake = worker.look().await;
            nap = core.clock.sleep_until(wake);
        }
    }
    worker.hand_back().await;
}

type Slow = BoxFuture<'static, Vec<NoticeSettlement>>;

struct Worker<'a> {
    core: &'a Arc<Core>,
    claim: NoticeClaim,
    under_way: FuturesUnordered<Slow>,
    /// The notices that are under way.
    ids: HashSet<NoticeId>,
    failures: u32,
}

impl<'a> Worker<'a> {
    fn new(core: &'a Arc<Core>, claim: NoticeClaim) -> Self {
        Self { core, claim, under_way: FuturesUnordered::new(), ids: HashSet::new(), failures: 0 }
    }

    /// Claims what waits in the store, and begins to deliver it. When to look again.
    async fn look(&mut self) -> Timestamp {
        loop {
            let wake = match self.turn().await {
                Ok(next) => {
                    self.failures = 0;
                    let nap = after(self.core.clock.now(), LONGEST_NAP);
                    next.map_or(nap, |next| next.min(nap))
                }
                Err(error) => {
                    self.failures += 1;
                    let failures = self.failures;
                    tracing::error!(%error, failures, "the outbox could not be read or written; it is tried again");
                    after(self.core.clock.now(), back_off(Span::from_millis(500), failures))
                }
            };
            let full = self.under_way.len() >= UNDER_WAY;
            if wake > self.core.clock.now() || full || self.core.stop.is_stopped() {
                return wake;
            }
            // Others may run between two turns.
            tokio::task::yield_now().await;
        }
    }

    async fn turn(&mut self) -> Result<Option<Timestamp>, ApprovalError> {
        // Nothing is sent from a store that is not whole yet.
        self.core.halts.view(self.core).await?;
        let NoticeClaims { notices, next } = self.core.store.claim_notices(&self.claim).await?;
        self.begin(notices.into_iter().map(|claimed| claimed.notice)).await?;
        self.core.by_own_clock(next).await
    }

    /// Delivers what this process claimed when it wrote it. When to claim again what takes longer.
    async fn deliver_own(&mut self) -> Option<Timestamp> {
        let own = self.core.handover.take();
        let until = own.iter().map(|(_, until)| *until).min();
        let before = self.under_way.len();
        let begun = self.begin(own.into_iter().map(|(notice, _)| notice)).await;
        if let Err(error) = &begun {
            tracing::error!(%error, "it could not be noted what became of notices; they will be delivered again");
        }
        if begun.is_ok() && self.under_way.len() == before {
            return None;
        }
        // Without an answer of the store, by its clock: looking again too early or late does no harm.
        self.core.by_own_clock(until).await.unwrap_or(until)
    }

    /// Begins to deliver. What is done at once is settled together.
    async fn begin(&mut self, notices: impl Iterator<Item = OutboxNotice>) -> Result<(), ApprovalError> {
        let mut done = Vec::new();
        // The delivery of one that is still under way here has just had its claim prolonged.
        let new = notices.filter(|notice| !self.ids.contains(&notice.id)).collect();
        for together in delivery::bundles(&self.core.notifiers, new) {
            let ids: Vec<NoticeId> = together.iter().map(|notice| notice.id).collect();
            let mut delivery = delivery::deliver(Arc::clone(self.core), together, self.claim.owner).boxed();
            if let Some(settlements) = (&mut delivery).now_or_never() {
                done.extend(settlements);
            } else {
                self.ids.extend(ids);
                self.under_way.push(delivery);
            }
        }
        if !done.is_empty() {
            self.core.store.settle_notices(done).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, settlements: Vec<NoticeSettlement>) {
        for settlement in &settlements {
            self.ids.remove(&settlement.id);
        }
        if let Err(error) = self.core.store.settle_notices(settlements).await {
            tracing::error!(%error, "it could not be noted what became of a notice; it will be delivered again");
        }
    }

    /// Gives back to the store what was handed over and is not under way.
    async fn hand_back(self) {
        let left = self.core.handover.close().into_iter().map(|(notice, _)| NoticeSettlement {
            request: notice.request,
            id: notice.id,
            owner: self.claim.owner,
            delivery: notice.delivery,
        });
        let left: Vec<NoticeSettlement> = left.collect();
        if !left.is_empty()
            && let Err(error) = self.core.store.settle_notices(left).await
        {
            tracing::warn!(%error, "notices could not be handed back; others deliver them a little later");
        }
    }
}
