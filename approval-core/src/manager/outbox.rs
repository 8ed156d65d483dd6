//! Delivers the notices of the outbox: repeats what failed, with back-off, and drops what nobody needs any more.

use std::{collections::HashSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::{ExecutorId, NoticeId},
    model::{Delivery, NoticeKind, OutboxNotice, Request},
    notify::{MessageRef, Notice, Notifier, NotifyError},
    store::{ClaimedNotice, NoticeClaim, NoticeSettlement},
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
        owner: ExecutorId::generate(core.clock.now()),
        channels: core.notifiers.iter().map(|(name, _)| Arc::clone(name)).collect(),
        lease: LEASE,
        limit: BATCH,
    };
    if claim.channels.is_empty() {
        return;
    }
    let mut under_way = FuturesUnordered::new();
    let mut ids: HashSet<NoticeId> = HashSet::new();
    let mut failures = 0;
    while !core.stop.is_stopped() {
        core.outbox_bell.disarm();
        let wake = match turn(&core, &claim, &mut ids).await {
            Ok((slow, next)) => {
                failures = 0;
                under_way.extend(slow);
                let nap = after(core.clock.now(), LONGEST_NAP);
                next.map_or(nap, |next| next.min(nap))
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, failures, "the outbox could not be read or written; it is tried again");
                after(core.clock.now(), back_off(Span::from_millis(500), failures))
            }
        };
        let full = under_way.len() >= UNDER_WAY;
        if wake <= core.clock.now() && !full {
            // Others may run between two turns.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            Some(settlement) = under_way.next(), if !under_way.is_empty() => finish(&core, settlement, &mut ids).await,
            () = core.clock.sleep_until(wake), if !full => {}
            () = core.outbox_bell.rung(), if !full => {}
            () = core.stop.stopped() => {}
        }
    }
}

async fn finish(core: &Core, settlement: NoticeSettlement, ids: &mut HashSet<NoticeId>) {
    ids.remove(&settlement.id);
    if let Err(error) = core.store.settle_notices(vec![settlement]).await {
        tracing::error!(%error, "it could not be noted what became of a notice; it will be delivered again");
    }
}

type Slow = futures_util::future::BoxFuture<'static, NoticeSettlement>;

/// Claims what waits and begins to deliver it. What is done at once is settled together; the rest is returned.
async fn turn(
    core: &Arc<Core>,
    claim: &NoticeClaim,
    ids: &mut HashSet<NoticeId>,
) -> Result<(Vec<Slow>, Option<Timestamp>), ApprovalError> {
    let claimed = core.store.claim_notices(claim).await?;
    let mut done = Vec::with_capacity(claimed.notices.len());
    let mut slow: Vec<Slow> = Vec::new();
    for ClaimedNotice { notice, .. } in claimed.notices {
        if !ids.insert(notice.id) {
            continue; // Its delivery is still under way here; the claim has just been prolonged.
        }
        let id = notice.id;
        let mut delivery = deliver(Arc::clone(core), notice, claim.owner).boxed();
        match (&mut delivery).now_or_never() {
            Some(settlement) => {
                ids.remove(&id);
                done.push(settlement);
            }
            None => slow.push(delivery),
        }
    }
    if !done.is_empty() {
        core.store.settle_notices(done).await?;
    }
    Ok((slow, core.by_own_clock(claimed.next).await?))
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
            at: core.store.now().await?,
            why: "this process has no such channel".into(),
        });
    };
    if row.kind == NoticeKind::Closed && !notifier.capabilities().updates {
        return Ok(Delivery::Obsolete { at: core.store.now().await? });
    }
    // A notice tells of a change that this process may not have heard of yet. What it remembers is never older than the
    // opening of the request, but may well be older than its decision.
    let remembered = if row.kind == NoticeKind::Decide { core.cache.get(row.request) } else { None };
    let request = match remembered {
        Some(stored) => stored.request,
        None => core.load(row.request).await?.request,
    };
    let now = core.store.now().await?;
    if row.kind.asks() && !request.status.is_open() {
        return Ok(Delivery::Obsolete { at: now });
    }
    let attempts = match &row.delivery {
        Delivery::Waiting { attempts, .. } => *attempts,
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => 0,
    };
    let notice = shown(core, &row, request, attempts)?;
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
    let now = core.store.now().await?;
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

fn shown(
    core: &Core,
    row: &OutboxNotice,
    request: Arc<Request>,
    attempts: u32,
) -> Result<Notice, ApprovalError> {
    let token = row
        .kind
        .asks()
        .then(|| core.settings.token_key.issue(row.request, &row.to, request.revision.digest))
        .transpose()?;
    let notice =
        Notice::new(row.id, row.kind, row.to.clone(), Arc::clone(&row.channel), request, row.created_at)
            .after_attempts(attempts);
    Ok(match token {
        Some(token) => notice.with_token(token),
        None => notice,
    })
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
    let now = core.store.now().await?;
    Ok(*next_at > now && !core.load(row.request).await?.request.status.is_open())
}
