//! The rule that a group of calls suggests, and its text.

use rust_decimal::Decimal;

use super::{
    ApprovedBy, Suggestion,
    arguments::{Bounds, quoted},
    group::{Asking, Costs, Group},
};
use crate::{
    clock::Span,
    model::{ActionName, Principal, Risk, visible, visible::visible_line},
    policy::CONDITION_LIMIT,
    yaml::show_duration,
};

/// Longest name of a rule, in bytes.
const NAME_LIMIT: usize = 80;

/// A rule that may be suggested, before it is known where it stands.
pub(super) struct Proposal<'g> {
    pub(super) group: &'g Group,
    pub(super) told: Suggestion,
    conditions: Vec<String>,
    /// The rule that it is put before.
    pub(super) before: Option<&'g Asking>,
}

impl<'g> Proposal<'g> {
    /// What `group` suggests.
    ///
    /// # Errors
    /// Why it suggests nothing.
    pub(super) fn new(
        action: &ActionName,
        agent: Option<&Principal>,
        group: &'g Group,
    ) -> Result<Self, String> {
        let before = only_one(group)?;
        if agent.is_some_and(|agent| agent.as_str().contains(visible::is_hidden)) {
            return Err("the name of its agent has characters that cannot be seen".to_owned());
        }
        let mut conditions = Vec::new();
        conditions.extend(agent.map(|agent| format!("agent == {}", quoted(agent.as_str()))));
        if let Some(when) = before.and_then(|asking| asking.when.as_deref()) {
            conditions.push(in_one_line(when)?);
        }
        conditions.push(risks(group));
        conditions.push(costs(&group.costs, before.is_some_and(|asking| asking.cost_threshold))?);
        let used: usize = conditions.iter().map(|condition| condition.len() + " && ".len()).sum();
        let Bounds { conditions: more, not_bounded } =
            group.arguments.bounds(CONDITION_LIMIT.saturating_sub(used))?;
        conditions.extend(more);
        let (since, until) = group.opened.ok_or("nothing was approved")?;
        let told = Suggestion {
            name: name(action, agent),
            action: action.clone(),
            agent: agent.cloned(),
            approved: group.approved,
            since,
            until,
            by: group.by(),
            median_seconds: group.median(),
            risks: group.risks.iter().copied().collect(),
            when: conditions.join(" && "),
            not_bounded,
            may_relax: group.asking.iter().any(|asking| asking.itself),
            before: None,
        };
        Ok(Self { group, told, conditions, before })
    }

    /// The lines of the rule, for a list whose dashes stand behind `indent`.
    pub(super) fn lines(&self, indent: &str) -> Vec<String> {
        let told = &self.told;
        let mut lines: Vec<String> = numbers(told).map(|line| format!("{indent}# {line}")).collect();
        lines.push(format!("{indent}- name: {}", plain_or_quoted(&told.name)));
        lines.push(format!("{indent}  action: {}", told.action));
        lines.push(format!("{indent}  when: >-"));
        for (place, condition) in self.conditions.iter().enumerate() {
            let and = if place == 0 { "" } else { "&& " };
            lines.push(format!("{indent}    {and}{condition}"));
        }
        if told.may_relax {
            lines.push(format!("{indent}  may_relax: true"));
        }
        lines.push(format!("{indent}  allow: true"));
        lines
    }
}

/// What a suggestion rests on, in lines for people.
pub(super) fn numbers(told: &Suggestion) -> impl Iterator<Item = String> {
    let day = |at: crate::clock::Timestamp| at.to_string().chars().take(10).collect::<String>();
    let by: Vec<String> = told
        .by
        .iter()
        .map(|ApprovedBy { who, approved }| format!("{} {approved}", visible_line(who.as_str())))
        .collect();
    let seen = format!(
        "{} calls from {} to {}, all approved: {}; half of them within {}",
        told.approved,
        day(told.since),
        day(told.until),
        by.join(", "),
        show_duration(Span::from_secs(told.median_seconds)),
    );
    let not_bounded = (!told.not_bounded.is_empty())
        .then(|| format!("not bounded: {}", visible_line(&told.not_bounded.join(", "))));
    let relaxes = told.may_relax.then(|| {
        "the action names its approvers itself: with may_relax this rule counts in place of that".to_owned()
    });
    [Some(seen), not_bounded, relaxes].into_iter().flatten()
}

