//! Reading what a person typed. Only exact words count; everything else decides nothing and is explained.

mod always;

use approval_core::model::StandingTerms;
use serde_json::{Map, Value};

pub(super) use always::in_words;

use super::edit;
use super::view::{Choice, Matter, View};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// Something for the manager.
    Answer(Answer),
    /// Put this request aside.
    Skip,
    /// Ask about the others first.
    Later,
    /// Explain the words.
    Help,
    /// Print the request again.
    Show,
    /// Tell who votes, or name who does.
    Who(Option<String>),
    /// Nothing that can be acted upon, and why.
    Unclear(String),
}

/// What a person decided to do with a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Vote for it.
    Approve {
        /// Handed on with the approval.
        note: Option<String>,
    },
    /// Vote for it, and do not be asked again about such calls.
    Always(StandingTerms),
    /// Vote against it.
    Reject {
        /// Name of the prepared reason.
        option: Option<String>,
        /// Reason in own words.
        reason: Option<String>,
    },
    /// Vote for it with changed arguments: new values by path.
    Edit(Map<String, Value>),
    /// Ask the agent.
    Ask(String),
    /// Answer a question.
    Value(Value),
}

/// Longest text that is handed on, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Reads one line, without its line break, as an answer to what is shown.
pub(super) fn read(line: &str, view: &View) -> Said {
    let line = line.trim_matches([' ', '\t']);
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return unclear("the line holds control characters (an arrow key, perhaps)");
    }
    if line.len() > MAX_TEXT && !starts_with_word(line, &["e", "edit"]) {
        return unclear("the line is longer than 16 KiB");
    }
    let (word, rest) = match line.split_once([' ', '\t']) {
        Some((word, rest)) => (word, rest.trim_start_matches([' ', '\t'])),
        None => (line, ""),
    };
    let question = matches!(view.matter, Matter::Question { .. });
    match word.to_ascii_lowercase().as_str() {
        "" => unclear("an empty line"),
        "y" | "yes" | "approve" if question => unclear("this is a question; answer it with: answer VALUE"),
        "y" | "yes" | "approve" => approve(rest),
        "always" => always::read(rest, view),
        "n" | "no" | "reject" => reject(rest, &view.options),
        "e" | "edit" if !question => edited(rest, view),
        "a" | "ask" if rest.is_empty() => unclear("what is the question? Write: ask TEXT"),
        "a" | "ask" => Said::Answer(Answer::Ask(rest.to_owned())),
        "answer" => answered(rest, &view.matter),
        "who" => Said::Who(Some(rest).filter(|rest| !rest.is_empty()).map(str::to_owned)),
        "s" | "skip" if rest.is_empty() => Said::Skip,
        // A prepared answer of that name is meant, if there is one.
        "l" | "later" if rest.is_empty() => match prepared(line, view) {
            Said::Unclear(_) => Said::Later,
            chosen => chosen,
        },
        "show" if rest.is_empty() => Said::Show,
        "?" | "h" | "help" if rest.is_empty() => Said::Help,
        _ => prepared(line, view),
    }
}

/// The words that count, for what is shown.
pub(super) fn help(view: &View) -> Vec<(String, &'static str)> {
    let question = matches!(view.matter, Matter::Question { .. });
    let mut words = Vec::new();
    let mut word = |usage: &str, meaning| words.push((usage.to_owned(), meaning));
    if question {
        word("answer VALUE", "give this answer");
        word("n, no, reject [REASON]", "refuse to answer");
    } else {
        word("y, yes, approve", "approve it exactly as shown");
        word("y note TEXT", "approve it, with a note for the record");
        if always::offered(view) {
            word(always::USAGE, always::MEANING);
        }
        word("n, no, reject [REASON]", "reject it");
    }
    if matches!(&view.matter, Matter::Question { choices, .. } if !choices.is_empty()) {
        word("NUMBER or NAME", "give that prepared answer");
    } else if !view.options.is_empty() {
        word("NUMBER or NAME", "reject it for that prepared reason");
    }
    if !view.options.is_empty() {
        word("n NUMBER: TEXT", "reject for that prepared reason, with words of your own");
    }
    if !question && !view.editable.is_empty() {
        word("e, edit NAME=VALUE ...", "approve it with these arguments changed");
    }
    word("a, ask TEXT", "ask the agent; the deadline stays");
    word("who [NUMBER or NAME]", "show who may vote here, or choose who votes");
    word("l, later", "decide on the others first, and come back to it");
    word("s, skip", "leave it undecided and go on");
    word("show", "print it again");
    word("?", "print this");
    words
}

