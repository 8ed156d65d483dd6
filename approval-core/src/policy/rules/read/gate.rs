//! What stands under `ask`.

mod people;
mod times;
mod window;

use super::super::part::{Part, Timeout};
use crate::{
    model::{Editable, OnTimeout, RejectOption, RunWindow, canonical::FieldPath},
    yaml::{Fields, Item, LIST_LIMIT},
};

pub(super) use people::{people, requirements};
pub(super) use times::on_timeout;

/// Longest text of a reason, in bytes.
pub(super) const TEXT_LIMIT: usize = 500;

/// How many requirements, stages of an escalation and options a gate may have: each request keeps them.
const PARTS_LIMIT: usize = 100;

/// Keys under `ask`.
const ASK: [&str; 19] = [
    "approvers",
    "require",
    "excluded",
    "veto",
    "allow_self_approval",
    "timeout",
    "on_timeout",
    "grant_ttl",
    "run_window",
    "escalate",
    "reminders",
    "delegation",
    "outside_hours",
    "digest",
    "standing",
    "inform",
    "join_identical",
    "editable",
    "reject_options",
];

/// Reads `ask: true`, `ask: group:finance`, `ask: [one, other]` or a map of settings.
pub(super) fn ask(item: &Item<'_>, may_relax: bool) -> Option<Part> {
    if item.is_map() {
        return Some(settings(&item.map(&ASK)?, may_relax));
    }
    if item.is_list() || item.text()?.contains(':') {
        return Some(Part { requirements: people::any_of(item)?, ..Part::default() });
    }
    if item.bool()? {
        return Some(Part::default());
    }
    item.wrong_with("asks no person", "write `allow: true`, `deny: reason`, or who is asked");
    None
}

fn settings(fields: &Fields<'_>, may_relax: bool) -> Part {
    let part = common(fields, Fields::optional);
    let part = Part {
        allow_self_approval: fields.optional("allow_self_approval").and_then(|item| item.bool()),
        escalation: fields
            .optional("escalate")
            .map(|item| times::escalation(&item, &part.requirements, part.timeout))
            .unwrap_or_default(),
        editable: fields.optional("editable").map(|item| editable(&item)).unwrap_or_default(),
        ..part
    };
    if part.on_timeout == Some(OnTimeout::Escalate)
        && fields.key("escalate").is_none()
        && let Some(item) = fields.optional("on_timeout")
    {
        item.wrong_with("escalates to no person", "add `escalate: {after: …, to: …}`");
    }
    if part.allow_self_approval == Some(true) && !may_relax {
        needs_relax(fields, "allow_self_approval");
    }
    if part.timeout == Some(Timeout::Never) && !may_relax {
        needs_relax(fields, "timeout");
    }
    part
}

fn needs_relax(fields: &Fields<'_>, key: &str) {
    if let Some(item) = fields.optional(key) {
        item.wrong_with(
            "loosens what actions say themselves",
            "add `may_relax: true` to the rule if that is meant",
        );
    }
}

/// Looks a key up: with or without `none`, which says that it is left out on purpose.
pub(super) type LookUp<'a> = fn(&Fields<'a>, &str) -> Option<Item<'a>>;

/// What rules and defaults can both say. Of the times, what follows from them and who may stand in, the defaults may say that
/// they are left out on purpose.
pub(super) fn common<'a>(fields: &Fields<'a>, look_up: LookUp<'a>) -> Part {
    let given = |key: &str| look_up(fields, key);
    let people = |key: &str| fields.given(key).map(|item| people(&item)).unwrap_or_default();
    let timeout = given("timeout").and_then(|item| times::timeout(&item));
    Part {
        requirements: requirements(fields, look_up),
        excluded: people("excluded"),
        veto: given("veto").and_then(|item| item.whole(1..=1000)),
        timeout,
        on_timeout: given("on_timeout").and_then(|item| on_timeout(&item)),
        grant_ttl: given("grant_ttl").and_then(|item| item.positive_duration()),
        run_windows: run_windows(fields, look_up),
        reminders: fields.optional("reminders").and_then(|item| times::reminders(&item, timeout)),
        digest: fields.optional("digest").and_then(|item| item.bool()).unwrap_or_default(),
        no_standing: fields.optional("standing").and_then(|item| item.bool()) == Some(false),
        inform: people("inform"),
        join_identical: fields.optional("join_identical").and_then(|item| item.bool()).unwrap_or_default(),
        delegation: given("delegation").and_then(|item| people::delegation(&item)),
        reject_options: fields
            .optional("reject_options")
            .map(|item| reject_options(&item))
            .unwrap_or_default(),
        ..Part::default()
    }
}

/// `run_window`, of a rule or of how it asks.
pub(super) fn run_windows<'a>(fields: &Fields<'a>, look_up: LookUp<'a>) -> Vec<RunWindow> {
    look_up(fields, "run_window").and_then(|item| window::window(&item)).into_iter().collect()
}

fn editable(item: &Item<'_>) -> Vec<Editable> {
    if item.is_list() && item.has_nothing() {
        item.wrong_with(
            "names no argument",
            "leave the key out: what may be edited is then as the action says",
        );
    }
    let path = |item: Item<'_>| {
        let text = item.words()?;
        if let Err(error) = text.parse::<FieldPath>() {
            item.wrong_with(
                format!("`{text}` is no way to an argument: {error}"),
                "write it as cents, or args.amount",
            );
            return None;
        }
        Some(Editable { path: text.into(), schema: None })
    };
    item.up_to(LIST_LIMIT, "name what contains them").into_iter().filter_map(path).collect()
}

fn reject_options(item: &Item<'_>) -> Vec<RejectOption> {
    if item.is_list() && item.has_nothing() {
        item.wrong_with("names no option", "leave the key out: the options are then those of the action");
    }
    let mut options: Vec<RejectOption> = Vec::new();
    for item in item.list_up_to(PARTS_LIMIT, "people choose one of them").unwrap_or_default() {
        let Some(fields) = item.map(&["name", "title", "description"]) else { continue };
        let text = |key: &str| fields.optional(key).and_then(|item| item.words());
        let name = fields.required("name").and_then(|item| item.words());
        let description = text("description").unwrap_or_default();
        let Some(name) = name else { continue };
        if options.iter().any(|option| &*option.name == name) {
            item.wrong(format!("`{name}` names two reject options"));
            continue;
        }
        let title = text("title").unwrap_or(name);
        options.push(RejectOption {
            name: name.into(),
            title: title.into(),
            description: description.into(),
        });
    }
    options
}
