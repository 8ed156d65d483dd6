//! Reading what stands under a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{civil::Time, tz::TimeZone};

use super::{
    outline::Outline,
    person::{Channels, OutOfOffice, Person},
    read::Reading,
    read_time::{self, Named},
};
use crate::{
    directory::calendar::{Digest, Holidays, Period, QuietHours, QuietRule, Schedule, WEEK, WeeklyHours},
    error::Invalid,
    model::{Principal, Priority, Text, weekdays},
    yaml::{Fields, Item, LIST_LIMIT},
};

/// What may be said for everybody.
pub(super) const DEFAULTS: [&str; 5] = ["hours", "holidays", "channels", "quiet_hours", "digest"];

pub(super) const KEYS: [&str; 14] = [
    "name",
    "email",
    "slack",
    "identities",
    "aliases",
    "time_zone",
    "hours",
    "holidays",
    "channels",
    "quiet_hours",
    "digest",
    "out_of_office",
    "delegates",
    "roles",
];

/// A name besides the id, and where it stands.
pub(super) struct Name<'a> {
    pub(super) item: Item<'a>,
    pub(super) text: String,
}

/// What stands under a key of a person, one thing or several. Unknown keys are reported elsewhere.
pub(super) fn many<'a>(item: &Item<'a>, key: &str) -> Vec<Item<'a>> {
    let entries = if item.is_map() { item.entries() } else { None };
    let found = entries.into_iter().flatten().find(|entry| entry.key.text() == Some(key));
    found.map(|entry| entry.value.up_to(LIST_LIMIT, "keep to those that are used")).unwrap_or_default()
}

/// The mail addresses and aliases of a person.
pub(super) fn names<'a>(item: &Item<'a>) -> Vec<Name<'a>> {
    let mut names = Vec::new();
    for email in many(item, "email") {
        if let Some(text) = email.read("a mail address", mail_address) {
            names.push(Name { item: email, text });
        }
    }
    for alias in many(item, "aliases") {
        if let Some(principal) = alias.parse::<Principal>() {
            if principal.is_person() {
                names.push(Name { text: principal.name().to_owned(), item: alias });
            } else {
                alias.wrong_with(format!("`{principal}` is no person"), "an alias is another user:…");
            }
        }
    }
    names
}

fn mail_address(text: &str) -> Result<String, Invalid> {
    let bad = || Invalid::new("mail address", text, "is none").hint("write name@example.com");
    let (local, domain) = text.trim().split_once('@').ok_or_else(bad)?;
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>,;\"".contains(c))
    };
    if is_part(local) && is_part(domain) { Ok(text.trim().to_owned()) } else { Err(bad()) }
}

/// What a person wants, or everybody who wants nothing else. `None`: nothing is written, or there is a mistake in it.
#[derive(Default)]
pub(super) struct Wishes {
    hours: Option<WeeklyHours>,
    /// Whether hours are written, with or without a mistake.
    has_hours: bool,
    holidays: Option<Vec<Arc<Holidays>>>,
    channels: Option<Channels>,
    quiet: Option<Vec<QuietRule>>,
    digest: Option<(Time, Priority)>,
}

/// How many calendars, channels of a priority and stretches of quiet hours a person may have.
const WISHES_LIMIT: usize = 20;

const FEWER: &str = "a person can have 20 of them";

impl Wishes {
    /// Reads what stands under the keys that `get` finds.
    pub(super) fn read<'a>(get: impl Fn(&str) -> Option<Item<'a>>, named: &Named) -> Self {
        let calendar = |item: Item<'_>| read_time::named(&item, "holidays", &named.holidays).cloned();
        let calendars =
            |item: Item<'_>| item.up_to(WISHES_LIMIT, FEWER).into_iter().filter_map(calendar).collect();
        Self {
            hours: get("hours").and_then(|item| read_time::hours(&item, &named.hours)),
            has_hours: get("hours").is_some(),
            holidays: get("holidays").map(calendars),
            channels: get("channels").map(|item| channels(&item)),
            quiet: get("quiet_hours").and_then(|item| quiet_hours(&item)),
            digest: get("digest").and_then(|item| digest(&item)),
        }
    }
}

