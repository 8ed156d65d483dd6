//! Why the rules say what they say about a call.

use std::fmt;

use serde::Serialize;

use super::{
    Rules,
    index::Step,
    rule::{Outcome, Rule},
};
use crate::{
    lifecycle,
    model::{Gate, OnTimeout, OutsideHours, Requirement, RunWindow, visible::visible_line},
    policy::{Call, Ruling},
    yaml::show_duration,
};

/// What was said about a call, and how it came to that.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// `allow`, `notify`, `ask` or `deny`.
    pub outcome: &'static str,
    /// The name that goes into the journal and the history.
    pub rule: String,
    /// Why, in a sentence.
    pub why: String,
    /// The rules in their order, up to the one that counted.
    pub looked: Vec<Looked>,
    /// What people would be shown, or notified of.
    pub people: Vec<String>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// Its name.
    pub rule: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
}

/// What came of looking at a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It is about other actions.
    OtherAction,
    /// Its condition does not hold.
    DoesNotHold,
    /// It counts.
    Counts,
    /// Its condition could not be evaluated, so it counts in the stricter way.
    Failed,
    /// It would have counted, but only records.
    Shadow,
}

impl Rules {
    /// What holds for a call, and why.
    #[must_use]
    pub fn explain(&self, call: &Call<'_>) -> Explanation {
        let rules = &self.0.rules;
        let mut steps: Vec<(usize, Verdict, Option<String>)> = Vec::new();
        let found = self.0.walk(call, |place, step| {
            let shadow = rules.get(place).is_some_and(|rule| rule.shadow);
            steps.push(match step {
                Step::OtherAction => (place, Verdict::OtherAction, None),
                Step::DoesNotHold => (place, Verdict::DoesNotHold, None),
                Step::Holds => (place, if shadow { Verdict::Shadow } else { Verdict::Counts }, None),
                Step::Failed(why) => {
                    let verdict = if shadow { Verdict::Shadow } else { Verdict::Failed };
                    (place, verdict, Some(why.to_owned()))
                }
            });
        });
        let last = steps.last().map_or(0, |(place, ..)| *place);
        // Both are in the order of the file.
        let mut steps = steps.iter().peekable();
        let looked = rules.iter().enumerate().take(last + 1).map(|(place, rule)| {
            let step = steps.next_if(|(at, ..)| *at == place);
            let (verdict, failure) =
                step.map_or((Verdict::OtherAction, None), |(_, verdict, why)| (*verdict, why.as_deref()));
            Looked { rule: rule.name.to_string(), verdict, why: why(rule, verdict, failure) }
        });
        let looked: Vec<Looked> = looked.collect();
        let ruling = self.0.ruling(call, &found);
        let (outcome, name, people) = told(&ruling, call);
        let why =
            found.rule.map_or_else(String::new, |rule| reason(rule, outcome, call, found.failure.as_deref()));
        Explanation { outcome, rule: name, why, looked, people }
    }
}

fn why(rule: &Rule, verdict: Verdict, failure: Option<&str>) -> String {
    let test = rule.test.describe();
    match (verdict, failure) {
        (Verdict::OtherAction, _) => {
            let patterns: Vec<&str> = rule.actions.iter().map(super::pattern::Pattern::as_str).collect();
            format!("is about {}", patterns.join(", "))
        }
        (_, Some(failure)) => format!("{test}: {failure}"),
        _ => test,
    }
}

/// Why it came to this outcome.
fn reason(rule: &Rule, outcome: &str, call: &Call<'_>, failure: Option<&str>) -> String {
    let said = rule.outcome.word();
    if let Some(failure) = failure {
        return format!(
            "its condition could not be evaluated ({failure}), so the stricter of ask and {said} holds"
        );
    }
    match &rule.outcome {
        Outcome::Allow | Outcome::Notify(_) if outcome == "ask" && !call.gate.requirements.is_empty() => {
            format!(
                "the rule says {said}, but the action names its approvers itself; `may_relax: true` would let the rule decide"
            )
        }
        Outcome::Deny(reason) => reason.to_string(),
        Outcome::Allow | Outcome::Notify(_) | Outcome::Ask(_) => format!("{said}, {}", rule.test.describe()),
    }
}

fn told(ruling: &Ruling, call: &Call<'_>) -> (&'static str, String, Vec<String>) {
    let names =
        |of: &[crate::model::Principal]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ruling {
        Ruling::Allow { rule, run_windows } => {
            let mut people = vec!["no person is asked; a journal line records it".to_owned()];
            people.extend(only_within(run_windows, call));
            ("allow", rule.to_string(), people)
        }
        Ruling::Notify { rule, to, run_windows } => {
            let mut people = vec![format!("notified afterwards: {}", names(to))];
            people.extend(only_within(run_windows, call));
            ("notify", rule.to_string(), people)
        }
        Ruling::Deny { rule, reason } => {
            ("deny", rule.to_string(), vec![format!("the agent reads: {reason}")])
        }
        Ruling::Ask { rule, gate, .. } => {
            let gate = gate.as_ref().unwrap_or(call.gate);
            ("ask", rule.to_string(), asked(gate, call, &names))
        }
    }
}

