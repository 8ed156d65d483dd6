//! Short forms, each of which stands for a rule or for a default.

use std::sync::Arc;

use super::{
    super::{
        part::{Part, Timeout},
        rule::{Outcome, Rule, Test},
    },
    gate, patterns, rule,
};
use crate::{
    clock::Span,
    model::{Requirement, Risk, Text},
    yaml::{Fields, Item},
};

/// Keys of `defaults`.
pub(in super::super) const DEFAULTS: [&str; 14] = [
    "outcome",
    "approvers",
    "require",
    "excluded",
    "veto",
    "timeout",
    "on_timeout",
    "grant_ttl",
    "run_window",
    "reminders",
    "delegation",
    "outside_hours",
    "digest",
    "reject_options",
];
/// Longest time that people can have, in seconds: 10 years.
const LONGEST_TTL: u32 = 10 * 365 * 86_400;

/// Settings of every rule that does not say otherwise, and what holds where no rule matches.
pub(super) fn defaults(fields: &Fields<'_>) -> (Part, Option<Outcome>) {
    let section = fields.optional("defaults").and_then(|item| item.map(&DEFAULTS));
    let mut part = section.as_ref().map(|section| gate::common(section, Fields::given)).unwrap_or_default();
    if part.timeout == Some(Timeout::Never)
        && let Some(item) = section.as_ref().and_then(|section| section.optional("timeout"))
    {
        item.wrong_with(
            "leaves every request open for ever",
            "say it in the rules that mean it, with `may_relax: true`",
        );
    }
    let has = |key: &str| section.as_ref().is_some_and(|section| section.key(key).is_some());
    let twice = |item: &Item<'_>, key: &str| {
        if has(key) {
            item.wrong_with(format!("says the same as `defaults.{key}`"), "keep one of them");
        }
    };
    if let Some(item) = fields.optional("ttl_seconds") {
        twice(&item, "timeout");
        part.timeout =
            item.whole(1..=LONGEST_TTL).map(|seconds| Timeout::After(Span::from_secs(seconds.into())));
    }
    if let Some(item) = fields.optional("fallback_when_not_approved") {
        twice(&item, "on_timeout");
        part.on_timeout = gate::on_timeout(&item);
    }
    if let Some(item) = fields.optional("default_approvers") {
        twice(&item, "approvers");
        let people = gate::people(&item);
        if !people.is_empty() {
            part.requirements = vec![Requirement::any_of(people)];
        }
    }
    let ask = || Outcome::Ask(Arc::new(Part::default().or(&part)));
    let outcome = section.as_ref().and_then(|section| section.optional("outcome")).and_then(|item| {
        let word = item.choice(&[("allow", 0), ("ask", 1), ("deny", 2)])?;
        Some(match word {
            0 => Outcome::Allow,
            1 => ask(),
            _ => Outcome::Deny("no rule allows it".into()),
        })
    });
    (part, outcome)
}

/// `required_for: [email.send, db.write]`: these are asked.
pub(super) fn required_for(fields: &Fields<'_>, ask: &Outcome) -> Option<Rule> {
    let actions = patterns(&fields.given("required_for")?);
    (!actions.is_empty()).then(|| Rule { actions, ..plain("required_for", Test::Always, ask.clone()) })
}

/// `cost_threshold_usd: 100`: what costs more is asked.
pub(super) fn cost_threshold(fields: &Fields<'_>, ask: &Outcome) -> Option<Rule> {
    let item = fields.given("cost_threshold_usd")?;
    let limit = item.decimal()?;
    if limit.is_sign_negative() {
        item.wrong_with("is less than nothing", "write what may be spent without asking, such as 100");
        return None;
    }
    Some(plain("cost_threshold_usd", Test::CostAbove(limit), ask.clone()))
}