/// What stands under a key. Hours and holidays that are left out on purpose (`none`) are not there.
pub(super) fn written<'a>(fields: &Fields<'a>, key: &str) -> Option<Item<'a>> {
    if matches!(key, "hours" | "holidays") { fields.given(key) } else { fields.optional(key) }
}

/// What stands under a person, and, where nothing does, under the defaults. Groups that are named are looked up later.
pub(super) fn read(
    id: &Principal,
    item: &Item<'_>,
    reading: &Reading,
    outline: &mut Outline,
) -> Option<Person> {
    // `user:ann@example.com:` by itself is a person of whom nothing else is known.
    let fields = if item.is_empty() { None } else { Some(item.map(&KEYS)?) };
    if let Some(fields) = &fields {
        outline.note_person(id, fields);
    }
    let own = |key: &str| fields.as_ref().and_then(|fields| written(fields, key));
    let none = |key: &str| {
        fields.as_ref().and_then(|fields| fields.optional(key)).is_some_and(|item| item.is_none())
    };
    let zone = own("time_zone").and_then(|item| read_time::zone(&item));
    let zone = zone.unwrap_or_else(|| reading.zone.clone());
    let (wishes, defaults) = (Wishes::read(own, &reading.named), &reading.defaults);
    let out = out_of_office(id, own("out_of_office"), &zone, reading);
    let mut schedule = Schedule::always(zone.clone());
    schedule.away = out.iter().map(|out| out.period).collect();
    let no_hours = none("hours");
    if !no_hours {
        schedule.hours = wishes.hours.or_else(|| defaults.hours.clone());
    }
    if !no_hours && !none("holidays") {
        schedule.holidays = wishes.holidays.or_else(|| defaults.holidays.clone()).unwrap_or_default();
    }
    let hours = !no_hours && (wishes.has_hours || defaults.has_hours);
    let key = fields.as_ref().and_then(|fields| fields.key("holidays"));
    if let Some(holidays) = key.filter(|_| !hours && !none("holidays")) {
        holidays.wrong_with("holidays mean nothing to a person without hours", "add `hours`");
    }
    let digest = wishes.digest.or(defaults.digest);
    let quiet = wishes.quiet.or_else(|| defaults.quiet.clone());
    let emails = many(item, "email");
    Some(Person {
        id: id.clone(),
        name: own("name").and_then(|item| item.words()).map(Text::from),
        emails: emails.iter().filter_map(Item::text).map(|text| text.trim().into()).collect(),
        identities: identities(own("slack"), own("identities")),
        schedule,
        out,
        channels: wishes.channels.or_else(|| defaults.channels.clone()).unwrap_or_default(),
        quiet: quiet.map(|rules| QuietHours { zone: zone.clone(), rules }),
        digest: digest.map(|(at, up_to)| Digest { zone, at, up_to: Some(up_to) }),
        delegates: BTreeSet::new(),
    })
}

/// What channels call the person.
fn identities(slack: Option<Item<'_>>, others: Option<Item<'_>>) -> BTreeMap<Text, Text> {
    let mut found = BTreeMap::new();
    if let Some(slack) = slack {
        let id = slack.read("a member id", |text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            if plain && text.starts_with(['U', 'W']) {
                Ok(Text::from(text))
            } else {
                Err(Invalid::new("Slack id", text, "is no member id")
                    .hint("write the member id of the profile, such as U012AB3CD; not the name"))
            }
        });
        found.extend(id.map(|id| ("slack".into(), id)));
    }
    for entry in others.and_then(|item| item.entries()).unwrap_or_default() {
        if let (Some(channel), Some(identity)) = (entry.key.words(), entry.value.words()) {
            if ["slack", "email"].contains(&channel) {
                entry.key.wrong_with(
                    format!("`{channel}` has a key of its own"),
                    format!("write `{channel}:` above"),
                );
            }
            found.insert(channel.into(), identity.into());
        }
    }
    found
}

