//! Where suggested rules stand in a file, and whether they do there what they are meant to.

use std::sync::Arc;

use super::{
    PassedOver, Suggestion, Suggestions, diff, rule::Proposal, tally, tally::Groups, together::together,
};
use crate::{
    file::ApprovalsFile,
    model::{ActionName, Gate, Requirement},
    yaml::{Document, Item},
};

/// Text that comes before a line of the file (counted from 0), by that line.
type Insertion = (usize, Vec<String>);

/// How often the changed file is read, at most. Reading takes long where thousands of rules are suggested, and is needed
/// once, unless some of them do not fit.
const TRIALS: usize = 400;

/// Why a proposal is passed over that came after that.
const UNTRIED: &str = "not tried, as too many others do not fit; take over what is suggested, and ask again";

/// What the groups suggest for a file.
pub(super) fn suggestions(
    file: &str,
    text: &str,
    requests: u64,
    groups: &Groups,
    at_least: u64,
) -> Suggestions {
    let mut suggested =
        Suggestions { file: file.to_owned(), requests, patched: text.to_owned(), ..Suggestions::default() };
    let mut proposals: Vec<Proposal<'_>> = Vec::new();
    for ((action, agent), group) in groups {
        if agent.is_some() && !separates(action, groups) {
            continue;
        }
        let proposed = match group.unfit(at_least) {
            // What is too little to say anything is not worth a line, unless there is more of it elsewhere.
            Some(_) if group.approved == 0 || agent.is_some() => continue,
            Some(why) => Err(why),
            None => Proposal::new(action, agent.as_ref(), group),
        };
        match proposed {
            Ok(proposal) => proposals.push(proposal),
            Err(why) => {
                let (action, agent) = (action.clone(), agent.clone());
                suggested.passed_over.push(PassedOver { action, agent, approved: group.approved, why });
            }
        }
    }
    let layout = Layout::of(file, text);
    let trials = if layout.is_ok() { TRIALS } else { 0 };
    let why = layout.as_ref().err().map_or(UNTRIED, String::as_str);
    let tried = together(proposals, trials, why, |proposals| match &layout {
        Ok(layout) => tried(file, text, layout, proposals),
        Err(why) => Err(why.clone()),
    });
    for (Proposal { told, .. }, why) in tried.refused {
        let Suggestion { action, agent, approved, .. } = told;
        suggested.passed_over.push(PassedOver { action, agent, approved, why });
    }
    suggested.passed_over.sort_by(|one, other| (&one.action, &one.agent).cmp(&(&other.action, &other.agent)));
    if let Some((patched, put_in)) = tried.made {
        suggested.diff = diff::unified(file, text, &put_in);
        suggested.patched = patched;
    }
    let written = layout.as_ref().map_or(0, |layout| layout.items.len());
    for mut proposal in tried.accepted {
        let before = proposal.before.filter(|asking| asking.place < written);
        proposal.told.before = before.map(|asking| asking.rule.clone());
        suggested.rules.push(proposal.told);
    }
    suggested
}

/// Whether something speaks against a rule for all agents that may not speak against one for some.
fn separates(action: &ActionName, groups: &Groups) -> bool {
    groups.get(&(action.clone(), None)).is_some_and(|all| !all.risky && !all.against.is_empty())
}

