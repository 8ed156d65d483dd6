//! Carries notices of the outbox to their channels: one by one, or several that waited in one message.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;

use super::{Core, runtime::back_off};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, Timestamp, after},
    id::ExecutorId,
    model::{Delivery, NoticeKind, OutboxNotice, Request, Text},
    notify::{Delivered, MessageRef, Notice, Notifier, NotifyError},
    store::NoticeSettlement,
};

/// The first repetition comes after this time, then twice as long each time, up to a minute.
const FIRST_RETRY: Span = Span::from_secs(1);
/// Attempts before a notice is given up.
const ATTEMPTS: u32 = 20;

type Channels = [(Text, Arc<dyn Notifier>)];

/// A notice that is about to be delivered.
struct Ready {
    row: OutboxNotice,
    notice: Notice,
}

/// What became of a notice: the message outside, or why it did not get through. `None`: nothing was to be said.
type Sent = Result<Option<Delivered>, NotifyError>;

/// Whether a notice waited for the end of quiet hours or for a digest, and was not tried yet.
fn was_held_back(row: &OutboxNotice) -> bool {
    matches!(row.delivery, Delivery::Waiting { attempts: 0, next_at } if next_at > row.created_at)
}

/// Notices that are delivered together: what waited for one person on one channel, if the channel can tell several in one
/// message; each of the others alone. In their order.
pub(super) fn bundles(channels: &Channels, rows: Vec<OutboxNotice>) -> Vec<Vec<OutboxNotice>> {
    let digests = |row: &OutboxNotice| {
        let channel = channels.iter().find(|(name, _)| *name == row.channel);
        row.kind.asks() && was_held_back(row) && channel.is_some_and(|(_, one)| one.capabilities().digests)
    };
    let mut bundles: Vec<Vec<OutboxNotice>> = Vec::with_capacity(rows.len());
    for row in rows {
        let same = |bundle: &&mut Vec<OutboxNotice>| {
            bundle.first().is_some_and(|first| {
                first.to == row.to
                    && first.channel == row.channel
                    && was_held_back(first)
                    && first.kind.asks()
            })
        };
        match if digests(&row) { bundles.iter_mut().find(same) } else { None } {
            Some(bundle) => bundle.push(row),
            None => bundles.push(vec![row]),
        }
    }
    bundles
}

/// Delivers notices to one receiver through one channel.
pub(super) async fn deliver(
    core: Arc<Core>,
    rows: Vec<OutboxNotice>,
    owner: ExecutorId,
) -> Vec<NoticeSettlement> {
    let mut settlements = Vec::with_capacity(rows.len());
    let settle =
        |row: &OutboxNotice, delivery| NoticeSettlement { request: row.request, id: row.id, owner, delivery };
    let mut ready: Vec<Ready> = Vec::with_capacity(rows.len());
    for row in rows {
        match prepare(&core, &row).await {
            Ok(Ok(notice)) => ready.push(Ready { row, notice }),
            Ok(Err(delivery)) => settlements.push(settle(&row, delivery)),
            Err(error) => settlements.push(settle(&row, unprepared(&core, &row, &error))),
        }
    }
    let sent = send(&core, &ready).await;
    for (one, sent) in ready.iter().zip(sent) {
        let delivery = match sent {
            Ok(sent) => outcome(&core, &one.notice, sent).await,
            Err(error) => Err(error),
        };
        settlements
            .push(settle(&one.row, delivery.unwrap_or_else(|error| unprepared(&core, &one.row, &error))));
    }
    settlements
}

/// A notice of which nothing could be found out.
fn unprepared(core: &Core, row: &OutboxNotice, error: &ApprovalError) -> Delivery {
    tracing::error!(%error, notice = %row.id, "a notice could not be prepared; it is tried again");
    Delivery::Waiting { attempts: 0, next_at: after(core.clock.now(), FIRST_RETRY) }
}

