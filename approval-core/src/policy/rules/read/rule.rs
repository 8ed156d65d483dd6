//! A rule that is written out.

use std::sync::Arc;

use super::{
    super::{
        super::condition::Condition,
        part::Part,
        rule::{Outcome, Rule, Test},
    },
    gate, patterns,
};
use crate::{
    model::{Principal, RunWindow, Text},
    yaml::{Fields, Item},
};

/// Keys of a rule.
pub(super) const KEYS: [&str; 10] =
    ["name", "action", "when", "allow", "notify", "ask", "deny", "run_window", "may_relax", "shadow"];
/// Those that say what the rule does.
pub(super) const OUTCOMES: [&str; 4] = ["allow", "notify", "ask", "deny"];
/// Longest name of a rule, in bytes.
const NAME_LIMIT: usize = 80;

/// Reads a rule. `None`: it has no name or no outcome that could be read.
pub(super) fn rule(item: &Item<'_>, defaults: &Part) -> Option<Rule> {
    let fields = item.map(&KEYS)?;
    let name = name(&fields);
    let actions = fields.optional("action").map(|item| patterns(&item)).unwrap_or_default();
    let test = fields.optional("when").map_or(Some(Test::Always), |when| condition(&when).map(Test::When));
    let flag = |key: &str| fields.optional(key).and_then(|item| item.bool()).unwrap_or_default();
    let (may_relax, shadow) = (flag("may_relax"), flag("shadow"));
    let run_windows = gate::run_windows(&fields, Fields::optional);
    let outcome = outcome(&fields, defaults, &run_windows, may_relax);
    let run_windows = if matches!(outcome, Some(Outcome::Ask(_))) { Vec::new() } else { run_windows };
    Some(Rule { name: name?, actions, test: test?, outcome: outcome?, run_windows, may_relax, shadow })
}

fn name(fields: &Fields<'_>) -> Option<Text> {
    let item = fields.required("name")?;
    let name = item.words()?;
    if name.len() > NAME_LIMIT {
        item.wrong(format!("is {} bytes long; a name may have {NAME_LIMIT}", name.len()));
        return None;
    }
    if name.contains(crate::model::visible::is_hidden) {
        item.wrong_with("has characters that cannot be seen", "write plain words on one line");
        return None;
    }
    Some(name.into())
}

fn condition(item: &Item<'_>) -> Option<Condition> {
    if item.document().is_full() {
        return None;
    }
    match Condition::compile(item.text()?) {
        Ok(condition) => {
            if condition.is_constant() {
                item.wrong_with(
                    "says the same for every call",
                    "leave `when` out for a rule that always holds",
                );
                return None;
            }
            Some(condition)
        }
        Err(faults) => {
            for fault in faults {
                item.document().wrong_at(
                    item.place_of(fault.at),
                    item.path(),
                    fault.message,
                    fault.hint.as_deref(),
                );
            }
            None
        }
    }
}

fn outcome(
    fields: &Fields<'_>,
    defaults: &Part,
    run_windows: &[RunWindow],
    may_relax: bool,
) -> Option<Outcome> {
    let given: Vec<&str> = OUTCOMES.into_iter().filter(|key| fields.key(key).is_some()).collect();
    match given.as_slice() {
        [] => {
            fields.item().wrong_with("does nothing", "say one of allow: true, notify: …, ask: … or deny: …");
            return None;
        }
        [_] => {}
        [_, more, ..] => {
            if let Some(key) = fields.key(more) {
                key.wrong_with(
                    format!("is a second outcome beside `{}`", given.first()?),
                    "a rule does one thing",
                );
            }
            return None;
        }
    }
    let outcome = one(fields, defaults, run_windows, may_relax)?;
    if matches!(outcome, Outcome::Deny(_))
        && let Some(key) = fields.key("run_window")
    {
        key.wrong_with("changes nothing here", "what is denied never runs: leave it out");
    }
    if may_relax
        && matches!(outcome, Outcome::Deny(_))
        && let Some(key) = fields.key("may_relax")
    {
        key.wrong_with("changes nothing here", "to deny is stricter than anything: leave it out");
    }
    Some(outcome)
}

fn one(fields: &Fields<'_>, defaults: &Part, run_windows: &[RunWindow], may_relax: bool) -> Option<Outcome> {
    if let Some(item) = fields.optional("allow") {
        if item.bool()? {
            return Some(Outcome::Allow);
        }
        item.wrong_with("allows nothing", "write `deny: reason` or `ask: …`");
        return None;
    }
    if let Some(item) = fields.optional("notify") {
        return notify(&item);
    }
    if let Some(item) = fields.optional("deny") {
        return deny(&item);
    }
    let item = fields.optional("ask")?;
    let mut part = gate::ask(&item, may_relax)?;
    if part.run_windows.is_empty() {
        part.run_windows = run_windows.to_vec();
    } else if let Some(key) = fields.key("run_window") {
        key.wrong_with("stands under `ask` too", "keep one of them");
    }
    Some(Outcome::Ask(Arc::new(part.or(defaults))))
}

/// Who is notified.
pub(super) fn notify(item: &Item<'_>) -> Option<Outcome> {
    let to: Vec<Principal> = gate::people(item);
    (!to.is_empty()).then_some(Outcome::Notify(to))
}

/// Why not.
pub(super) fn deny(item: &Item<'_>) -> Option<Outcome> {
    let reason = item.words()?;
    if reason == "true" {
        item.wrong_with("is no reason", "write a sentence: the agent and people read it");
        return None;
    }
    if reason.len() > gate::TEXT_LIMIT {
        item.wrong(format!("is {} bytes long; a reason may have {}", reason.len(), gate::TEXT_LIMIT));
        return None;
    }
    Some(Outcome::Deny(reason.trim().into()))
}