/// What each level of risk means for people, beside its own name.
const TIERS: [(&str, Risk); 10] = [
    ("minimal", Risk::Minimal),
    ("read_only", Risk::Minimal),
    ("low", Risk::Low),
    ("read_private", Risk::Low),
    ("medium", Risk::Medium),
    ("write", Risk::Medium),
    ("high", Risk::High),
    ("communicate", Risk::High),
    ("critical", Risk::Critical),
    ("destructive", Risk::Critical),
];

/// `risk_tiers: {read_only: allow, destructive: ask}`: what holds for each level.
pub(super) fn risk_tiers(fields: &Fields<'_>, defaults: &Part) -> Vec<Rule> {
    let Some(item) = fields.given("risk_tiers") else { return Vec::new() };
    let names: Vec<&str> = TIERS.iter().map(|(name, _)| *name).collect();
    let Some(section) = item.map(&names) else { return Vec::new() };
    let mut rules: Vec<(Risk, Rule)> = Vec::new();
    for (key, risk) in TIERS {
        let (Some(tier), Some(name)) = (section.optional(key), section.key(key)) else { continue };
        if rules.iter().any(|(other, _)| *other == risk) {
            name.wrong_with(format!("says again what holds for the risk {risk}"), "name each level once");
            continue;
        }
        let Some(outcome) = tier_outcome(&tier, defaults) else { continue };
        rules.push((risk, plain(&format!("risk_tiers.{key}"), Test::RiskIs(risk), outcome)));
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn tier_outcome(item: &Item<'_>, defaults: &Part) -> Option<Outcome> {
    if item.is_map() {
        let fields = item.map(&["notify", "ask", "deny"])?;
        if let [first, second, ..] = fields.keys().collect::<Vec<_>>().as_slice() {
            item.wrong_with(
                format!("says `{second}` beside `{first}`"),
                "one thing holds for a level of risk",
            );
            return None;
        }
        if let Some(item) = fields.optional("notify") {
            return rule::notify(&item);
        }
        if let Some(item) = fields.optional("deny") {
            return rule::deny(&item);
        }
        return Some(Outcome::Ask(Arc::new(gate::ask(&fields.required("ask")?, false)?.or(defaults))));
    }
    // Every call that is allowed leaves a line in the journal, and every action that names approvers asks them: `log` and
    // `optional` say so, and need no more than `allow`.
    let word = item.choice(&[("allow", 0), ("log", 0), ("optional", 0), ("ask", 1), ("deny", 2)])?;
    Some(match word {
        0 => Outcome::Allow,
        1 => Outcome::Ask(Arc::new(Part::default().or(defaults))),
        _ => Outcome::Deny("actions of this risk are not for agents".into()),
    })
}

/// Up to which risk each level of autonomy lets an agent act without asking. Critical actions are always asked.
const LEVELS: [&[Risk]; 5] = [
    &[],
    &[Risk::Minimal],
    &[Risk::Minimal, Risk::Low],
    &[Risk::Minimal, Risk::Low, Risk::Medium],
    &[Risk::Minimal, Risk::Low, Risk::Medium, Risk::High],
];

/// `autonomy: 3`.
pub(super) fn autonomy(fields: &Fields<'_>, ask: &Outcome) -> Vec<Rule> {
    let Some(item) = fields.given("autonomy") else { return Vec::new() };
    let Some(level) = item.whole(1..=5) else { return Vec::new() };
    // Of a level that were not listed nothing would be free.
    let index = usize::try_from(level).ok().and_then(|level| level.checked_sub(1));
    let free = index.and_then(|index| LEVELS.get(index)).copied().unwrap_or_default();
    let name = format!("autonomy.{level}");
    let allowed = free.iter().map(|risk| plain(&name, Test::RiskIs(*risk), Outcome::Allow));
    allowed.chain([plain(&name, Test::Always, ask.clone())]).collect()
}

fn plain(name: &str, test: Test, outcome: Outcome) -> Rule {
    let name: Text = name.into();
    Rule {
        name,
        actions: Vec::new(),
        test,
        outcome,
        run_windows: Vec::new(),
        may_relax: false,
        shadow: false,
    }
}
