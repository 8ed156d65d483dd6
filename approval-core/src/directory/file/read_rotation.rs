//! Reading who is on call.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{Roster, read::Reading, read_groups, read_time};
use crate::{
    directory::calendar::{Override, Rotation, Shift},
    model::PrincipalKind,
    yaml::{Entry, Fields, Item, LIST_LIMIT},
};

pub(super) const KEYS: [&str; 5] = ["start", "turn", "members", "time_zone", "overrides"];

pub(super) fn read(fields: &Fields<'_>, reading: &Reading, roster: &mut Roster) {
    for Entry { key, value } in fields.given("on_call").and_then(|item| item.entries()).unwrap_or_default() {
        let Some(name) = read_groups::name(&key, PrincipalKind::OnCall) else { continue };
        roster.outline.note_entry("on_call", name.clone());
        if value.is_none() {
            // Left out on purpose: no person is on call.
            roster.groups.insert(name, BTreeSet::new());
            continue;
        }
        let Some(rotation) = rotation(&value, reading) else { continue };
        if roster.rotations.insert(name.clone(), rotation).is_some() {
            key.wrong_with(format!("{name} stands here twice"), "put all members into one entry");
        }
    }
}

fn rotation(item: &Item<'_>, reading: &Reading) -> Option<Rotation> {
    let fields = item.map(&KEYS)?;
    let zone = fields.optional("time_zone").and_then(|item| read_time::zone(&item));
    let zone = zone.unwrap_or_else(|| reading.zone.clone());
    let start = fields.required("start").and_then(|item| read_time::civil(&item));
    let shift = fields.required("turn").and_then(|item| turn(&item));
    let listed = fields.required("members");
    let items = listed.as_ref().and_then(|item| item.list_up_to(LIST_LIMIT, "make several rotations of it"));
    let items = items.unwrap_or_default();
    if let Some(listed) = listed.filter(|listed| listed.is_list() && items.is_empty()) {
        listed.wrong_with("no person is on call", "name at least one person");
    }
    let members = items.iter().filter_map(|item| reading.known_person(item)).collect();
    let mut overrides = Vec::new();
    let exceptions = fields.optional("overrides");
    let exceptions = exceptions.map(|item| item.up_to(LIST_LIMIT, "drop those that are over"));
    for item in exceptions.unwrap_or_default() {
        overrides.extend(exception(&item, &zone, reading));
    }
    Some(Rotation { zone, start: start?, shift: shift?, members, overrides })
}

/// `12h`, `1d`, `1w`: whole hours.
fn turn(item: &Item<'_>) -> Option<Shift> {
    let span = item.positive_duration()?;
    let whole = span.as_secs() % 3600 == 0 && span.subsec_nanos() == 0;
    match Shift::hours(span.as_hours()) {
        Ok(shift) if whole => Some(shift),
        _ => {
            item.wrong_with(
                "is no turn",
                "write whole hours, days or weeks, such as 12h, 1d or 1w, at most 400d",
            );
            None
        }
    }
}

fn exception(item: &Item<'_>, zone: &TimeZone, reading: &Reading) -> Option<Override> {
    let fields = item.map(&["from", "until", "person"])?;
    let from = fields.required("from").and_then(|item| read_time::moment(&item, zone, false));
    let until = fields.required("until");
    let to = until.as_ref().and_then(|item| read_time::moment(item, zone, true));
    let person = fields.required("person").and_then(|item| reading.known_person(&item));
    let (from, to) = (from?, to?);
    if let Some(until) = until.filter(|_| to <= from) {
        until.wrong_with("ends before it begins", "`until` is the last day, or the moment of the hand-over");
    }
    Some(Override { from, to, person: person? })
}
