//! The rules of a file.

mod deciding;
mod explain;
mod index;
mod outline;
mod part;
mod pattern;
mod read;
mod rule;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

pub use explain::{Explanation, Looked, Verdict};
pub(crate) use outline::LeftOut;

use self::{
    outline::Outline,
    part::Part,
    rule::{Outcome, Rule, Test},
};
use super::{Call, Policy, PolicyError, Ruling};
use crate::{
    error::Internal,
    model::{Limit, RunWindow, Source, Text},
    yaml::Item,
};

/// The rules of a file.
///
/// # The section `policy`
///
/// ```yaml
/// policy:
///   defaults:                          # for every rule that does not say otherwise
///     outcome: ask                     # where no rule matches: allow, ask (the default) or deny
///     approvers: [group:ops]           # for actions that no person is named for
///     timeout: 1h
///     on_timeout: reject               # or escalate, or approve (for minimal and low risk)
///   rules:                             # the first that matches counts
///     - name: small refunds
///       action: payments.refund        # one or several; `payments.*` is a pattern
///       when: cost_usd <= 50           # CEL
///       allow: true                    # or `notify: group:ops`, `ask: …`, `deny: a reason`
///     - name: rollouts
///       action: deploy.*
///       run_window: {mon-fri: 09:00-16:00, time_zone: Europe/Berlin}    # what the rule lets run, runs only then
///       notify: group:ops
///     - name: refunds
///       action: payments.*
///       ask:
///         require: [{count: 2, of: [group:finance]}]
///         timeout: 15m
///         on_timeout: escalate
///         run_window: {mon-fri: 09:00-17:00, time_zone: Europe/Berlin}    # an approval is used only then
///         escalate: {after: 10m, to: group:oncall, priority: high}
///   limits:                            # whatever the rules say
///     - name: refunds-a-day
///       action: payments.*
///       per: agent                     # run, agent, action, or several of them
///       within: 24h
///       calls: 20
///       cost: 500 USD
///       over: ask                      # or deny
///     - name: open requests
///       per: agent
///       open: 5                        # wait for people at the same time; one more is refused
/// ```
///
/// A key whose value is `none` is left out on purpose: `limits: none`, `required_for: none`, `deny: none` where no rule
/// denies, and under `defaults` what restricts every call (`timeout: none` leaves the hour that every request has). A file that is read again must write so where the one before said more: see
/// [`WatchedFile`](crate::file::WatchedFile).
///
/// Outside of a `run_window` nothing runs, whether the rule asks or lets the call run. It stands in the rule, under `ask`, or in the
/// defaults, for rules without one of their own; the windows of the action itself hold besides. A call waits for the opening
/// as far as its patience reaches.
///
/// Short forms come after the rules, in this order: `required_for` (actions that are asked), `cost_threshold_usd` (what
/// costs more is asked), `risk_tiers` (what holds for each risk), `autonomy` (1: everything is asked, to 5: all but critical
/// actions run). `ttl_seconds`, `fallback_when_not_approved` and `default_approvers` are defaults.
///
/// # Conditions
///
/// `when` is an expression of the [Common Expression Language](https://github.com/google/cel-spec) that is true or false. It names
/// `action`, `args`, `agent`, `on_behalf_of` (the person behind the agent), `run`, `risk` (`risk >= "high"`), `cost_usd`, `spent_usd` (what earlier
/// calls of this agent in this run have cost within 24 hours) and `now` (`now.getHours("Europe/Berlin")`).
///
/// - `on_behalf_of`, `run` and `cost_usd` are null where a call has none. An argument that is missing is an error; `has(args.note)` asks.
/// - Numbers are exact, with and without a fraction, and `/` does not round: `int(x)` cuts a fraction off. A credit counts by its amount.
/// - A redacted value is an error wherever a condition looks at it.
/// - A condition makes at most 500,000 steps with one call (all that are looked at 2,000,000), about one for each operation, each element of a
///   list, each 16 bytes of text and each 16 bytes of the texts and lists that it makes: at most 8 MB of them. Patterns of `matches` are
///   written in the condition, and take at most 256 KB when they are compiled.
///
/// # What a rule can do to what an action says itself
///
/// - What the attribute of an action sets explicitly can only be tightened: requirements are added, the shorter time
///   and the stricter end count, and `allow` or `notify` for an action that names its approvers still asks them. What the
///   attribute leaves unsaid is as the rule says.
/// - A rule with `may_relax: true` counts in place of what the action says, where it says something itself.
/// - The rules are asked once more when an approval is used, and can only forbid: see [`Policy`].
/// - A rule whose condition cannot be evaluated counts as the stricter of `ask` and its own outcome. One that would let the
///   call run asks whom the next rule asks that is about it.
/// - A rule with `shadow: true` does nothing; what it would have done is logged by `tracing` and stands behind the name of the
///   rule that did count, in the journal and in the history.
#[derive(Clone, Debug)]
pub struct Rules(Arc<Inner>, Arc<[Arc<Limit>]>, Option<Arc<Source>>);

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    /// What a rule asks for that has nothing to say about asking.
    ask: Arc<Part>,
    /// For each action that some rule names: the rules that are about it, by their place.
    by_name: HashMap<Text, Vec<usize>>,
    /// For every other action: the rules that may be about it.
    others: Vec<usize>,
    notes: Vec<String>,
    outline: Outline,
}

/// What the rules come to for a call.
struct Found<'r> {
    rule: Option<&'r Rule>,
    /// Why the condition of that rule could not be evaluated.
    failure: Option<String>,
    /// Then, if that rule would let it run: what the next one asks for.
    next: Option<&'r Arc<Part>>,
    /// Rules in the shadow that matched on the way.
    shadows: Vec<(&'r Rule, Option<String>)>,
}