/// The one rule that asks about all of these calls. `None`: there are no rules.
fn only_one(group: &Group) -> Result<Option<&Asking>, String> {
    let mut all = group.asking.iter();
    let Some(first) = all.next() else { return Ok(None) };
    if let Some(other) = all.find(|other| other.place != first.place) {
        return Err(format!("several rules decide about them, such as {} and {}", first.rule, other.rule));
    }
    if let Some(why) = group.asking.iter().find_map(|asking| asking.failure.as_deref()) {
        return Err(format!("whether the rule {} holds cannot be said: {why}", first.rule));
    }
    match first.outcome {
        "ask" => Ok(Some(first)),
        "deny" => Err(format!("the rule {} denies them by now", first.rule)),
        _ => Err(format!("the rule {} lets them run already, unless their action asks itself", first.rule)),
    }
}

/// A condition in parentheses on one line.
fn in_one_line(when: &str) -> Result<String, String> {
    let lines: Vec<&str> = when.trim().lines().map(str::trim).collect();
    if lines.len() > 1 && when.contains("//") {
        return Err("the condition of the rule that asks has comments: write it without".to_owned());
    }
    if lines.len() > 1 && (when.contains("'''") || when.contains("\"\"\"")) {
        return Err(
            "the condition of the rule that asks has a text of several lines: write it on one".to_owned()
        );
    }
    Ok(format!("({})", lines.join(" ")))
}

fn risks(group: &Group) -> String {
    let words: Vec<String> = group.risks.iter().map(|risk: &Risk| quoted(&risk.to_string())).collect();
    match words.as_slice() {
        [risk] => format!("risk == {risk}"),
        several => format!("risk in [{}]", several.join(", ")),
    }
}

/// What such calls may cost. What asks about all that costs more than some amount does not ask about less, so the least that
/// was seen counts then too.
fn costs(costs: &Costs, threshold: bool) -> Result<String, String> {
    if let Some(currency) = costs.foreign {
        return Err(format!("some cost {currency}: conditions can bound US dollars alone"));
    }
    let within = |(least, most): (Decimal, Decimal)| {
        if threshold {
            format!("cost_usd >= {least} && cost_usd <= {most}")
        } else {
            format!("cost_usd <= {most}")
        }
    };
    Ok(match (costs.none, costs.usd) {
        (_, None) => "cost_usd == null".to_owned(),
        (false, Some(usd)) => format!("cost_usd != null && {}", within(usd)),
        (true, Some(usd)) => format!("(cost_usd == null || {})", within(usd)),
    })
}

fn name(action: &ActionName, agent: Option<&Principal>) -> String {
    let name = match agent {
        None => format!("always approved {action}"),
        Some(agent) => format!("always approved {action} of {agent}"),
    };
    let mut end = name.len().min(NAME_LIMIT);
    while !name.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    name.get(..end).unwrap_or_default().trim_end().to_owned()
}

/// A text that YAML reads as it stands, or in quotes.
fn plain_or_quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ._:@/+-".contains(&byte);
    if text.bytes().all(plain) && !text.contains(": ") && !text.ends_with(':') {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_put_on_one_line_only_where_that_changes_nothing() {
        assert_eq!(in_one_line("a > 1\n  && b"), Ok("(a > 1 && b)".to_owned()));
        for when in ["a > 1 // dear\n&& b", "t == '''a\nb'''", "t == \"\"\"a\n  b\"\"\""] {
            assert!(in_one_line(when).is_err(), "{when}");
        }
    }
}
