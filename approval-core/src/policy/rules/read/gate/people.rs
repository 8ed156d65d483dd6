//! Who is asked, notified or excluded.

use std::collections::BTreeSet;

use super::PARTS_LIMIT;
use crate::{
    model::{DelegationRule, OutsideHours, Principal, PrincipalKind, Requirement},
    yaml::{Fields, Item, LIST_LIMIT},
};

/// One or more people and groups, each once.
pub(in super::super) fn people(item: &Item<'_>) -> Vec<Principal> {
    let items = item.up_to(LIST_LIMIT, "name a group of them: see `directory.groups`");
    if items.is_empty() {
        item.wrong_with(
            "names no person",
            "name people or groups, as in [user:ann@example.com, group:finance]",
        );
    }
    let mut people: Vec<Principal> = Vec::new();
    let mut seen: BTreeSet<Principal> = BTreeSet::new();
    for item in items {
        let Some(principal) = item.parse::<Principal>() else { continue };
        match principal.kind() {
            PrincipalKind::User | PrincipalKind::Group | PrincipalKind::OnCall | PrincipalKind::Role => {}
            PrincipalKind::Agent | PrincipalKind::Service => {
                item.wrong_with(
                    format!("{principal} is neither a person nor a group of people"),
                    "name user:…, group:…, on_call:… or role:…; agents and services never vote",
                );
                continue;
            }
        }
        if seen.insert(principal.clone()) {
            people.push(principal);
        } else {
            item.wrong(format!("{principal} stands here twice"));
        }
    }
    people
}

/// One approval by any of these.
pub(super) fn any_of(item: &Item<'_>) -> Option<Vec<Requirement>> {
    let people = people(item);
    (!people.is_empty()).then(|| vec![Requirement::any_of(people)])
}

/// `approvers` or `require`.
pub(in super::super) fn requirements<'a>(
    fields: &Fields<'a>,
    look_up: super::LookUp<'a>,
) -> Vec<Requirement> {
    let approvers = fields.optional("approvers");
    let outside = look_up(fields, "outside_hours");
    let outside_hours = outside.as_ref().and_then(outside_hours);
    let Some(require) = fields.optional("require") else {
        if let Some(item) = outside.filter(|_| approvers.is_none()) {
            item.wrong_with("is about no person", "name `approvers` beside it");
        }
        let mut of = approvers.and_then(|item| any_of(&item)).unwrap_or_default();
        for requirement in &mut of {
            requirement.outside_hours.clone_from(&outside_hours);
        }
        return of;
    };
    if let Some(item) = outside {
        item.wrong_with(
            "stands beside `require`",
            "say it in each requirement: {count: 1, of: …, outside_hours: queue}",
        );
    }
    if let Some(key) = fields.key("require").filter(|_| approvers.is_some()) {
        key.wrong_with(
            "stands beside `approvers`",
            "say all in `require`: [{count: 1, of: …}, {count: 2, of: …}]",
        );
        return Vec::new();
    }
    let items = if require.is_map() {
        vec![require.clone()]
    } else {
        require
            .list_up_to(PARTS_LIMIT, "ask more of one list of people, as in {count: 3, of: …}")
            .unwrap_or_default()
    };
    if items.is_empty() && require.is_list() {
        require.wrong_with("requires nothing", "write {count: 2, of: [group:finance]}");
    }
    items.iter().filter_map(requirement).collect()
}

fn requirement(item: &Item<'_>) -> Option<Requirement> {
    let fields = item.map(&["count", "of", "may_share", "outside_hours"])?;
    let count = fields.optional("count").map_or(Some(1), |item| item.whole(1..=1000));
    let of = fields.required("of").map(|item| people(&item)).unwrap_or_default();
    let may_share = fields.optional("may_share").and_then(|item| item.bool()).unwrap_or_default();
    let outside_hours = fields.optional("outside_hours").and_then(|item| outside_hours(&item));
    let count = count?;
    let named: BTreeSet<&Principal> = of.iter().collect();
    if !of.is_empty()
        && of.iter().all(Principal::is_person)
        && named.len() < usize::try_from(count).unwrap_or(usize::MAX)
    {
        fields.optional("count").unwrap_or_else(|| item.clone()).wrong_with(
            format!("asks for {count} of {} people", named.len()),
            "name more people, or ask for fewer",
        );
        return None;
    }
    (!of.is_empty()).then_some(Requirement { may_share, outside_hours, ..Requirement::at_least(count, of) })
}

/// `queue`, `everyone`, or who is asked then.
fn outside_hours(item: &Item<'_>) -> Option<OutsideHours> {
    if item.is_list() || item.text()?.contains(':') {
        let to = people(item);
        return (!to.is_empty()).then_some(OutsideHours::OnCall(to));
    }
    let queue = item.choice(&[("queue", true), ("everyone", false)])?;
    Some(if queue { OutsideHours::Queue } else { OutsideHours::Everyone })
}

/// `directory`, `forbidden`, or to whom.
pub(super) fn delegation(item: &Item<'_>) -> Option<DelegationRule> {
    if item.is_list() || item.text()?.contains(':') {
        let to = people(item);
        return (!to.is_empty()).then_some(DelegationRule::To(to));
    }
    let word = item.choice(&[("directory", true), ("forbidden", false)])?;
    Some(if word { DelegationRule::Directory } else { DelegationRule::Forbidden })
}