impl Rules {
    /// Reads the section `policy` of a file; mistakes are noted in its document.
    pub(crate) fn read(section: &Item<'_>) -> Option<Self> {
        read::policy(section)
    }

    fn with_limits(mut self, mut limits: Vec<Arc<Limit>>) -> Self {
        // What a condition asks for must be counted.
        let asks = |rule: &Rule| matches!(&rule.test, Test::When(condition) if condition.source().contains("spent_usd"));
        if self.0.rules.iter().any(asks) {
            limits.push(Arc::new(Limit::spending()));
        }
        self.1 = limits.into();
        self
    }

    /// These rules, read from this text.
    pub(crate) fn with_source(mut self, source: Source) -> Self {
        self.2 = Some(Arc::new(source));
        self
    }

    /// What these rules write down and `after` does not mention, as far as that loosens them.
    pub(crate) fn left_out_by(&self, after: &Self) -> Vec<LeftOut> {
        self.0.outline.left_out_by(&after.0.outline)
    }

    /// How many rules the file has, short forms and defaults included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.rules.len()
    }

    /// What is not wrong, but may not be meant.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// What holds for a call.
    #[must_use]
    pub fn ruling(&self, call: &Call<'_>) -> Ruling {
        let found = self.0.walk(call, |_, _| ());
        if let (Some(rule), Some(why)) = (found.rule, &found.failure) {
            tracing::warn!(rule = &*rule.name, action = %call.action.name, %why,
                "the condition of a rule could not be evaluated: the call is asked about, or denied");
        }
        for (rule, failure) in &found.shadows {
            tracing::info!(rule = &*rule.name, action = %call.action.name, agent = %call.agent,
                would = shadow_word(rule, failure.is_some()), "a rule in the shadow");
        }
        self.0.ruling(call, &found)
    }
}

impl Inner {
    /// What the rule that counts says, stricter where its condition failed or the action names approvers itself.
    fn ruling(&self, call: &Call<'_>, found: &Found<'_>) -> Ruling {
        let Some(rule) = found.rule else {
            // The defaults match every call.
            let reason = Internal::new("no rule of the file counts, not even its defaults").to_string();
            return Ruling::Deny { rule: named("defaults", found), reason: reason.into() };
        };
        let name = named(&rule.name, found);
        let asks_itself = !call.gate.requirements.is_empty() && !rule.may_relax;
        match &rule.outcome {
            Outcome::Deny(reason) => Ruling::Deny {
                rule: name,
                // The reason of the rule is about calls for which its condition holds.
                reason: found.failure.as_ref().map_or_else(|| Arc::clone(reason), |why| not_evaluated(why)),
            },
            Outcome::Allow if found.failure.is_none() && !asks_itself => {
                Ruling::Allow { rule: name, run_windows: self.run_windows(rule) }
            }
            Outcome::Notify(to) if found.failure.is_none() && !asks_itself => {
                Ruling::Notify { rule: name, to: to.clone(), run_windows: self.run_windows(rule) }
            }
            outcome @ (Outcome::Allow | Outcome::Notify(_) | Outcome::Ask(_)) => {
                let part =
                    if let Outcome::Ask(part) = outcome { part } else { found.next.unwrap_or(&self.ask) };
                let may_relax = rule.may_relax && found.failure.is_none();
                let mut gate = part.gate(&name, call, may_relax);
                // Those of a rule that asks are in its part.
                gate.run_windows.extend(rule.run_windows.iter().cloned());
                if let Outcome::Notify(to) = outcome {
                    let more: Vec<_> = to.iter().filter(|one| !gate.inform.contains(one)).cloned().collect();
                    gate.inform.extend(more);
                }
                Ruling::Ask { rule: name, gate: Some(Arc::new(gate)), whole: true }
            }
        }
    }

    /// When a call that a rule lets run may run: as the rule says, else as the defaults say.
    fn run_windows(&self, rule: &Rule) -> Vec<RunWindow> {
        let windows = if rule.run_windows.is_empty() { &self.ask.run_windows } else { &rule.run_windows };
        windows.clone()
    }
}

/// Why a call is denied by a rule whose condition failed.
fn not_evaluated(why: &str) -> Text {
    format!("the condition of the rule could not be evaluated ({why}); a rule that denies counts then").into()
}

/// The name of the rule, with what rules in the shadow would have done.
fn named(rule: &str, found: &Found<'_>) -> Text {
    if found.shadows.is_empty() {
        return found.rule.map_or_else(|| rule.into(), |rule| Arc::clone(&rule.name));
    }
    let shadow = |(rule, failure): &(&Rule, Option<String>)| {
        format!("{} would {}", rule.name, shadow_word(rule, failure.is_some()))
    };
    let shadows: Vec<String> = found.shadows.iter().map(shadow).collect();
    format!("{rule} (shadow: {})", shadows.join(", ")).into()
}

/// What a rule in the shadow would have done.
fn shadow_word(rule: &Rule, failed: bool) -> &'static str {
    match &rule.outcome {
        Outcome::Allow | Outcome::Notify(_) if failed => "ask",
        outcome @ (Outcome::Allow | Outcome::Notify(_) | Outcome::Ask(_) | Outcome::Deny(_)) => {
            outcome.word()
        }
    }
}

#[async_trait]
impl Policy for Rules {
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(self.ruling(call))
    }

    fn limits(&self) -> Arc<[Arc<Limit>]> {
        Arc::clone(&self.1)
    }

    fn source(&self) -> Option<Arc<Source>> {
        self.2.clone()
    }
}
