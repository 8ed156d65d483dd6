//! Whether a history tells what can have happened. A chain says that nothing was changed after it was written; who writes the
//! database can write a false one from the start, and a seal is put on it like on any other. What matters most is seen all the
//! same: a run that no one approved, or two runs for one approval.

use super::Breach;
use crate::{
    id::{GrantId, RequestId},
    model::{ArgumentsDigest, Event, EventKind, Outcome},
};

/// Where the telling stands.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Open,
    /// Approved. The grant is not named after a run was allowed anew.
    Approved {
        grant: Option<GrantId>,
        digest: ArgumentsDigest,
    },
    /// The grant is spent.
    Running {
        digest: ArgumentsDigest,
    },
    /// The grant is spent, and the right to run again was taken back.
    RunForGood,
    /// Decided, and nothing can run.
    Over,
}

/// Goes through the events of one request.
///
/// # Errors
/// [`Breach::Impossible`] at the first event that cannot follow.
pub(super) fn possible<'e>(
    request: RequestId,
    events: impl Iterator<Item = &'e Event>,
) -> Result<(), Breach> {
    let mut told = Told::Nothing;
    for event in events {
        told = next(told, event).map_err(|why| Breach::Impossible { request, seq: event.seq, why })?;
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else is recorded, by newer programs too, changes nothing about what may run"
)]
fn next(told: Told, event: &Event) -> Result<Told, &'static str> {
    let first = matches!(told, Told::Nothing);
    if first != matches!(event.what, EventKind::Created { .. }) {
        return Err("a history begins with the opening of the request, and has one");
    }
    match &event.what {
        EventKind::Created { .. } => Ok(Told::Open),
        EventKind::Decided { outcome, grant, .. } => match (told, outcome) {
            (Told::Open, Outcome::Approved) => Ok(Told::Approved { grant: *grant, digest: event.digest }),
            (Told::Open, _) => Ok(Told::Over),
            (
                Told::Nothing | Told::Approved { .. } | Told::Running { .. } | Told::RunForGood | Told::Over,
                _,
            ) => Err("it was decided before"),
        },
        EventKind::Consumed { grant, .. } => match told {
            Told::Approved { grant: Some(given), .. } if given != *grant => {
                Err("the grant that was spent is not the one that was given")
            }
            Told::Approved { digest, .. } if digest != event.digest => {
                Err("other arguments ran than were approved")
            }
            Told::Approved { digest, .. } => Ok(Told::Running { digest }),
            Told::Running { .. } | Told::RunForGood => Err("it ran twice for one approval"),
            Told::Nothing | Told::Open | Told::Over => Err("it ran without an approval"),
        },
        EventKind::Executed { .. } | EventKind::Settled { .. } => match told {
            Told::Running { .. } | Told::RunForGood => Ok(told),
            Told::Nothing | Told::Open | Told::Approved { .. } | Told::Over => {
                Err("a run ended that did not begin")
            }
        },
        EventKind::Reopened => match told {
            Told::Running { digest } => Ok(Told::Approved { grant: None, digest }),
            Told::RunForGood => Err("a run was allowed again after that was forbidden"),
            Told::Nothing | Told::Open | Told::Approved { .. } | Told::Over => {
                Err("a run was allowed again that did not begin")
            }
        },
        EventKind::Revoked { .. } | EventKind::GrantExpired => match (told, &event.what) {
            (Told::Approved { .. }, _) => Ok(Told::Over),
            // Of an idempotent action: it does not run again.
            (Told::Running { .. }, EventKind::Revoked { .. }) => Ok(Told::RunForGood),
            (Told::Nothing | Told::Open | Told::Running { .. } | Told::RunForGood | Told::Over, _) => {
                Err("an approval ended that was not there, or was spent")
            }
        },
        EventKind::Voted { .. } | EventKind::Edited { .. } => match told {
            Told::Open => Ok(told),
            Told::Nothing | Told::Approved { .. } | Told::Running { .. } | Told::RunForGood | Told::Over => {
                Err("a vote or an edit came after it was decided")
            }
        },
        _ => Ok(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        id::ExecutorId,
        model::{ChainHash, Principal, Risk},
    };

    fn told(story: &[EventKind]) -> Result<(), &'static str> {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let event = |(seq, what): (u64, &EventKind)| Event {
            actor: Principal::agent("worker").unwrap(),
            at,
            digest: ArgumentsDigest::from_bytes([1; 32]),
            prev: ChainHash::ZERO,
            request: RequestId::generate(at),
            seq,
            via: None,
            what: what.clone(),
        };
        let events: Vec<Event> = (1..).zip(story).map(event).collect();
        match possible(RequestId::generate(at), events.iter()) {
            Ok(()) => Ok(()),
            Err(Breach::Impossible { why, .. }) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_right_to_run_again_may_be_taken_back_and_is_gone_then() {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (grant, executor) = (GrantId::generate(at), ExecutorId::generate(at));
        let created = EventKind::Created {
            action: "a.b".into(),
            version: 1,
            risk: Risk::Low,
            rule: "test".into(),
            on_behalf_of: None,
            basis: None,
        };
        let decided = EventKind::Decided {
            outcome: Outcome::Approved,
            by: Vec::new(),
            reason: None,
            grant: Some(grant),
            unreachable: false,
        };
        let consumed = || EventKind::Consumed { grant, executor, basis: None };
        let failed = || EventKind::Executed { state: "failed".into(), why: None };
        let revoked = || EventKind::Revoked { why: "no".into() };
        let after = |more: &[EventKind]| {
            let mut story = vec![created.clone(), decided.clone(), consumed()];
            story.extend(more.iter().cloned());
            told(&story)
        };
        assert_eq!(after(&[failed(), revoked()]), Ok(()));
        assert_eq!(after(&[revoked(), failed()]), Ok(()), "while it runs");
        assert_eq!(after(&[failed(), EventKind::Reopened, consumed()]), Ok(()));
        let settled = EventKind::Settled { state: "failed".into(), note: None };
        assert_eq!(after(&[failed(), revoked(), settled]), Ok(()));
        let again = after(&[failed(), revoked(), EventKind::Reopened]);
        assert!(again.unwrap_err().contains("after that was forbidden"));
        assert!(after(&[failed(), revoked(), consumed()]).unwrap_err().contains("ran twice"));
        assert!(after(&[failed(), revoked(), revoked()]).unwrap_err().contains("an approval ended"));
        assert!(after(&[failed(), EventKind::GrantExpired]).unwrap_err().contains("an approval ended"));
        assert!(after(&[failed(), revoked(), decided.clone()]).unwrap_err().contains("decided before"));
    }
}
