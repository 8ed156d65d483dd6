//! How long people have, and what happens meanwhile and then.

use super::{super::super::part::Timeout, PARTS_LIMIT, people};
use crate::{
    clock::Span,
    model::{EscalationStage, OnTimeout, Priority, Reminders, Requirement},
    yaml::{Item, show_duration},
};

/// `15m` or `never`.
pub(super) fn timeout(item: &Item<'_>) -> Option<Timeout> {
    if item.text()? == "never" { Some(Timeout::Never) } else { item.positive_duration().map(Timeout::After) }
}

/// What happens when time is up.
pub(in super::super) fn on_timeout(item: &Item<'_>) -> Option<OnTimeout> {
    item.choice(&[
        ("reject", OnTimeout::Reject),
        ("stop", OnTimeout::Reject),
        ("escalate", OnTimeout::Escalate),
        ("approve", OnTimeout::Approve),
    ])
}

/// Notes what comes only after people's time is up.
fn too_late(item: &Item<'_>, after: Span, timeout: Option<Timeout>) {
    if let Some(Timeout::After(end)) = timeout
        && after >= end
    {
        item.wrong_with(
            format!("comes after {}, when the time of {} is up", show_duration(after), show_duration(end)),
            "give it a shorter one",
        );
    }
}

/// `reminders: {every: 5m, at_most: 3}`.
pub(super) fn reminders(item: &Item<'_>, timeout: Option<Timeout>) -> Option<Reminders> {
    let fields = item.map(&["every", "at_most"])?;
    let every = fields.required("every").and_then(|every| {
        let span = every.positive_duration()?;
        too_late(&every, span, timeout);
        Some(span)
    });
    let at_most = fields.optional("at_most").map_or(Some(3), |item| item.whole(1..=100));
    Some(Reminders { every: every?, at_most: at_most? })
}

/// One stage or several.
pub(super) fn escalation(
    item: &Item<'_>,
    requirements: &[Requirement],
    timeout: Option<Timeout>,
) -> Vec<EscalationStage> {
    if requirements.is_empty() {
        item.wrong_with(
            "widens nothing, since the rule names no approvers",
            "name `approvers` here: what an action itself asks for, a rule cannot widen",
        );
    }
    let stages = if item.is_map() {
        vec![item.clone()]
    } else {
        item.list_up_to(PARTS_LIMIT, "widen by groups, in fewer stages").unwrap_or_default()
    };
    if stages.is_empty() && item.is_list() {
        item.wrong_with("has no stage", "write {after: 10m, to: group:oncall}");
    }
    stages.iter().filter_map(|stage| escalation_stage(stage, requirements, timeout)).collect()
}

fn escalation_stage(
    item: &Item<'_>,
    requirements: &[Requirement],
    timeout: Option<Timeout>,
) -> Option<EscalationStage> {
    let fields = item.map(&["after", "to", "requirement", "priority"])?;
    let after = fields.required("after").and_then(|after| {
        let span = after.duration()?;
        too_late(&after, span, timeout);
        Some(span)
    });
    let to = fields.required("to").map(|item| people(&item)).unwrap_or_default();
    let requirement = fields.optional("requirement").map_or(Some(0), |number| {
        let count = u32::try_from(requirements.len()).unwrap_or(u32::MAX);
        let index = number.whole(0..=count.saturating_sub(1));
        index.and_then(|index| usize::try_from(index).ok())
    });
    let priority = fields.optional("priority").map_or(Some(None), |item| item.parse::<Priority>().map(Some));
    let stage = EscalationStage { after: after?, requirement: requirement?, to, priority: priority? };
    (!stage.to.is_empty()).then_some(stage)
}
