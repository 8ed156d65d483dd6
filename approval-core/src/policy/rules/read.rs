//! From the section `policy` of a file to rules.
//!
//! A value that cannot be read is noted as a mistake, which refuses the whole file. What reading goes on with in its place, to find
//! further mistakes, never counts.

mod gate;
mod limits;
mod reach;
mod rule;
mod short;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

#[cfg(test)]
pub(super) use short::DEFAULTS;

use super::{
    Rules,
    outline::Outline,
    part::Part,
    pattern::Pattern,
    rule::{Outcome, Rule, Test},
};
use crate::{
    model::Text,
    yaml::{Fields, Item, LIST_LIMIT},
};

/// Most memory that the patterns of all conditions together may take when they are compiled, in bytes.
const PATTERN_LIMIT: usize = 32 << 20;
/// How many names and patterns of actions all rules together may have, and how many of them patterns: each name is compared
/// with each pattern.
const ACTIONS_LIMIT: usize = 20_000;
const GLOBS_LIMIT: usize = 1_000;
/// Keys of the section.
pub(super) const KEYS: [&str; 11] = [
    "defaults",
    "rules",
    "limits",
    "deny",
    "required_for",
    "ttl_seconds",
    "fallback_when_not_approved",
    "cost_threshold_usd",
    "default_approvers",
    "risk_tiers",
    "autonomy",
];

/// Reads the section. Mistakes are noted in its document; `None` if there is not even a map.
pub(super) fn policy(section: &Item<'_>) -> Option<Rules> {
    if section.is_empty() {
        section.wrong_with("says nothing", "write `rules:`, or leave `policy` out: everything is asked then");
        return None;
    }
    let fields = section.map(&KEYS)?;
    let (defaults, otherwise) = short::defaults(&fields);
    let part = Arc::new(Part::default().or(&defaults));
    let ask = Outcome::Ask(Arc::clone(&part));
    let mut rules = written(&fields, &defaults);
    let mut notes = Vec::new();
    let silent = otherwise.is_none();
    rules.extend(short::required_for(&fields, &ask));
    rules.extend(short::cost_threshold(&fields, &ask));
    rules.extend(short::risk_tiers(&fields, &defaults));
    rules.extend(short::autonomy(&fields, &ask));
    let selects = ["required_for", "cost_threshold_usd"].into_iter().find(|key| fields.given(key).is_some());
    if let Some(key) = selects
        .filter(|_| silent && fields.given("risk_tiers").is_none() && fields.given("autonomy").is_none())
    {
        notes.push(format!(
            "`{key}` says what is asked, and nothing says what holds for the rest, which is asked too: write \
             `defaults: {{outcome: allow}}` if the rest may run"
        ));
    }
    let outline = Outline::new(&fields, &rules, otherwise.as_ref());
    denies_nothing(&fields, &rules);
    rules.push(Rule {
        name: "defaults".into(),
        actions: Vec::new(),
        test: Test::Always,
        outcome: otherwise.unwrap_or(ask),
        run_windows: Vec::new(),
        may_relax: false,
        shadow: false,
    });
    Some(Rules::new(rules, part, notes, outline).with_limits(limits::limits(&fields)))
}

/// `deny: none`: no rule denies.
fn denies_nothing(fields: &Fields<'_>, rules: &[Rule]) {
    let Some(item) = fields.optional("deny") else { return };
    let denying = rules.iter().find(|rule| !rule.shadow && matches!(rule.outcome, Outcome::Deny(_)));
    if !item.is_none() {
        item.wrong_with(
            "is not `none`",
            "write `deny: none`, or what is denied as rules: {name: …, deny: a reason}",
        );
    } else if let Some(rule) = denying {
        item.wrong_with(format!("stands beside the rule `{}`, which denies", rule.name), "keep one of them");
    }
}

/// The rules that are written out.
fn written(fields: &Fields<'_>, defaults: &Part) -> Vec<Rule> {
    let Some(list) = fields.given("rules").and_then(|rules| rules.list()) else { return Vec::new() };
    let mut rules: Vec<Rule> = Vec::new();
    let mut names: HashMap<Text, usize> = HashMap::new();
    let mut taken = reach::Taken::default();
    let (mut pattern_bytes, mut actions, mut globs) = (0_usize, 0_usize, 0_usize);
    for item in list {
        if item.document().is_full() {
            break;
        }
        let Some(rule) = rule::rule(&item, defaults) else { continue };
        pattern_bytes = pattern_bytes.saturating_add(rule.test.pattern_bytes());
        if pattern_bytes > PATTERN_LIMIT {
            item.wrong_with(
                format!(
                    "needs, with the rules before it, more than {} MB for its patterns",
                    PATTERN_LIMIT >> 20
                ),
                "write fewer or simpler patterns: startsWith, endsWith and contains need none",
            );
            break;
        }
        actions = actions.saturating_add(rule.actions.len());
        globs = globs.saturating_add(rule.actions.iter().filter(|action| action.is_glob()).count());
        if actions > ACTIONS_LIMIT || globs > GLOBS_LIMIT {
            item.wrong_with(
                format!(
                    "names, with the rules before it, more than {ACTIONS_LIMIT} actions, or more than {GLOBS_LIMIT} patterns of them"
                ),
                "name actions by a pattern such as payments.*, and not each of them",
            );
            break;
        }
        let line = item.place().line;
        if let Some(first) = names.insert(Arc::clone(&rule.name), line) {
            let name = item
                .map(&rule::KEYS)
                .and_then(|fields| fields.optional("name"))
                .unwrap_or_else(|| item.clone());
            name.wrong_with(
                format!("`{}` is the name of the rule on line {first} too", rule.name),
                "give each its own: decisions and statistics tell rules by their names",
            );
        }
        if let Some(before) = taken.before(&rule) {
            item.wrong_with(
                format!("is never reached: the rule `{before}` before it takes every call"),
                "put the narrower rule first: the first that matches counts",
            );
        }
        taken.note(&rule);
        rules.push(rule);
    }
    rules
}

/// The actions that a value names.
fn patterns(item: &Item<'_>) -> Vec<Pattern> {
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    let items = item.up_to(LIST_LIMIT, "name them by patterns such as payments.*");
    if items.is_empty() {
        item.wrong_with("names no action", "write one or more names, or leave the key out for every action");
    }
    for item in items {
        let Some(pattern) =
            item.read("a name such as payments.refund, or a pattern such as payments.*", Pattern::new)
        else {
            continue;
        };
        if seen.insert(pattern.as_str().to_owned()) {
            patterns.push(pattern);
        } else {
            item.wrong(format!("`{}` stands here twice", pattern.as_str()));
        }
    }
    patterns
}