/// The file with the rules in it, and what is put in, if they do there what they are meant to.
fn tried(
    file: &str,
    text: &str,
    layout: &Layout,
    proposals: &[Proposal<'_>],
) -> Result<(String, Vec<Insertion>), String> {
    let insertions = insertions(layout, proposals);
    let patched = diff::applied(text, &insertions);
    let changed = ApprovalsFile::parse(file, &patched).map_err(|mistakes| {
        format!("the file would have a mistake: {}", first_line(&mistakes.to_string()))
    })?;
    let rules = changed.policy.ok_or("the file would have no rules")?;
    for proposal in proposals {
        for request in &proposal.group.samples {
            // What the action says itself, if it does, is at most what was asked for.
            let requirements: Vec<Requirement> =
                if proposal.told.may_relax { request.gate.requirements.clone() } else { Vec::new() };
            let gate = Arc::new(Gate::new("attribute", requirements));
            let told = rules.explain(&tally::call(request, &gate));
            if told.outcome != "allow" || !told.rule.starts_with(&proposal.told.name) {
                return Err(format!("the rule {} would decide about them all the same", told.rule));
            }
        }
    }
    Ok((patched, insertions))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn insertions(layout: &Layout, proposals: &[Proposal<'_>]) -> Vec<Insertion> {
    let mut at_the_end: Vec<String> = Vec::new();
    let mut insertions: Vec<Insertion> = Vec::new();
    for proposal in proposals {
        let lines = proposal.lines(&layout.indent);
        let place = proposal.before.map(|asking| asking.place);
        if let Some(line) = place.and_then(|place| layout.items.get(place)) {
            let end = if layout.spaced { vec![String::new()] } else { Vec::new() };
            insertions.push((*line, [lines, end].concat()));
        } else {
            if layout.spaced && (!at_the_end.is_empty() || !layout.items.is_empty()) {
                at_the_end.push(String::new());
            }
            at_the_end.extend(lines);
        }
    }
    if !at_the_end.is_empty() {
        let head = layout.head.clone().into_iter().chain(at_the_end).chain(layout.tail.clone()).collect();
        insertions.push((layout.end, head));
    }
    insertions.sort_by_key(|(line, _)| *line);
    insertions
}

/// Where rules stand in a file.
#[derive(Debug)]
struct Layout {
    /// What stands before the dash of a rule.
    indent: String,
    /// Where each rule begins, with the comment above it: a line, counted from 0.
    items: Vec<usize>,
    /// Where a rule behind the last one begins.
    end: usize,
    /// Lines that must come before the first rule: there are none yet.
    head: Vec<String>,
    /// Lines that come behind the last rule then.
    tail: Vec<String>,
    /// Whether rules stand apart.
    spaced: bool,
}

impl Layout {
    /// Finds the rules of a file without mistakes.
    fn of(file: &str, text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().collect();
        let document = Document::parse(file, text).map_err(|mistakes| mistakes.to_string())?;
        let Some((policy, section)) = entry(&document.root(), "policy") else {
            let begin = if text.is_empty() { Vec::new() } else { vec![String::new()] };
            return Ok(Self {
                indent: "    ".to_owned(),
                items: Vec::new(),
                end: lines.len(),
                head: [begin, vec!["policy:".to_owned(), "  rules:".to_owned()]].concat(),
                tail: Vec::new(),
                spaced: true,
            });
        };
        let Some((key, rules)) = entry(&section, "rules") else {
            let first = section.entries().and_then(|entries| entries.first().map(|entry| entry.key.place()));
            let first = first.filter(|first| first.line > policy.place().line).ok_or_else(flow)?;
            let indent = " ".repeat(first.column.saturating_sub(1));
            return Ok(Self {
                indent: format!("{indent}  "),
                items: Vec::new(),
                end: above_comments(&lines, first.line.saturating_sub(1)),
                head: vec![format!("{indent}rules:")],
                tail: vec![String::new()],
                spaced: true,
            });
        };
        let items: Vec<usize> =
            rules.list().unwrap_or_default().iter().map(|item| item.place().line.saturating_sub(1)).collect();
        let (Some(first), Some(last)) = (items.first().copied(), items.last().copied()) else {
            return Err(flow());
        };
        let dash = lines.get(first).map_or(0, |line| width(line));
        let dashes = |line: &usize| {
            lines.get(*line).is_some_and(|text| width(text) == dash && text.trim_start().starts_with("- "))
        };
        if first < key.place().line || !items.iter().all(dashes) {
            return Err(flow());
        }
        // What belongs to the last rule stands further in than its dash.
        let behind = |line: &&usize| {
            lines.get(**line).is_none_or(|text| !text.trim().is_empty() && width(text) <= dash)
        };
        let rest: Vec<usize> = (last.saturating_add(1)..=lines.len()).collect();
        let mut end = rest.iter().find(behind).copied().unwrap_or(lines.len());
        while end > last.saturating_add(1)
            && lines.get(end.saturating_sub(1)).is_some_and(|text| text.trim().is_empty())
        {
            end = end.saturating_sub(1);
        }
        let items: Vec<usize> = items.iter().map(|item| above_comments(&lines, *item)).collect();
        let apart = |item: &usize| {
            item.checked_sub(1).and_then(|above| lines.get(above)).is_some_and(|text| text.trim().is_empty())
        };
        let spaced = items.get(1..).is_some_and(|others| others.iter().any(apart));
        Ok(Self { indent: " ".repeat(dash), items, end, head: Vec::new(), tail: Vec::new(), spaced })
    }
}

fn flow() -> String {
    "the rules of the file stand in braces or brackets: write each on lines of its own after `- `".to_owned()
}

/// The key and the value of an entry.
fn entry<'d>(map: &Item<'d>, key: &str) -> Option<(Item<'d>, Item<'d>)> {
    let entries = map.is_map().then(|| map.entries()).flatten()?;
    entries
        .into_iter()
        .find(|entry| entry.key.text().is_some_and(|text| text == key))
        .map(|entry| (entry.key, entry.value))
}

/// How far in a line begins.
fn width(line: &str) -> usize {
    line.chars().take_while(|character| *character == ' ').count()
}

/// The first line of the comment that stands directly above a line, as far in as it.
fn above_comments(lines: &[&str], mut line: usize) -> usize {
    let own = lines.get(line).map_or(0, |text| width(text));
    while let Some(above) = line.checked_sub(1)
        && lines.get(above).is_some_and(|text| width(text) == own && text.trim_start().starts_with('#'))
    {
        line = above;
    }
    line
}
