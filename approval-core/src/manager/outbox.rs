//! Delivers the notices of the outbox: repeats what failed, with back-off, and drops what nobody needs any more.

use std::{collections::HashSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::{ExecutorId, NoticeId},
    model::{Delivery, NoticeKind, OutboxNotice, Request},
    notify::{MessageRef, Notice, Notifier, NotifyError},
    store::{NoticeClaim, NoticeClaims, NoticeSettlement},
};

/// Notices that are claimed together.
const BATCH: usize = 256;
/// Deliveries under way at the most. One may take as long as a person thinks.
const UNDER_WAY: usize = 4096;
/// How long a claim keeps others away.
const LEASE: Span = Span::from_secs(60);
/// The first repetition comes after this time, then twice as long each time, up to a minute.
const FIRST_RETRY: Span = Span::from_secs(1);
/// Attempts before a notice is given up.
const ATTEMPTS: u32 = 20;
/// The worker looks at least so often, for leases that ran out elsewhere.
const LONGEST_NAP: Span = Span::from_secs(30);

/// Delivers notices until the manager stops.
pub(crate) async fn run(core: Arc<Core>) {
    let claim = NoticeClaim {
        owner: core.handover.owner(),
        channels: core.notifiers.iter().map(|(name, _)| Arc::clone(name)).collect(),
        lease: LEASE,
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
            Some(settlement) = worker.under_way.next(), if !worker.under_way.is_empty() => {
                worker.finish(settlement).await;
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

type Slow = BoxFuture<'static, NoticeSettlement>;

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
        self.core.by_own_clock(until).await.unwrap_or(until)
    }

    /// Begins to deliver. What is done at once is settled together.
    async fn begin(&mut self, notices: impl Iterator<Item = OutboxNotice>) -> Result<(), ApprovalError> {
        let mut done = Vec::new();
        for notice in notices {
            let id = notice.id;
            if self.ids.contains(&id) {
                continue; // Its delivery is still under way here; the claim has just been prolonged.
            }
            let mut delivery = deliver(Arc::clone(self.core), notice, self.claim.owner).boxed();
            if let Some(settlement) = (&mut delivery).now_or_never() {
                done.push(settlement);
            } else {
                self.ids.insert(id);
                self.under_way.push(delivery);
            }
        }
        if !done.is_empty() {
            self.core.store.settle_notices(done).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, settlement: NoticeSettlement) {
        self.ids.remove(&settlement.id);
        if let Err(error) = self.core.store.settle_notices(vec![settlement]).await {
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

async fn deliver(core: Arc<Core>, row: OutboxNotice, owner: ExecutorId) -> NoticeSettlement {
    let (request, id) = (row.request, row.id);
    let delivery = match try_deliver(&core, row).await {
        Ok(delivery) => delivery,
        Err(error) => {
            tracing::error!(%error, notice = %id, "a notice could not be prepared; it is tried again");
            Delivery::Waiting { attempts: 0, next_at: after(core.clock.now(), FIRST_RETRY) }
        }
    };
    NoticeSettlement { request, id, owner, delivery }
}

async fn try_deliver(core: &Core, row: OutboxNotice) -> Result<Delivery, ApprovalError> {
    let Some((_, notifier)) = core.notifiers.iter().find(|(name, _)| *name == row.channel) else {
        return Ok(Delivery::Failed {
            at: core.now().await?,
            why: "this process has no such channel".into(),
        });
    };
    if row.kind == NoticeKind::Closed && !notifier.capabilities().updates {
        return Ok(Delivery::Obsolete { at: core.now().await? });
    }
    // A notice tells of a change that this process may not have heard of yet. What it remembers is never older than the
    // opening of the request, but may well be older than its decision.
    let remembered = if row.kind == NoticeKind::Decide { core.cache.get(row.request) } else { None };
    let request = match remembered {
        Some(stored) => stored.request,
        None => core.load(row.request).await?.request,
    };
    let now = core.now().await?;
    if row.kind.asks() && !request.status.is_open() {
        return Ok(Delivery::Obsolete { at: now });
    }
    let attempts = match &row.delivery {
        Delivery::Waiting { attempts, .. } => *attempts,
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => 0,
    };
    let notice = shown(core, &row, request, attempts);
    let sending = async {
        if row.kind == NoticeKind::Closed {
            close(core, &**notifier, &notice).await
        } else {
            Ok(notifier.deliver(&notice).await.map(|delivered| Some(delivered.message)))
        }
    };
    // A channel that panics must not silence the others.
    let sent = match AssertUnwindSafe(sending).catch_unwind().await {
        Ok(sent) => sent?,
        Err(_) => Err(NotifyError::retry("the channel panicked")),
    };
    let now = core.now().await?;
    Ok(match sent {
        Ok(Some(message)) => Delivery::Delivered { at: now, message: message.map(|MessageRef(text)| text) },
        Ok(None) => Delivery::Obsolete { at: now },
        Err(NotifyError::Retry { why, after: wanted }) if attempts + 1 < ATTEMPTS => {
            let pause = wanted
                .and_then(|wanted: Duration| Span::try_from(wanted).ok())
                .unwrap_or_else(|| back_off(FIRST_RETRY, attempts));
            tracing::warn!(notice = %notice.id, channel = %notice.channel, %why, attempts, "a notice did not get through; it is tried again");
            Delivery::Waiting { attempts: attempts + 1, next_at: after(now, pause) }
        }
        Err(NotifyError::Retry { why, .. } | NotifyError::Permanent { why }) => {
            tracing::error!(notice = %notice.id, channel = %notice.channel, to = %notice.to, %why, "a notice is given up");
            Delivery::Failed { at: now, why: why.into() }
        }
    })
}

fn shown(core: &Core, row: &OutboxNotice, request: Arc<Request>, attempts: u32) -> Notice {
    let notice =
        Notice::new(row.id, row.kind, row.to.clone(), Arc::clone(&row.channel), request, row.created_at)
            .after_attempts(attempts);
    if row.kind.asks() { notice.with_token_key(core.settings.token_key.clone()) } else { notice }
}

/// Brings the earlier messages to the same receiver up to date. `None` if there are none: nothing is to be said to somebody
/// who was never told.
async fn close(
    core: &Core,
    notifier: &dyn Notifier,
    notice: &Notice,
) -> Result<Result<Option<Option<MessageRef>>, NotifyError>, ApprovalError> {
    let earlier = core.store.notices(notice.request.id).await?;
    let mut any = false;
    for row in
        earlier.iter().filter(|row| row.to == notice.to && row.channel == notice.channel && row.kind.asks())
    {
        match &row.delivery {
            Delivery::Delivered { message: Some(message), .. } => {
                if let Err(error) = notifier.update(&MessageRef(Arc::clone(message)), notice).await {
                    return Ok(Err(error));
                }
                any = true;
            }
            // It is under way, or about to be dropped: come back once that is known.
            Delivery::Waiting { .. } if !row_is_dead(core, row).await? => {
                return Ok(Err(NotifyError::Retry {
                    why: "an earlier message is still under way".to_owned(),
                    after: Some(Duration::from_millis(200)),
                }));
            }
            Delivery::Delivered { .. }
            | Delivery::Waiting { .. }
            | Delivery::Failed { .. }
            | Delivery::Obsolete { .. } => {}
        }
    }
    Ok(Ok(any.then_some(None)))
}

/// Whether a waiting notice will not be delivered any more, because its request is decided and nobody is at it.
async fn row_is_dead(core: &Core, row: &OutboxNotice) -> Result<bool, ApprovalError> {
    let Delivery::Waiting { next_at, .. } = &row.delivery else { return Ok(true) };
    let now = core.now().await?;
    Ok(*next_at > now && !core.load(row.request).await?.request.status.is_open())
}
