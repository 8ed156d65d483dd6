//! Whether a history tells what can have happened. A chain says that nothing was changed after it was written; who writes the
//! database can write a false one from the start, and a seal is put on it like on any other. What matters most is seen all the
//! same: a run that nobody approved, or two runs for one approval.

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
    reason = "what else is told, by newer programs too, changes nothing about what may run"
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
            (Told::Nothing | Told::Approved { .. } | Told::Running { .. } | Told::Over, _) => {
                Err("it was decided before")
            }
        },
        EventKind::Consumed { grant, .. } => match told {
            Told::Approved { grant: Some(given), .. } if given != *grant => {
                Err("the grant that was spent is not the one that was given")
            }
            Told::Approved { digest, .. } if digest != event.digest => {
                Err("other arguments ran than were approved")
            }
            Told::Approved { digest, .. } => Ok(Told::Running { digest }),
            Told::Running { .. } => Err("it ran twice for one approval"),
            Told::Nothing | Told::Open | Told::Over => Err("it ran without an approval"),
        },
        EventKind::Executed { .. } | EventKind::Settled { .. } => match told {
            Told::Running { .. } => Ok(told),
            Told::Nothing | Told::Open | Told::Approved { .. } | Told::Over => {
                Err("a run ended that did not begin")
            }
        },
        EventKind::Reopened => match told {
            Told::Running { digest } => Ok(Told::Approved { grant: None, digest }),
            Told::Nothing | Told::Open | Told::Approved { .. } | Told::Over => {
                Err("a run was allowed again that did not begin")
            }
        },
        EventKind::Revoked { .. } | EventKind::GrantExpired => match told {
            Told::Approved { .. } => Ok(Told::Over),
            Told::Nothing | Told::Open | Told::Running { .. } | Told::Over => {
                Err("an approval ended that was not there, or was spent")
            }
        },
        EventKind::Voted { .. } | EventKind::Edited { .. } => match told {
            Told::Open => Ok(told),
            Told::Nothing | Told::Approved { .. } | Told::Running { .. } | Told::Over => {
                Err("a vote or an edit came after it was decided")
            }
        },
        _ => Ok(told),
    }
}
