//! Which channels carry what to whom.

use std::sync::Arc;

use super::{Notifier, timing};
use crate::{
    clock::Timestamp,
    directory::{Directory, Reach},
    id::NoticeId,
    model::{Delivery, NoticeDraft, NoticeKind, OutboxNotice, Request, Text},
};

/// Turns the notices that a transition asks for into rows of the outbox: one for every channel that the receiver wants and that
/// reaches them; for a receiver without a preference, for every channel that reaches them. They are delivered when the
/// receiver wants it.
pub(crate) async fn route(
    drafts: &[NoticeDraft],
    request: &Request,
    notifiers: &[(Text, Arc<dyn Notifier>)],
    directory: &dyn Directory,
    now: Timestamp,
) -> Vec<OutboxNotice> {
    let mut rows = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if notifiers.is_empty() {
            break;
        }
        if !notifiers.iter().any(|(_, one)| one.reaches(&draft.to)) {
            continue;
        }
        let earliest = timing::earliest(draft, now);
        let reach = directory.reach(&draft.to, request.priority, earliest).await.unwrap_or_else(|error| {
            tracing::warn!(to = %draft.to, %error, "the directory does not say how to reach a person; using every channel at once");
            Reach::default()
        });
        let next_at = timing::deliver_at(draft, request, &reach, now);
        let preferred = reach.channels;
        // A channel that cannot bring a message up to date has nothing to say when the matter is closed.
        let useful =
            |notifier: &dyn Notifier| draft.kind != NoticeKind::Closed || notifier.capabilities().updates;
        let reaching = || notifiers.iter().filter(|(_, one)| one.reaches(&draft.to));
        // Where none of the wanted channels is there, any is better than none; an empty list is meant so.
        let preferred =
            preferred.filter(|wanted| wanted.is_empty() || reaching().any(|(name, _)| wanted.contains(name)));
        let chosen = reaching()
            .filter(|(_, one)| useful(&**one))
            .filter(|(name, _)| preferred.as_ref().is_none_or(|wanted| wanted.contains(name)));
        rows.extend(chosen.map(|(name, _)| OutboxNotice {
            id: NoticeId::generate(now),
            request: request.id,
            kind: draft.kind,
            to: draft.to.clone(),
            channel: Arc::clone(name),
            created_at: now,
            delivery: Delivery::Waiting { attempts: 0, next_at },
        }));
    }
    rows
}