/// When a call that no person is asked about may run.
fn only_within(ruled: &[RunWindow], call: &Call<'_>) -> Option<String> {
    let mut windows: Vec<String> = Vec::new();
    for window in call.gate.run_windows.iter().chain(ruled).map(ToString::to_string) {
        if !windows.contains(&window) {
            windows.push(window);
        }
    }
    (!windows.is_empty()).then(|| format!("runs only within {}", windows.join(" and ")))
}

fn asked(gate: &Gate, call: &Call<'_>, names: &dyn Fn(&[crate::model::Principal]) -> String) -> Vec<String> {
    let behind = call.on_behalf_of.map_or_else(String::new, |person| format!(", on behalf of {person},"));
    let mut lines = vec![
        format!("{}{behind} wants to run {} (risk {})", call.agent, call.action.name, call.risk),
        format!("with {}", visible_line(call.arguments.as_str())),
    ];
    if let Some(cost) = &call.cost {
        lines.push(format!("for {cost}"));
    }
    for Requirement { count, of, may_share, outside_hours, matching: _ } in &gate.requirements {
        let shared = if *may_share { ", who may fill another seat too" } else { "" };
        let outside = match outside_hours {
            None => String::new(),
            Some(OutsideHours::Queue) => ", asked when they work again".to_owned(),
            Some(OutsideHours::Everyone) => ", asked outside their hours too".to_owned(),
            Some(OutsideHours::OnCall(to)) => format!(", outside their hours also {}", names(to)),
        };
        lines.push(format!("needs {count} of {}{shared}{outside}", names(of)));
    }
    if gate.requirements.is_empty() {
        lines.push("no person is named: the action itself must name approvers, or the call fails".to_owned());
    }
    if !gate.excluded.is_empty() {
        lines.push(format!("not by {}", names(&gate.excluded)));
    }
    if let Some(allowed) = gate.allow_self_approval {
        let may = if allowed { "may" } else { "may not" };
        lines.push(format!("the person behind the agent {may} approve, at any risk"));
    }
    if gate.veto > 1 {
        lines.push(format!("rejected by {} rejections", gate.veto));
    }
    lines.push(match (gate.timeout, gate.on_timeout) {
        (None, _) => "without a deadline".to_owned(),
        (Some(span), OnTimeout::Reject) => {
            format!("within {}, then it expires and nothing runs", show_duration(span))
        }
        (Some(span), OnTimeout::Escalate) => {
            format!("within {}, then everybody of the escalation is asked once more", show_duration(span))
        }
        (Some(span), OnTimeout::Approve) => {
            format!(
                "within {}, then it is approved unless a rejection or a question stands",
                show_duration(span)
            )
        }
    });
    if !gate.run_windows.is_empty() {
        let windows: Vec<String> = gate.run_windows.iter().map(ToString::to_string).collect();
        let opens = match lifecycle::next_opening(gate, call.now) {
            Ok(at) if at == call.now => "is open now".to_owned(),
            Ok(at) => format!("opens {at}"),
            Err(refusal) => format!("cannot be used: {refusal}"),
        };
        lines.push(format!("runs only within {}, which {opens}", windows.join(" and ")));
    }
    for stage in &gate.escalation {
        let raised = stage.priority.map_or_else(String::new, |priority| format!(", at priority {priority}"));
        lines.push(format!("after {} also {}{raised}", show_duration(stage.after), names(&stage.to)));
    }
    if let Some(reminders) = gate.reminders {
        lines.push(format!(
            "reminded every {}, at most {} times",
            show_duration(reminders.every),
            reminders.at_most
        ));
    }
    if gate.digest {
        lines.push("may wait for the daily digest".to_owned());
    }
    if !gate.run_windows.is_empty() {
        let windows: Vec<String> = gate.run_windows.iter().map(ToString::to_string).collect();
        lines.push(format!("runs only within {}", windows.join(" and ")));
    }
    if !gate.editable.is_empty() {
        let paths: Vec<&str> = gate.editable.iter().map(|editable| &*editable.path).collect();
        lines.push(format!("may change {}", paths.join(", ")));
    }
    lines
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.outcome, visible_line(&self.rule))?;
        writeln!(f, "  why: {}", visible_line(&self.why))?;
        writeln!(f, "rules:")?;
        for Looked { rule, verdict, why } in &self.looked {
            let mark = match verdict {
                Verdict::OtherAction | Verdict::DoesNotHold => "-",
                Verdict::Counts => ">",
                Verdict::Failed => "!",
                Verdict::Shadow => "~",
            };
            let says = match verdict {
                Verdict::OtherAction => "other actions",
                Verdict::DoesNotHold => "does not hold",
                Verdict::Counts => "counts",
                Verdict::Failed => "cannot be evaluated",
                Verdict::Shadow => "in the shadow, only recorded",
            };
            writeln!(f, "  {mark} {}: {says} ({})", visible_line(rule), visible_line(why))?;
        }
        writeln!(f, "people:")?;
        for line in &self.people {
            writeln!(f, "  {}", visible_line(line))?;
        }
        Ok(())
    }
}
