//! What a section `policy` writes down, so that a later one does not loosen it by leaving something out.

use super::rule::{Outcome, Rule};
use crate::yaml::{Fields, Item};

/// Keys without which less is asked, denied or limited, and how to write that they are left out on purpose.
const STATEMENTS: [Statement; 15] = [
    Statement::new("rules", "rules: []"),
    Statement::new("limits", "limits: []"),
    Statement::new("required_for", "required_for: none"),
    Statement::new("cost_threshold_usd", "cost_threshold_usd: none"),
    Statement::new("risk_tiers", "risk_tiers: none"),
    Statement::new("autonomy", "autonomy: none"),
    Statement::new("defaults.outcome", "outcome: ask"),
    Statement::new("defaults.excluded", "excluded: none"),
    Statement::new("defaults.delegation", "delegation: directory"),
    // What an action itself sets is tightened by these: without them it has its own longer times and higher veto again.
    Statement::new("defaults.veto", "veto: none"),
    Statement { also: Some("ttl_seconds"), ..Statement::new("defaults.timeout", "timeout: none") },
    Statement {
        also: Some("fallback_when_not_approved"),
        ..Statement::new("defaults.on_timeout", "on_timeout: none")
    },
    Statement::new("defaults.grant_ttl", "grant_ttl: none"),
    Statement::new("defaults.run_window", "run_window: none"),
    Statement::new("defaults.outside_hours", "outside_hours: none"),
];

/// A key that may restrict calls.
#[derive(Clone, Copy, Debug)]
struct Statement {
    what: &'static str,
    /// Another key that says the same.
    also: Option<&'static str>,
    /// How to write down that it is left out on purpose.
    write: &'static str,
}

impl Statement {
    const fn new(what: &'static str, write: &'static str) -> Self {
        Self { what, also: None, write }
    }

    /// What the section writes under it.
    fn given<'a>(&self, fields: &Fields<'a>) -> Option<Item<'a>> {
        fields.below(self.what).or_else(|| fields.below(self.also?))
    }
}

/// Something that one file writes down and a later one does not mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// What is missing.
    pub(crate) what: &'static str,
    /// How to write down that it is left out on purpose.
    pub(crate) write: &'static str,
}

/// Which statements a section has.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// Statements that are mentioned.
    mentioned: Vec<&'static str>,
    /// Statements that restrict something.
    restricting: Vec<&'static str>,
    /// Whether a rule that is in force denies, the defaults aside.
    rule_denies: bool,
    /// Whether anything denies, or it is written that nothing does.
    settles_denying: bool,
}

impl Outline {
    /// The outline of a section with these rules and, where no rule matches, this outcome.
    pub(super) fn new(fields: &Fields<'_>, rules: &[Rule], otherwise: Option<&Outcome>) -> Self {
        let rule_denies = rules.iter().any(|rule| !rule.shadow && matches!(rule.outcome, Outcome::Deny(_)));
        let default_denies = matches!(otherwise, Some(Outcome::Deny(_)));
        let mut outline = Self {
            rule_denies,
            settles_denying: rule_denies || default_denies || fields.key("deny").is_some(),
            ..Self::default()
        };
        for statement in STATEMENTS {
            let Some(item) = statement.given(fields) else { continue };
            outline.mentioned.push(statement.what);
            if restricts(statement.what, &item) {
                outline.restricting.push(statement.what);
            }
        }
        outline
    }

    /// What this section writes down and `after` does not mention.
    pub(super) fn left_out_by(&self, after: &Self) -> Vec<LeftOut> {
        let missing =
            |one: &Statement| self.restricting.contains(&one.what) && !after.mentioned.contains(&one.what);
        let left_out = STATEMENTS.into_iter().filter(missing);
        let mut left_out: Vec<LeftOut> =
            left_out.map(|Statement { what, write, .. }| LeftOut { what, write }).collect();
        if self.rule_denies && !after.settles_denying {
            left_out.push(LeftOut { what: "every rule that denies", write: "deny: none" });
        }
        left_out
    }
}

/// Whether a statement asks, denies or limits anything.
fn restricts(what: &str, item: &Item<'_>) -> bool {
    match what {
        "defaults.outcome" => item.is_word("deny"),
        "defaults.delegation" => !item.is_none() && !item.is_word("directory"),
        // Silence that approves is looser than anything else that follows from it.
        "defaults.on_timeout" => !item.is_none() && !item.is_word("approve"),
        // People who are asked besides may decide besides.
        "defaults.outside_hours" => item.is_word("queue"),
        _ => !item.is_none() && !item.has_nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::read;

    /// Keys that a later section may leave out, and why that loosens nothing.
    const FREE: [(&str, &str); 10] = [
        ("defaults", "each of its keys is looked at by itself"),
        ("deny", "it restricts nothing; rules that deny are looked at by themselves"),
        ("ttl_seconds", "the same as defaults.timeout"),
        ("fallback_when_not_approved", "the same as defaults.on_timeout"),
        ("default_approvers", "the same as defaults.approvers"),
        ("defaults.approvers", "a call that names no person is refused without them"),
        ("defaults.require", "a call that names no person is refused without them"),
        ("defaults.reminders", "they remind"),
        ("defaults.digest", "it says when people are notified"),
        ("defaults.reject_options", "they say how to reject"),
    ];

    #[test]
    fn every_key_of_the_section_is_a_statement_or_loosens_nothing() {
        let defaults = read::DEFAULTS.iter().map(|key| format!("defaults.{key}"));
        let keys: Vec<String> = read::KEYS.iter().map(|key| (*key).to_owned()).chain(defaults).collect();
        let free: Vec<&str> = FREE.iter().map(|(key, _)| *key).collect();
        for key in &keys {
            let stated = STATEMENTS.iter().any(|one| one.what == key);
            let free = free.contains(&key.as_str());
            assert!(stated != free, "{key}: what follows from leaving it out? See STATEMENTS and FREE.");
        }
        let also = STATEMENTS.iter().filter_map(|one| one.also);
        for known in STATEMENTS.iter().map(|one| one.what).chain(also).chain(free) {
            assert!(keys.iter().any(|key| key == known), "{known} is no key");
        }
    }
}
