//! What a section `policy` writes down, so that a later one does not loosen it by leaving something out.

use super::rule::{Outcome, Rule};
use crate::yaml::{Fields, Item};

/// Keys without which less is asked, denied or limited, and how to write that they are left out on purpose.
const STATEMENTS: [LeftOut; 9] = [
    LeftOut { what: "rules", write: "rules: []" },
    LeftOut { what: "limits", write: "limits: []" },
    LeftOut { what: "required_for", write: "required_for: none" },
    LeftOut { what: "cost_threshold_usd", write: "cost_threshold_usd: none" },
    LeftOut { what: "risk_tiers", write: "risk_tiers: none" },
    LeftOut { what: "autonomy", write: "autonomy: none" },
    LeftOut { what: "defaults.outcome", write: "outcome: ask" },
    LeftOut { what: "defaults.excluded", write: "excluded: none" },
    LeftOut { what: "defaults.delegation", write: "delegation: directory" },
];

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
            let Some(item) = fields.below(statement.what) else { continue };
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
            |one: &LeftOut| self.restricting.contains(&one.what) && !after.mentioned.contains(&one.what);
        let mut left_out: Vec<LeftOut> = STATEMENTS.into_iter().filter(missing).collect();
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
        "defaults.delegation" => item.is_word("forbidden"),
        _ => !item.is_none() && !item.has_nothing(),
    }
}
