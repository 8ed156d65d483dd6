//! Limits on calls.

use std::{collections::HashSet, sync::Arc};

use super::patterns;
use crate::{
    model::{CountedPer, Limit, Money, OverLimit, RunLimits, Text},
    yaml::{Fields, Item, LIST_LIMIT},
};

const KEYS: [&str; 8] = ["name", "action", "per", "within", "calls", "cost", "open", "over"];

/// Reads the list of limits.
pub(super) fn limits(fields: &Fields<'_>) -> Vec<Arc<Limit>> {
    let limits = fields.given("limits");
    let list =
        limits.and_then(|limits| limits.list_up_to(LIST_LIMIT, "let one limit be about several actions"));
    let mut limits: Vec<Arc<Limit>> = Vec::new();
    let mut names: HashSet<Text> = HashSet::new();
    for item in list.unwrap_or_default() {
        let Some(limit) = limit(&item) else { continue };
        if !names.insert(Text::clone(&limit.name)) {
            item.wrong_with(
                format!("`{}` is the name of another limit too", limit.name),
                "give each its own: what they count is distinguished by their names",
            );
            continue;
        }
        limits.push(Arc::new(limit));
    }
    limits
}

fn limit(item: &Item<'_>) -> Option<Limit> {
    let fields = item.map(&KEYS)?;
    let name = fields.required("name").and_then(|item| name(&item));
    let actions = fields.optional("action").map(|item| patterns(&item)).unwrap_or_default();
    let per = fields.optional("per").map(|item| per(&item)).unwrap_or_default();
    let within = fields.optional("within").and_then(|item| item.positive_duration());
    let calls = fields.optional("calls").and_then(|item| item.whole(0..=1_000_000));
    let cost = fields.optional("cost").and_then(|item| money(&item));
    let over = fields.optional("over").map_or(Some(OverLimit::Ask), |item| {
        item.choice(&[("ask", OverLimit::Ask), ("deny", OverLimit::Deny)])
    });
    let open = fields.optional("open").and_then(|item| item.whole(0..=Limit::MOST_OPEN));
    if fields.key("open").is_some() {
        for key in ["within", "calls", "cost", "over"] {
            if let Some(other) = fields.optional(key) {
                other.wrong_with(
                    format!("`{key}` has no meaning beside `open`"),
                    "what is open counts by itself, and one more is refused: make a second limit of the rest",
                );
            }
        }
    } else if fields.key("calls").is_none() && fields.key("cost").is_none() {
        item.wrong_with("limits nothing", "add `calls: 20`, `cost: 500 USD`, or `open: 5`");
        return None;
    }
    Some(Limit {
        actions: actions.iter().map(|pattern| Text::from(pattern.as_str())).collect(),
        per,
        within,
        calls,
        cost,
        open,
        over: over?,
        ..Limit::new(name?)
    })
}

fn name<'a>(item: &Item<'a>) -> Option<&'a str> {
    let name = item.words()?;
    if RunLimits::NAMES.contains(&name) {
        item.wrong_with(
            format!("`{name}` is the name of a limit of runs"),
            "give it another name: they would share a counter",
        );
        return None;
    }
    Some(name)
}

fn per(item: &Item<'_>) -> CountedPer {
    let mut per = CountedPer::default();
    if item.is_list() && item.has_nothing() {
        item.wrong_with(
            "names nothing",
            "name run, agent, action or person, or leave the key out to count all calls together",
        );
    }
    for item in item.up_to(LIST_LIMIT, "write each word once") {
        match item.choice(&[
            ("run", CountedPer::RUN),
            ("agent", CountedPer::AGENT),
            ("action", CountedPer::ACTION),
            ("person", CountedPer::PERSON),
        ]) {
            Some(CountedPer::RUN) => per.run = true,
            Some(CountedPer::AGENT) => per.agent = true,
            Some(CountedPer::PERSON) => per.person = true,
            Some(_) => per.action = true,
            None => {}
        }
    }
    per
}

fn money(item: &Item<'_>) -> Option<Money> {
    let money: Money = item.parse()?;
    if money.amount().is_sign_negative() {
        item.wrong_with("is below zero", "write what calls may cost together, as in 500 USD");
        return None;
    }
    Some(money)
}

#[cfg(test)]
mod tests {
    use crate::{
        file::ApprovalsFile,
        model::{CountedPer, OverLimit},
        policy::Policy as _,
    };

    #[test]
    fn limits_are_read_with_all_that_they_say() {
        let text = "policy:\n  limits:\n    - name: refunds a day\n      action: [payments.*, mail.send]\n      per: [agent, run, person]\n      within: 24h\n      calls: 20\n      cost: 500 USD\n      over: deny\n    - {name: all, calls: 0}\n    - {name: open, per: agent, open: 5}\n";
        let file = ApprovalsFile::parse("approvals.yaml", text).unwrap();
        let limits = file.policy.unwrap().limits();
        let [first, second, third] = &*limits else { panic!("{limits:?}") };
        assert_eq!((&*first.name, first.actions.len(), first.calls), ("refunds a day", 2, Some(20)));
        assert_eq!(first.per, CountedPer { run: true, agent: true, action: false, person: true });
        assert_eq!((first.within.map(|window| window.as_hours()), first.over), (Some(24), OverLimit::Deny));
        assert_eq!(first.cost.unwrap().to_string(), "500 USD");
        assert_eq!((third.open, third.per, third.calls), (Some(5), CountedPer::AGENT, None));
        assert_eq!((second.calls, second.over, second.within), (Some(0), OverLimit::Ask, None));
    }

    #[test]
    fn a_limit_that_is_wrong_says_what_and_where() {
        let told = |limit: &str| {
            let text = format!("policy:\n  limits:\n    - {limit}\n");
            ApprovalsFile::parse("approvals.yaml", &text).unwrap_err().to_string()
        };
        for (limit, expected) in [
            ("{name: x}", "limits nothing"),
            ("{calls: 3}", "name"),
            ("{name: x, calls: -1}", "calls"),
            ("{name: x, cost: 5}", "12.50 USD"),
            ("{name: x, cost: -5 USD}", "below zero"),
            ("{name: x, calls: 1, over: maybe}", "maybe"),
            ("{name: x, calls: 1, per: week}", "week"),
            ("{name: x, calls: 1, within: 0s}", "within"),
            ("{name: x, calls: 1, acton: a.b}", "action"),
            ("{name: x, open: 1001}", "1000"),
            ("{name: x, open: 1, calls: 2}", "beside `open`"),
            ("{name: x, open: 1, over: ask}", "beside `open`"),
            ("{name: x, open: 1, within: 1h}", "beside `open`"),
            ("{name: max_tool_calls, per: run, calls: 1}", "give it another name"),
            ("{name: max_usd, cost: 1 USD}", "is the name of a limit of runs"),
            ("{name: max_steps, calls: 1}", "is the name of a limit of runs"),
            ("{name: max_seconds, open: 1}", "is the name of a limit of runs"),
        ] {
            let message = told(limit);
            assert!(
                message.contains(expected) && message.contains("approvals.yaml:3:"),
                "{limit}: {message}"
            );
        }
        let twice = "{name: x, calls: 1}\n    - {name: x, calls: 2}";
        assert!(told(twice).contains("another limit"), "{}", told(twice));
    }
}
