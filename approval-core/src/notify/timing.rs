//! When a notice is delivered.

use crate::{
    clock::{Span, Timestamp, to_micros},
    directory::Reach,
    model::{NoticeDraft, Priority, Request, Timing},
};

/// What waits for a daily digest comes at least this long before the time to decide is over; what cannot comes at once.
pub(crate) const DIGEST_MARGIN: Span = Span::from_hours(1);

/// The first moment at which a notice may be delivered, whatever its receiver wishes.
pub(crate) fn earliest(draft: &NoticeDraft, now: Timestamp) -> Timestamp {
    match draft.timing {
        Timing::Usual | Timing::AtOnce => now,
        Timing::NotBefore(moment) => moment.max(now),
    }
}

/// When a notice is delivered, of which `reach` tells what its receiver wishes at the [`earliest`] moment.
///
/// Only what asks the receiver to decide waits: that something is decided is sent at once.
pub(crate) fn deliver_at(draft: &NoticeDraft, request: &Request, reach: &Reach, now: Timestamp) -> Timestamp {
    let earliest = earliest(draft, now);
    if draft.timing == Timing::AtOnce || !draft.kind.asks() {
        return earliest;
    }
    let after_quiet_hours = earliest.max(reach.quiet_until.unwrap_or(earliest));
    let in_digest = reach.in_digest || request.gate.digest && request.priority <= Priority::Medium;
    let in_time = |digest: &Timestamp| match request.deadline {
        Some(deadline) => deadline.duration_since(*digest) >= DIGEST_MARGIN,
        None => true,
    };
    let digest = reach.next_digest.filter(|_| in_digest).filter(in_time);
    // To the microsecond, as stores keep it.
    to_micros(after_quiet_hours.max(digest.unwrap_or(after_quiet_hours)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        lifecycle::{Draft, Facts, create},
        model::{
            ActionInfo, ActionName, Gate, Halts, NoticeKind, People, Principal, Requirement, Risk,
            canonical::{arguments_digest, parse_canonical},
        },
    };

    fn at(hour: i64) -> Timestamp {
        "2026-01-05T00:00:00Z".parse::<Timestamp>().unwrap() + Span::from_hours(hour)
    }

    fn request(gate: Gate, priority: Priority) -> Request {
        let arguments = parse_canonical("{}").unwrap();
        let draft = Draft {
            id: crate::RequestId::from_uuid(uuid::Uuid::from_u128(1)),
            namespace: "default".into(),
            enclosed: None,
            digest: arguments_digest("a.b", 1, None, &arguments),
            action: Arc::new(ActionInfo::new(ActionName::new("a.b").unwrap())),
            question: None,
            requester: Principal::agent("worker").unwrap(),
            on_behalf_of: None,
            run: None,
            intent: None,
            key: None,
            risk: Risk::Low,
            priority: Some(priority),
            gate: Arc::new(gate),
            arguments,
            answers_info: false,
            predecessor: None,
            allowed: false,
            declaration: None,
            basis: None,
        };
        let facts = Facts {
            people: &People::default(),
            halts: &Halts::default(),
            grant_id: crate::id::GrantId::from_uuid(uuid::Uuid::from_u128(2)),
            notice_delivered: false,
            ruling: None,
            edited: None,
            basis: None,
            limits: &[],
            counters: &[],
            standing: &[],
            standing_id: crate::id::StandingId::from_uuid(uuid::Uuid::nil()),
        };
        Arc::unwrap_or_clone(create(draft, &facts, at(0)).unwrap().request)
    }

    fn ask(timing: Timing) -> NoticeDraft {
        NoticeDraft { kind: NoticeKind::Decide, to: Principal::user("ann").unwrap(), timing }
    }

    fn gate() -> Gate {
        let timeout = Some(Span::from_hours(24));
        Gate { timeout, ..Gate::new("test", vec![Requirement::any_of([Principal::user("ann").unwrap()])]) }
    }

    #[test]
    fn quiet_hours_hold_back_what_asks_and_nothing_else() {
        let request = request(gate(), Priority::Low);
        let night = Reach { quiet_until: Some(at(7)), ..Reach::default() };
        assert_eq!(deliver_at(&ask(Timing::Usual), &request, &night, at(0)), at(7));
        assert_eq!(deliver_at(&ask(Timing::AtOnce), &request, &night, at(0)), at(0));
        assert_eq!(deliver_at(&ask(Timing::NotBefore(at(9))), &request, &night, at(0)), at(9));
        assert_eq!(deliver_at(&ask(Timing::NotBefore(at(3))), &request, &night, at(0)), at(7));
        assert_eq!(deliver_at(&ask(Timing::Usual), &request, &Reach::default(), at(0)), at(0));
        let closed = NoticeDraft { kind: NoticeKind::Closed, ..ask(Timing::Usual) };
        assert_eq!(deliver_at(&closed, &request, &night, at(0)), at(0));
    }

    #[test]
    fn what_is_not_urgent_waits_for_the_digest_if_that_leaves_time() {
        let digest = |hour| Reach { next_digest: Some(at(hour)), ..Reach::default() };
        let wanted = |hour| Reach { in_digest: true, ..digest(hour) };
        let request_of = |digest, priority| request(Gate { digest, ..gate() }, priority);
        let usual = ask(Timing::Usual);
        let plain = request_of(false, Priority::Low);
        assert_eq!(deliver_at(&usual, &plain, &digest(17), at(0)), at(0), "nobody wants it so");
        assert_eq!(deliver_at(&usual, &plain, &wanted(17), at(0)), at(17));
        assert_eq!(deliver_at(&usual, &plain, &wanted(23), at(0)), at(23), "an hour is left");
        assert_eq!(
            deliver_at(
                &usual,
                &plain,
                &Reach { next_digest: Some(at(23) + Span::from_mins(1)), ..wanted(0) },
                at(0)
            ),
            at(0)
        );
        assert_eq!(
            deliver_at(&usual, &plain, &Reach { quiet_until: Some(at(19)), ..wanted(17) }, at(0)),
            at(19)
        );
        let batch = request_of(true, Priority::Medium);
        assert_eq!(deliver_at(&usual, &batch, &digest(17), at(0)), at(17));
        assert_eq!(deliver_at(&usual, &batch, &Reach::default(), at(0)), at(0), "there is no digest");
        assert_eq!(deliver_at(&usual, &request_of(true, Priority::High), &digest(17), at(0)), at(0));
    }
}
