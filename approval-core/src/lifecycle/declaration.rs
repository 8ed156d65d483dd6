//! Whether what the code demands today goes beyond what it demanded when a request was opened.

use std::collections::BTreeSet;

use super::tighten::stricter;
use crate::model::{
    ActionInfo, Declaration, DelegationRule, Gate, OutsideHours, Principal, Request, Risk, Said, SchemaDigest,
};

/// More requirements than this are compared as a whole.
const MOST_COMPARED: usize = 10;

/// A declaration, or what a request shows of it.
#[derive(Clone, Copy)]
struct Demands<'a> {
    version: u32,
    schema: Option<&'a SchemaDigest>,
    risk: Risk,
    gate: &'a Gate,
}

impl<'a> Demands<'a> {
    const fn of(declaration: &'a Declaration) -> Self {
        let Declaration { version, schema, risk, gate } = declaration;
        Self { version: *version, schema: schema.as_ref(), risk: *risk, gate }
    }

    fn shown_by(action: &'a ActionInfo, risk: Risk, gate: &'a Gate) -> Self {
        Self { version: action.version, schema: action.schema.as_ref(), risk, gate }
    }
}

/// What the declaration of today asks for that the request was not opened with; `None`: nothing. A request without a stored
/// declaration is judged by its gate.
#[must_use]
pub fn asks_for_more(today: &Declaration, request: &Request) -> Option<&'static str> {
    let stored = match &request.declaration {
        Some(declaration) => Demands::of(declaration),
        None => Demands::shown_by(&request.action, request.risk, &request.gate),
    };
    let today = Demands::of(today);
    if today.version != stored.version {
        return Some("another version");
    }
    if today.schema != stored.schema {
        return Some("another schema of its arguments");
    }
    beyond(today, stored, Said::ALL)
}

/// The same for a caller whose version and schema were compared before. Of the settings that have a default, those of `said`
/// alone are demands.
pub(super) fn demands_more(today: &Declaration, said: Said, request: &Request) -> Option<&'static str> {
    let stored = match &request.declaration {
        Some(declaration) => Demands::of(declaration),
        None => Demands::shown_by(&request.action, request.risk, &request.gate),
    };
    beyond(Demands::of(today), stored, said)
}

/// Whether the gate of a request shows all that a declaration demands, so that it need not be stored besides.
pub(super) fn is_shown_by(declaration: &Declaration, action: &ActionInfo, risk: Risk, gate: &Gate) -> bool {
    let (one, other) = (Demands::of(declaration), Demands::shown_by(action, risk, gate));
    one.version == other.version
        && one.schema == other.schema
        && beyond(one, other, Said::ALL).is_none()
        && beyond(other, one, Said::ALL).is_none()
}

fn beyond(today: Demands<'_>, stored: Demands<'_>, said: Said) -> Option<&'static str> {
    let (now, then) = (today.gate, stored.gate);
    let checks = [
        (said.risk && today.risk > stored.risk, "a higher risk"),
        (!requirements(now, then), "other approvers"),
        (!now.excluded.iter().all(|one| then.excluded.contains(one)), "more excluded people"),
        (said.veto && now.veto < then.veto, "a lower veto"),
        (
            said.self_approval && own_request(stored) && !own_request(today),
            "no approval of one's own request",
        ),
        (
            said.on_timeout && stricter(now.on_timeout, then.on_timeout) != then.on_timeout,
            "a stricter end of its time",
        ),
        (said.delegation && !delegation(&now.delegation, &then.delegation), "a narrower delegation"),
        (now.no_standing && !then.no_standing, "no standing approval"),
    ];
    checks.into_iter().find_map(|(more, what)| more.then_some(what))
}

/// Whether the person behind a call may approve it.
fn own_request(demands: Demands<'_>) -> bool {
    demands.gate.allow_self_approval.unwrap_or(demands.risk < Risk::High)
}

/// Whether votes that met the requirements of then meet those of now, whichever people cast them.
fn requirements(now: &Gate, then: &Gate) -> bool {
    if now.requirements == then.requirements && now.escalation == then.escalation {
        return true;
    }
    if now.requirements.len() > MOST_COMPARED {
        return false;
    }
    let needed = seats(now);
    let given = seats(then);
    // Which of the requirements of now each one of then can fill seats of. A person who may share a seat then could be
    // the same as in another seat, so such a requirement fills only one that it fills alone.
    let fills: Vec<(u64, Vec<bool>)> = given
        .iter()
        .map(|one| {
            let fits = |other: &Seats<'_>| {
                one.people.is_subset(&other.people)
                    && (!one.may_share || other.may_share && one.count >= other.count)
            };
            (one.count, needed.iter().map(fits).collect())
        })
        .collect();
    // Seats can be given out exactly if no set of requirements needs more than those that fit any of it have (Hall).
    (1_u32..1 << needed.len()).all(|set| {
        let within = |place: usize| set & (1 << place) != 0;
        let needs: u64 =
            needed.iter().enumerate().filter(|(place, _)| within(*place)).map(|(_, one)| one.count).sum();
        let has: u64 = fills
            .iter()
            .filter(|(_, fits)| fits.iter().enumerate().any(|(place, fits)| *fits && within(place)))
            .map(|(count, _)| count)
            .sum();
        needs <= has
    })
}

/// A requirement, with all who may come to fill its seats.
struct Seats<'a> {
    count: u64,
    people: BTreeSet<&'a Principal>,
    may_share: bool,
}

fn seats(gate: &Gate) -> Vec<Seats<'_>> {
    // Those of a rule for edited arguments are matched by themselves, and the same person may fill seats of both.
    let own = gate.requirements.iter().enumerate().filter(|(_, requirement)| requirement.matching == 0);
    let seats = own.map(|(place, requirement)| {
        let on_call = match &requirement.outside_hours {
            Some(OutsideHours::OnCall(to)) => to.as_slice(),
            Some(OutsideHours::Queue | OutsideHours::Everyone) | None => &[],
        };
        let stages = gate.escalation.iter().filter(|stage| stage.requirement == place);
        let people = requirement.of.iter().chain(on_call).chain(stages.flat_map(|stage| &stage.to));
        Seats {
            count: u64::from(requirement.count),
            people: people.collect(),
            may_share: requirement.may_share,
        }
    });
    seats.collect()
}

/// Whether every delegate of then may be one now.
fn delegation(now: &DelegationRule, then: &DelegationRule) -> bool {
    match (now, then) {
        (_, DelegationRule::Forbidden)
        | (DelegationRule::Directory | DelegationRule::To(_), DelegationRule::Directory) => true,
        (DelegationRule::Forbidden, _) => false,
        (DelegationRule::Directory, DelegationRule::To(then)) => then.is_empty(),
        (DelegationRule::To(now), DelegationRule::To(then)) => then.iter().all(|one| now.contains(one)),
    }
}
