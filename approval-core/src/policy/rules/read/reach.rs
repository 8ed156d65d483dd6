//! Whether a rule is ever reached.

use std::collections::{HashMap, HashSet};

use super::super::{
    pattern::Pattern,
    rule::{Rule, Test},
};
use crate::model::Text;

/// What the rules so far take, whatever a call says.
#[derive(Debug, Default)]
pub(super) struct Taken {
    rules: Vec<Takes>,
    /// The first rule that takes every call.
    all: Option<usize>,
    /// By what a rule writes for an action, a name or a pattern: the rules that write it.
    written: HashMap<Text, Vec<usize>>,
    /// Rules that have a pattern.
    patterned: Vec<usize>,
}

/// A rule that takes every call of its actions.
#[derive(Debug)]
struct Takes {
    rule: Text,
    actions: HashSet<Text>,
    patterns: Vec<Pattern>,
}

impl Taken {
    /// The name of the first rule that takes every call that this one is about.
    pub(super) fn before(&self, rule: &Rule) -> Option<&str> {
        let with_all = self.all.into_iter();
        let first = rule.actions.first();
        let with_first =
            first.and_then(|first| self.written.get(first.as_str())).into_iter().flatten().copied();
        // A pattern takes names; a pattern is taken only by the same one.
        let names = first.filter(|_| !rule.actions.iter().any(Pattern::is_glob));
        let with_pattern = self.patterned.iter().filter(|_| names.is_some()).copied();
        let takes = |place: &usize| {
            self.all == Some(*place)
                || self.rules.get(*place).is_some_and(|takes| {
                    rule.actions
                        .iter()
                        .all(|action| takes.writes(action) || names.is_some() && takes.matches(action))
                })
        };
        let place = with_all.chain(with_first).chain(with_pattern).filter(takes).min()?;
        self.rules.get(place).map(|takes| &*takes.rule)
    }

    /// Notes a rule that comes before all later ones.
    pub(super) fn note(&mut self, rule: &Rule) {
        let always = match &rule.test {
            Test::Always => !rule.shadow,
            Test::When(_) | Test::CostAbove(_) | Test::RiskIs(_) => false,
        };
        if !always {
            return;
        }
        let place = self.rules.len();
        if rule.actions.is_empty() && self.all.is_none() {
            self.all = Some(place);
        }
        let actions: HashSet<Text> =
            rule.actions.iter().map(|pattern| Text::from(pattern.as_str())).collect();
        for action in &actions {
            self.written.entry(Text::clone(action)).or_default().push(place);
        }
        let patterns: Vec<Pattern> =
            rule.actions.iter().filter(|pattern| pattern.is_glob()).cloned().collect();
        if !patterns.is_empty() {
            self.patterned.push(place);
        }
        self.rules.push(Takes { rule: Text::clone(&rule.name), actions, patterns });
    }
}

impl Takes {
    fn writes(&self, action: &Pattern) -> bool {
        self.actions.contains(action.as_str())
    }

    fn matches(&self, action: &Pattern) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action.as_str()))
    }
}