/// The notice as its receiver is shown it; or how it stands, if nothing is to be said.
async fn prepare(core: &Core, row: &OutboxNotice) -> Result<Result<Notice, Delivery>, ApprovalError> {
    let Some(notifier) = channel(core, row) else {
        let why = "this process has no such channel".into();
        return Ok(Err(Delivery::Failed { at: core.now().await?, why }));
    };
    if row.kind == NoticeKind::Closed && !notifier.capabilities().updates {
        return Ok(Err(Delivery::Obsolete { at: core.now().await? }));
    }
    // A notice tells of a change that this process may not have heard of yet. What it remembers is never older than the
    // opening of the request, but may well be older than its decision.
    let remembered = if row.kind == NoticeKind::Decide { core.cache.get(row.request) } else { None };
    let request = match remembered {
        Some(stored) => stored.request,
        None => core.load(row.request).await?.request,
    };
    if row.kind.asks() && (!request.status.is_open() || is_superseded(core, row).await?) {
        return Ok(Err(Delivery::Obsolete { at: core.now().await? }));
    }
    Ok(Ok(shown(core, row, request, attempts(row))))
}

fn channel<'a>(core: &'a Core, row: &OutboxNotice) -> Option<&'a dyn Notifier> {
    core.notifiers.iter().find(|(name, _)| *name == row.channel).map(|(_, notifier)| &**notifier)
}

fn attempts(row: &OutboxNotice) -> u32 {
    match &row.delivery {
        Delivery::Waiting { attempts, .. } => *attempts,
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => 0,
    }
}

/// Whether a notice that was held back has been overtaken: of several about one request that wait together, and of what was
/// said meanwhile, only the newest is worth a message.
async fn is_superseded(core: &Core, row: &OutboxNotice) -> Result<bool, ApprovalError> {
    let Delivery::Waiting { next_at: due, .. } = row.delivery else { return Ok(false) };
    if !was_held_back(row) {
        return Ok(false);
    }
    let newer = |other: &OutboxNotice| {
        other.kind.asks()
            && other.to == row.to
            && other.channel == row.channel
            && (other.created_at, other.id) > (row.created_at, row.id)
            && match other.delivery {
                Delivery::Waiting { next_at, .. } => next_at <= due,
                Delivery::Delivered { .. } => true,
                Delivery::Failed { .. } | Delivery::Obsolete { .. } => false,
            }
    };
    Ok(core.store.notices(row.request).await?.iter().any(newer))
}

/// Hands notices to their channel; a channel that panics must not silence the others.
async fn send(core: &Core, ready: &[Ready]) -> Vec<Result<Sent, ApprovalError>> {
    let panicked = || NotifyError::retry("the channel panicked");
    match ready {
        [] => Vec::new(),
        [one] => {
            let Some(notifier) = channel(core, &one.row) else { return Vec::new() };
            let sending = async {
                if one.row.kind == NoticeKind::Closed {
                    close(core, notifier, &one.notice).await
                } else {
                    Ok(notifier.deliver(&one.notice).await.map(Some))
                }
            };
            vec![AssertUnwindSafe(sending).catch_unwind().await.unwrap_or_else(|_| Ok(Err(panicked())))]
        }
        [first, ..] => {
            let Some(notifier) = channel(core, &first.row) else { return Vec::new() };
            let notices: Vec<Notice> = ready.iter().map(|one| one.notice.clone()).collect();
            let sending = AssertUnwindSafe(notifier.deliver_digest(&notices)).catch_unwind();
            let mut sent = sending.await.unwrap_or_default().into_iter();
            // Of what the channel says nothing, it is not known whether it got through.
            ready.iter().map(|_| Ok(sent.next().unwrap_or_else(|| Err(panicked())).map(Some))).collect()
        }
    }
}

/// How a notice stands after an attempt.
async fn outcome(core: &Core, notice: &Notice, sent: Sent) -> Result<Delivery, ApprovalError> {
    let now: Timestamp = core.now().await?;
    let attempts = notice.attempts;
    Ok(match sent {
        Ok(Some(Delivered { message })) => {
            Delivery::Delivered { at: now, message: message.map(|MessageRef(text)| text) }
        }
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

/// Brings the earlier messages to the same receiver up to date. `None` if there are none: nothing is to be said to a person
/// who was never notified.
async fn close(core: &Core, notifier: &dyn Notifier, notice: &Notice) -> Result<Sent, ApprovalError> {
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
    Ok(Ok(any.then(Delivered::default)))
}

/// Whether a waiting notice will not be delivered any more, because its request is decided and no worker is at it.
async fn row_is_dead(core: &Core, row: &OutboxNotice) -> Result<bool, ApprovalError> {
    let Delivery::Waiting { next_at, .. } = &row.delivery else { return Ok(true) };
    let now = core.now().await?;
    Ok(*next_at > now && !core.load(row.request).await?.request.status.is_open())
}
