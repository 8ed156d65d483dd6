//! Reading groups and roles, to whom people may hand a seat on, and what channels call them.

use std::collections::BTreeSet;

use super::{
    Roster,
    groups::{self, MEMBERSHIPS_LIMIT, Unusable, Written},
    read::Reading,
    read_person::many,
};
use crate::{
    model::{Principal, PrincipalKind},
    yaml::{Entry, Fields, Item},
};

/// A principal of this kind, with or without the kind in front: `finance` and `group:finance` are the same group.
pub(super) fn name(item: &Item<'_>, kind: PrincipalKind) -> Option<Principal> {
    let prefix = format!("{}:", kind.as_str());
    item.read("a name", |text| {
        let whole = if text.contains(':') { text.to_owned() } else { format!("{prefix}{text}") };
        let read = Principal::new(&whole)?;
        if read.kind() == kind {
            Ok(read)
        } else {
            Err(crate::error::Invalid::new("name", text, "is of another kind")
                .hint(format!("write {prefix}…, or the name alone")))
        }
    })
}

pub(super) fn read(
    fields: &Fields<'_>,
    listed: &[(Principal, Item<'_>)],
    reading: &Reading,
    roster: &mut Roster,
) {
    let groups = section(fields, "groups", PrincipalKind::Group);
    let roles = section(fields, "roles", PrincipalKind::Role);
    let names: BTreeSet<&Principal> = groups.iter().map(|(name, ..)| name).collect();
    let all = || groups.iter().chain(&roles);
    let mut written: Written = all().map(|(name, ..)| (name.clone(), Vec::new())).collect();
    for (name, ..) in &groups {
        roster.outline.note_entry("groups", name.clone());
    }
    for (name, ..) in &roles {
        roster.outline.note_entry("roles", name.clone());
    }
    // A group that is left out on purpose has no members.
    for (name, key, value) in all().filter(|(.., value)| !value.is_none()) {
        let items = value.list().unwrap_or_default();
        if value.is_list() && items.is_empty() {
            key.wrong_with(format!("{name} has no members"), "add people, or remove it");
        }
        let members = items.iter().filter_map(|item| member(item, reading, &names)).collect();
        written.insert(name.clone(), members);
    }
    for (id, item) in listed {
        person(id, item, reading, (&names, &mut written), roster);
    }
    let key = |wanted: &Principal| all().find(|(name, ..)| name == wanted).map(|(_, key, _)| key);
    match groups::resolve(&written) {
        Ok(people) => roster.groups = people,
        Err(Unusable::Circles(circles)) => {
            for way in circles {
                let names: Vec<&str> = way.iter().map(Principal::as_str).collect();
                let message = format!("groups contain each other: {}", names.join(" -> "));
                // Reported once, at the group whose name is first.
                let key = way.first().and_then(key).unwrap_or_else(|| fields.item());
                key.wrong_with(message, "take one of them out of another");
            }
        }
        Err(Unusable::TooMany(name)) => key(&name).unwrap_or_else(|| fields.item()).wrong_with(
            format!(
                "has, with the groups and roles before it, more than {MEMBERSHIPS_LIMIT} members; those of groups within groups \
                 count again"
            ),
            "name a large group where it is meant, and not within many others",
        ),
    }
}

/// The groups or roles of a section: name, where it stands, members.
type Section<'a> = Vec<(Principal, Item<'a>, Item<'a>)>;

fn section<'a>(fields: &Fields<'a>, key: &str, kind: PrincipalKind) -> Section<'a> {
    let mut all: Section<'a> = Vec::new();
    let mut names: BTreeSet<Principal> = BTreeSet::new();
    for Entry { key, value } in fields.given(key).and_then(|item| item.entries()).unwrap_or_default() {
        let Some(name) = name(&key, kind) else { continue };
        if names.insert(name.clone()) {
            all.push((name, key, value));
        } else {
            key.wrong_with(format!("{name} stands here twice"), "put all members into one entry");
        }
    }
    all
}

/// A person or a group.
fn member(item: &Item<'_>, reading: &Reading, groups: &BTreeSet<&Principal>) -> Option<Principal> {
    let text = item.text()?;
    if !text.trim_start().to_lowercase().starts_with("group:") {
        return reading.known_person(item);
    }
    let group = item.parse::<Principal>()?;
    if groups.contains(&group) {
        return Some(group);
    }
    let hint = match item.nearest(group.as_str(), groups.iter().map(|name| name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add it under `directory.groups`".to_owned(),
    };
    item.wrong_with(format!("there is no group `{group}`"), hint);
    None
}

/// What stands under a person about others: delegates, roles, and identities that no other person may have.
fn person(
    id: &Principal,
    item: &Item<'_>,
    reading: &Reading,
    (groups, written): (&BTreeSet<&Principal>, &mut Written),
    roster: &mut Roster,
) {
    for delegate in many(item, "delegates") {
        let Some(to) = member(&delegate, reading, groups) else { continue };
        if to == *id {
            delegate.wrong_with("a person cannot hand a seat on to themselves", "name another person");
        } else if let Some(person) = roster.people.get_mut(id) {
            person.delegates.insert(to);
        }
    }
    for role in many(item, "roles") {
        if let Some(role) = name(&role, PrincipalKind::Role) {
            written.entry(role).or_default().push(id.clone());
        }
    }
    let identities = roster.people.get(id).map(|person| person.identities.clone()).unwrap_or_default();
    for (channel, identity) in identities {
        let owner =
            roster.identities.entry((channel.clone(), identity.clone())).or_insert_with(|| id.clone());
        if item.document().is_full() {
            return;
        }
        if owner != id {
            let places = [many(item, &channel), many(item, "identities")].concat();
            places.first().unwrap_or(item).wrong_with(
                format!("`{identity}` is what {channel} calls {owner} already"),
                "one identity leads to one person",
            );
        }
    }
}
