//! Finding the rule that counts without looking at those that cannot.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{Call, condition::Scope},
    Found, Inner, Rules,
    outline::Outline,
    part::Part,
    rule::{Outcome, Rule},
};
use crate::model::Text;

/// What came of looking at a rule.
pub(super) enum Step<'s> {
    /// It is about other actions.
    OtherAction,
    /// Its condition does not hold.
    DoesNotHold,
    /// It holds.
    Holds,
    /// Its condition could not be evaluated.
    Failed(&'s str),
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>, ask: Arc<Part>, notes: Vec<String>, outline: Outline) -> Self {
        let mut by_name: HashMap<Text, Vec<usize>> = HashMap::new();
        let mut patterns: Vec<(usize, &Rule)> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            match rule.names() {
                Some(names) => {
                    for name in names {
                        by_name.entry(name).or_default().push(place);
                    }
                }
                None => patterns.push((place, rule)),
            }
        }
        for (name, places) in &mut by_name {
            let about = patterns.iter().filter(|(_, rule)| rule.is_about(name));
            places.extend(about.map(|(place, _)| *place));
            places.sort_unstable();
            places.dedup();
        }
        // A rule that names its actions in full is never about an action that is not in the map.
        let others = rules.iter().enumerate().filter(|(_, rule)| rule.names().is_none());
        let others = others.map(|(place, _)| place).collect();
        Self(Arc::new(Inner { rules, ask, by_name, others, notes, outline }), Arc::default(), None)
    }
}

impl Inner {
    /// Looks at the rules that may be about the call, in their order, until one counts.
    pub(super) fn walk<'r>(&'r self, call: &Call<'_>, mut look: impl FnMut(usize, Step<'_>)) -> Found<'r> {
        let action = call.action.name.as_str();
        let known = self.by_name.get(action);
        let scope = Scope::new(call);
        let mut found = Found { rule: None, failure: None, next: None, shadows: Vec::new() };
        for place in known.unwrap_or(&self.others) {
            // A place that leads to no rule: none counts then, which denies.
            let Some(rule) = self.rules.get(*place) else { break };
            if known.is_none() && !rule.is_about(action) {
                look(*place, Step::OtherAction);
                continue;
            }
            let failure = match rule.test.holds(call, &scope) {
                Ok(false) => {
                    look(*place, Step::DoesNotHold);
                    continue;
                }
                Ok(true) => {
                    look(*place, Step::Holds);
                    None
                }
                Err(why) => {
                    look(*place, Step::Failed(&why));
                    Some(why)
                }
            };
            if rule.shadow {
                found.shadows.push((rule, failure));
                continue;
            }
            found.rule = Some(rule);
            found.failure = failure;
            found.next = self.next_asking(known.unwrap_or(&self.others), *place, &found, call, &scope);
            break;
        }
        found
    }

    /// Whom to ask about a call that a rule might let run, if only that could be said: whom the next rule that is about it
    /// asks. So no caller gets easier people to decide by arguments that no condition can be evaluated with.
    fn next_asking<'r>(
        &'r self,
        places: &[usize],
        after: usize,
        found: &Found<'_>,
        call: &Call<'_>,
        scope: &Scope<'_>,
    ) -> Option<&'r Arc<Part>> {
        let lets_run = |rule: &Rule| matches!(rule.outcome, Outcome::Allow | Outcome::Notify(_));
        if found.failure.is_none() || !found.rule.is_some_and(lets_run) {
            return None;
        }
        let mut later =
            places.iter().filter(|place| **place > after).filter_map(|place| self.rules.get(*place));
        let next = later.find(|rule| {
            let may_hold = || rule.test.holds(call, scope).unwrap_or(!lets_run(rule));
            !rule.shadow && rule.is_about(call.action.name.as_str()) && may_hold()
        });
        match &next?.outcome {
            Outcome::Ask(part) => Some(part),
            Outcome::Allow | Outcome::Notify(_) | Outcome::Deny(_) => None,
        }
    }
}
