//! Making a gate stricter by another.

use std::collections::BTreeSet;

use super::edit::covers;
use crate::model::{
    DelegationRule, Editable, EscalationStage, Gate, OnTimeout, OutsideHours, Principal, Requirement,
    canonical::FieldPath,
};

/// What both gates ask for: never looser than `gate` in anything.
///
/// - Requirements of `by` are added. One about the same principals as one of `gate` is not added a second time: the higher
///   count holds. Stages of escalation that widen an added requirement come along.
/// - The stricter of each: the shorter times, the smaller veto, `reject` before `escalate` before `approve` on timeout,
///   approval of one's own requests forbidden if either forbids it and allowed at every risk only if both allow it. People whom
///   either excludes are excluded, and people whom either informs are informed; standing approvals can be given only if both let them.
/// - What may be edited and to whom may be delegated is what both allow, unless `by` says nothing of it: no editable
///   arguments, delegation as the directory permits.
/// - What happens outside working hours comes along with a requirement that is added; `gate` decides about its own, unless it
///   says nothing and `by` does not want others to be asked. Notices wait for a digest if either says so.
/// - Requirements of both are one matching; what an edit adds is another one (see [`Requirement::matching`]).
/// - The rule is that of `by`. Reject options and reminders are those of `gate`; if it has none, those of `by`.
///
/// [`Gate::only`] makes a gate that tightens nothing but the requirements.
#[must_use]
pub fn tighten(gate: &Gate, by: &Gate) -> Gate {
    let (requirements, places) = requirements(&gate.requirements, &by.requirements);
    let escalation = escalation(gate, by, &places);
    let mut on_timeout = stricter(gate.on_timeout, by.on_timeout);
    if on_timeout == OnTimeout::Escalate && escalation.is_empty() {
        on_timeout = OnTimeout::Reject;
    }
    Gate {
        rule: by.rule.clone(),
        requirements,
        excluded: union(&gate.excluded, &by.excluded),
        veto: gate.veto.min(by.veto),
        allow_self_approval: self_approval(gate.allow_self_approval, by.allow_self_approval),
        timeout: match (gate.timeout, by.timeout) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        },
        on_timeout,
        grant_ttl: gate.grant_ttl.min(by.grant_ttl),
        escalation,
        reminders: gate.reminders.or(by.reminders),
        no_standing: gate.no_standing || by.no_standing,
        join_identical: gate.join_identical || by.join_identical,
        inform: union(&gate.inform, &by.inform),
        delegation: delegation(&gate.delegation, &by.delegation),
        editable: editable(&gate.editable, &by.editable),
        digest: gate.digest || by.digest,
        declared: gate.declared.clone(),
        reject_options: if gate.reject_options.is_empty() {
            &by.reject_options
        } else {
            &gate.reject_options
        }
        .clone(),
    }
}

fn union(own: &[Principal], more: &[Principal]) -> Vec<Principal> {
    own.iter().chain(more.iter().filter(|principal| !own.contains(principal))).cloned().collect()
}

/// The requirements of both, and which of them each of `more` has become.
fn requirements(own: &[Requirement], more: &[Requirement]) -> (Vec<Requirement>, Vec<usize>) {
    let mut all = own.to_vec();
    let mut places: Vec<usize> = Vec::with_capacity(more.len());
    for requirement in more {
        // Two of `more` that name the same people ask for different ones, so they never become one.
        let same =
            all.iter().take(own.len()).enumerate().position(|(place, other)| {
                !places.contains(&place) && set(&other.of) == set(&requirement.of)
            });
        if let Some((place, other)) = same.and_then(|place| Some((place, all.get_mut(place)?))) {
            other.count = other.count.max(requirement.count);
            other.may_share &= requirement.may_share;
            // To ask others besides would let in people whom the gate does not ask.
            if let (None, Some(OutsideHours::Queue | OutsideHours::Everyone)) =
                (&other.outside_hours, &requirement.outside_hours)
            {
                other.outside_hours.clone_from(&requirement.outside_hours);
            }
            places.push(place);
        } else {
            places.push(all.len());
            all.push(requirement.clone());
        }
    }
    (all, places)
}

fn set(principals: &[Principal]) -> BTreeSet<&Principal> {
    principals.iter().collect()
}

/// Stages that `by` has for requirements that were not there before. Others would let in people whom `gate` does not ask.
fn escalation(gate: &Gate, by: &Gate, places: &[usize]) -> Vec<EscalationStage> {
    let added = by.escalation.iter().filter_map(|stage| {
        let requirement = *places.get(stage.requirement)?;
        (requirement >= gate.requirements.len()).then(|| EscalationStage { requirement, ..stage.clone() })
    });
    gate.escalation.iter().cloned().chain(added).collect()
}

pub(super) const fn stricter(one: OnTimeout, other: OnTimeout) -> OnTimeout {
    match (one, other) {
        (OnTimeout::Reject, _) | (_, OnTimeout::Reject) => OnTimeout::Reject,
        (OnTimeout::Escalate, _) | (_, OnTimeout::Escalate) => OnTimeout::Escalate,
        (OnTimeout::Approve, OnTimeout::Approve) => OnTimeout::Approve,
    }
}

/// Forbidden if either forbids it, allowed at every risk only if both allow it.
const fn self_approval(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        (Some(true), Some(true)) => Some(true),
    }
}

fn delegation(own: &DelegationRule, by: &DelegationRule) -> DelegationRule {
    match (own, by) {
        (DelegationRule::Forbidden, _) | (_, DelegationRule::Forbidden) => DelegationRule::Forbidden,
        (DelegationRule::Directory, _) => DelegationRule::Directory,
        (DelegationRule::To(_), DelegationRule::Directory) => own.clone(),
        (DelegationRule::To(own), DelegationRule::To(by)) => {
            DelegationRule::To(own.iter().filter(|principal| by.contains(principal)).cloned().collect())
        }
    }
}

fn editable(own: &[Editable], by: &[Editable]) -> Vec<Editable> {
    if by.is_empty() {
        return own.to_vec();
    }
    let within = |inner: &Editable, outer: &Editable| {
        let paths = (inner.path.parse::<FieldPath>(), outer.path.parse::<FieldPath>());
        matches!(paths, (Ok(inner), Ok(outer)) if covers(&outer, &inner))
    };
    let kept = own.iter().filter(|one| by.iter().any(|other| within(one, other)));
    let narrowed = by.iter().filter(|one| {
        own.iter().any(|other| within(one, other)) && !own.iter().any(|other| other.path == one.path)
    });
    let mut all: Vec<Editable> = Vec::new();
    for one in kept.chain(narrowed) {
        if !all.iter().any(|other| other.path == one.path) {
            all.push(one.clone());
        }
    }
    all
}