/// The most needed of them, in one line.
pub(super) fn hint(view: &View) -> String {
    let question = matches!(view.matter, Matter::Question { .. });
    let (count, meaning) = match &view.matter {
        Matter::Question { choices, .. } if !choices.is_empty() => (choices.len(), "give that answer"),
        Matter::Question { .. } | Matter::Action => (view.options.len(), "reject for that reason"),
    };
    let options = match count {
        0 => String::new(),
        1 => format!("1 = {meaning}, "),
        count => format!("1 to {count} = {meaning}, "),
    };
    let edit = if question || view.editable.is_empty() { "" } else { "e NAME=VALUE = change and approve, " };
    let yes = if question { "answer VALUE" } else { "y = approve" };
    let no = if question { "refuse" } else { "reject" };
    let always = if always::offered(view) { "always ... = and do not ask again, " } else { "" };
    format!("{yes}, {always}n [REASON] = {no}, {options}{edit}a TEXT = ask, s = skip, ? = help")
}

fn unclear(why: &str) -> Said {
    Said::Unclear(why.to_owned())
}

fn starts_with_word(line: &str, words: &[&str]) -> bool {
    line.split([' ', '\t'])
        .next()
        .is_some_and(|first| words.iter().any(|word| first.eq_ignore_ascii_case(word)))
}

/// A line that is nothing but the number or the name of a prepared reason or answer.
fn prepared(line: &str, view: &View) -> Said {
    let answer = match &view.matter {
        Matter::Question { choices, .. } if !choices.is_empty() => {
            edit::choice(line, choices).map(Answer::Value)
        }
        Matter::Question { .. } | Matter::Action => option(line, &view.options)
            .map(|option| Answer::Reject { option: Some(option.name.clone()), reason: None }),
    };
    answer.map_or_else(|| unclear("not one of the words that count"), Said::Answer)
}

/// Approval takes the bare word: "yes, but ..." or "y?" is no approval.
fn approve(rest: &str) -> Said {
    if rest.is_empty() {
        return Said::Answer(Answer::Approve { note: None });
    }
    match rest.split_once(' ') {
        Some(("note", note)) if !note.trim().is_empty() => {
            Said::Answer(Answer::Approve { note: Some(note.trim().to_owned()) })
        }
        _ => unclear("to approve, write y and nothing else; with a note: y note TEXT"),
    }
}

fn reject(rest: &str, options: &[Choice]) -> Said {
    if let Some(option) = option(rest, options) {
        return Said::Answer(Answer::Reject { option: Some(option.name.clone()), reason: None });
    }
    if number(rest).is_some() && !options.is_empty() {
        return unclear("there is no option of that number");
    }
    if let Some((before, after)) = rest.split_once(':')
        && let Some(option) = option(before.trim(), options)
    {
        let reason = Some(after.trim().to_owned()).filter(|reason| !reason.is_empty());
        return Said::Answer(Answer::Reject { option: Some(option.name.clone()), reason });
    }
    let reason = Some(rest.to_owned()).filter(|reason| !reason.is_empty());
    Said::Answer(Answer::Reject { option: None, reason })
}

/// The option of that number or name; two of one name are distinguished by number only.
fn option<'a>(text: &str, options: &'a [Choice]) -> Option<&'a Choice> {
    if let Some(index) = number(text) {
        return options.get(index);
    }
    let mut named = options.iter().filter(|option| option.name == text || option.title == text);
    named.next().filter(|_| named.next().is_none())
}

/// The index that a number counted from one stands for; no sign, no leading zero.
pub(super) fn number(text: &str) -> Option<usize> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse::<usize>().ok()?.checked_sub(1) } else { None }
}

fn edited(rest: &str, view: &View) -> Said {
    match edit::read(rest, &view.editable) {
        Ok(changes) => Said::Answer(Answer::Edit(changes)),
        Err(why) => Said::Unclear(why),
    }
}

fn answered(rest: &str, matter: &Matter) -> Said {
    let Matter::Question { schema, choices } = matter else {
        return unclear("this is no question; approve with y, reject with n");
    };
    match edit::answer(rest, schema, choices) {
        Ok(value) => Said::Answer(Answer::Value(value)),
        Err(why) => Said::Unclear(why),
    }
}

#[cfg(test)]
mod tests;