/// Channels for everything, or by priority.
fn channels(item: &Item<'_>) -> Channels {
    let list = |item: &Item<'_>| -> Vec<Text> {
        let listed = item.up_to(WISHES_LIMIT, FEWER);
        let names: Vec<Text> = listed.iter().filter_map(Item::words).map(Text::from).collect();
        if item.is_list() && names.is_empty() {
            item.wrong_with("names no channel", "name at least one, such as email");
        }
        names
    };
    if !item.is_map() {
        return Channels { other: Some(list(item)), ..Channels::default() };
    }
    let mut channels = Channels::default();
    let words = ["low", "medium", "high", "critical", "other"];
    let Some(fields) = item.map(&words) else { return channels };
    let priorities = [Priority::Low, Priority::Medium, Priority::High, Priority::Critical];
    for (word, priority) in words.into_iter().zip(priorities) {
        if let Some(value) = fields.optional(word) {
            channels.by_priority.insert(priority, list(&value));
        }
    }
    channels.other = fields.optional("other").map(|value| list(&value));
    channels
}

/// `22:00-07:00`, or several of them by days and priority.
fn quiet_hours(item: &Item<'_>) -> Option<Vec<QuietRule>> {
    let mut rules = Vec::new();
    for one in item.up_to(WISHES_LIMIT, FEWER) {
        let (hours, up_to) = if one.is_map() {
            let fields = one.map(&["hours", "days", "up_to"])?;
            let days = fields.optional("days").and_then(|days| days.read("days of the week", weekdays));
            let ranges = fields.required("hours").map(|hours| hours.ranges()).unwrap_or_default();
            let days = days.unwrap_or_else(|| WEEK.to_vec());
            let hours =
                ranges.into_iter().fold(WeeklyHours::new(), |all, range| all.on(days.iter().copied(), range));
            (hours, fields.optional("up_to").and_then(|item| read_time::priority(&item)))
        } else {
            let ranges = one.ranges();
            (ranges.into_iter().fold(WeeklyHours::new(), |all, range| all.on(WEEK, range)), None)
        };
        // What is critical comes at any hour, unless the file says otherwise.
        rules.push(QuietRule { hours, up_to: up_to.unwrap_or(Priority::High) });
    }
    let quiet = QuietHours { zone: TimeZone::UTC, rules };
    if quiet.never_end() {
        item.wrong_with("never end: no notice would ever be sent", "leave some hours of the week open");
    }
    Some(quiet.rules)
}

/// `17:00`, or a time and what waits for it: what is of low priority, unless it says more.
fn digest(item: &Item<'_>) -> Option<(Time, Priority)> {
    if !item.is_map() {
        return Some((read_time::time(item)?, Priority::Low));
    }
    let fields = item.map(&["at", "up_to"])?;
    let up_to = fields.optional("up_to").map_or(Some(Priority::Low), |item| read_time::priority(&item));
    let at = fields.required("at").and_then(|item| read_time::time(&item));
    Some((at?, up_to?))
}

fn out_of_office(
    id: &Principal,
    absences: Option<Item<'_>>,
    zone: &TimeZone,
    reading: &Reading,
) -> Vec<OutOfOffice> {
    let mut all = Vec::new();
    let absences = absences.map(|item| item.up_to(LIST_LIMIT, "drop those that are over"));
    for item in absences.unwrap_or_default() {
        let Some(absence) = item.map(&["from", "until", "stand_in"]) else { continue };
        let from = absence.required("from").and_then(|item| read_time::moment(&item, zone, false));
        let until = absence.required("until");
        let to = until.as_ref().and_then(|item| read_time::moment(item, zone, true));
        let stand_in_item = absence.optional("stand_in");
        let stand_in = stand_in_item.as_ref().and_then(|item| reading.known_person(item));
        if let Some(item) = stand_in_item.filter(|_| stand_in.as_ref() == Some(id)) {
            item.wrong_with("a person cannot stand in for themselves", "name another person");
        }
        if let (Some(from), Some(to)) = (from, to) {
            if let Some(until) = until.filter(|_| to <= from) {
                until.wrong_with(
                    "ends before it begins",
                    "`until` is the last day, or the moment of the return",
                );
            }
            all.push(OutOfOffice {
                period: Period { from, to },
                stand_in: stand_in.filter(|other| other != id),
            });
        }
    }
    all
}
