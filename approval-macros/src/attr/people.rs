//! Who is asked: `approvers(…)`, `require(…)`, `escalate(…)`.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::ParseStream;
use syn::{LitInt, Token};

use super::choice::{self, Priority};
use super::principal::{self, Approver};
use super::{Spanned, duration, stream};
use crate::error::Errors;
use crate::suggest;

const APPROVER: &str = "\"user:ann@example.com\" or \"group:finance\"";

/// At least `count` of `approvers`.
pub(crate) struct Requirement {
    pub(crate) count: u32,
    pub(crate) approvers: Vec<Approver>,
    /// Whether a person who fills a seat of another requirement may fill one here too.
    pub(crate) may_share: bool,
}

/// How often people who have not voted are reminded.
pub(crate) struct Remind {
    pub(crate) every: Spanned<Duration>,
    pub(crate) at_most: u32,
}

/// Who else is asked after a delay.
pub(crate) struct Escalation {
    pub(crate) after: Spanned<Duration>,
    pub(crate) to: Vec<Approver>,
    /// Which requirement it widens, counted from 1.
    pub(crate) requirement: Option<Spanned<u32>>,
    pub(crate) priority: Option<Spanned<Priority>>,
    pub(crate) span: Span,
}

/// `approvers("user:ann", "group:finance")`, or several `require(…)` inside.
pub(crate) fn approvers(key: &Ident, tokens: TokenStream, errors: &mut Errors) -> Vec<Requirement> {
    let (mut people, mut requirements) = (Vec::new(), Vec::new());
    let before = errors.len();
    stream::each_item_in(tokens, errors, |input, errors| {
        if input.peek(syn::Ident) {
            let name: Ident = input.parse()?;
            if name != "require" {
                return Err(syn::Error::new(name.span(), format!("expected {APPROVER}, or `require(…)`")));
            }
            requirements.extend(require(&name, stream::parenthesised(input, &name)?, errors));
            return Ok(());
        }
        people.push(principal::parse(&stream::string(input, APPROVER)?)?);
        Ok(())
    });
    refuse_repeated(&people, errors);
    if !people.is_empty() && !requirements.is_empty() {
        errors.at(
            key.span(),
            "`approvers` holds either people or `require(…)` items: move the people into a `require(1, …)`",
        );
    }
    if people.is_empty() && requirements.is_empty() && errors.len() == before {
        errors.at(key.span(), format!("`approvers` names no person: add {APPROVER}"));
    }
    if !people.is_empty() {
        requirements.push(Requirement { count: 1, approvers: people, may_share: false });
    }
    requirements
}

/// `require(2, "group:finance", "user:ann")`.
pub(crate) fn require(key: &Ident, tokens: TokenStream, errors: &mut Errors) -> Option<Requirement> {
    let before = errors.len();
    let mut count: Option<Spanned<u32>> = None;
    let mut people = Vec::new();
    let mut may_share = None;
    let mut first = true;
    stream::each_item_in(tokens, errors, |input, _| {
        if std::mem::take(&mut first) {
            let span = input.span();
            let number: LitInt = input.parse().map_err(|_| {
                syn::Error::new(
                    span,
                    "`require` starts with how many must approve: `require(2, \"group:finance\")`",
                )
            })?;
            let value = number.base10_parse().map_err(|_| {
                syn::Error::new(number.span(), "expected a number of people, such as `require(2, …)`")
            })?;
            count = Some(Spanned { value, span: number.span() });
            return Ok(());
        }
        if input.peek(syn::Ident) {
            let word: Ident = input.parse()?;
            if word != "may_share" {
                return Err(unknown(&word, "`require`", &word.to_string(), &["may_share"]));
            }
            return once(&mut may_share, (), &word);
        }
        people.push(principal::parse(&stream::string(input, APPROVER)?)?);
        Ok(())
    });
    refuse_repeated(&people, errors);
    if errors.len() > before {
        return None;
    }
    let Some(count) = count else {
        errors.at(key.span(), "`require` is empty: write `require(2, \"group:finance\")`");
        return None;
    };
    if people.is_empty() {
        errors.at(key.span(), format!("`require` names no person: add {APPROVER}"));
    } else if count.value == 0 {
        errors.at(count.span, "nothing is approved with zero votes: write 1 or more");
    } else if usize::try_from(count.value).is_ok_and(|count| count > people.len())
        && !people.iter().any(|person| person.is_group)
    {
        errors.at(
            count.span,
            format!(
                "{} approvals can never come from {}: name more, or a group",
                count.value,
                if people.len() == 1 { "one person".to_owned() } else { format!("{} people", people.len()) }
            ),
        );
    }
    Some(Requirement { count: count.value, approvers: people, may_share: may_share.is_some() })
}

/// `escalate(after = "10m", to("group:oncall"), requirement = 2, priority = "critical")`.
pub(crate) fn escalate(key: &Ident, tokens: TokenStream, errors: &mut Errors) -> Option<Escalation> {
    const KEYS: [&str; 4] = ["after", "to", "requirement", "priority"];
    let before = errors.len();
    let mut after = None;
    let mut to: Option<Vec<Approver>> = None;
    let mut requirement = None;
    let mut priority = None;
    stream::each_item_in(tokens, errors, |input, errors| {
        let name = key_of(input, &KEYS)?;
        match name.to_string().as_str() {
            "after" => {
                input.parse::<Token![=]>()?;
                let literal = stream::string(input, "\"10m\"")?;
                let value = duration::parse_positive(&literal)?;
                once(&mut after, Spanned { value, span: literal.span() }, &name)
            }
            "to" => {
                let mut people = Vec::new();
                stream::each_item_in(stream::parenthesised(input, &name)?, errors, |input, _| {
                    people.push(principal::parse(&stream::string(input, APPROVER)?)?);
                    Ok(())
                });
                refuse_repeated(&people, errors);
                once(&mut to, people, &name)
            }
            "requirement" => {
                input.parse::<Token![=]>()?;
                let number = stream::positive(input, "which requirement is widened")?;
                once(&mut requirement, number, &name)
            }
            "priority" => {
                input.parse::<Token![=]>()?;
                let literal = stream::string(input, "\"critical\"")?;
                once(&mut priority, Spanned { value: choice::parse(&literal)?, span: literal.span() }, &name)
            }
            other => Err(unknown(&name, "`escalate`", other, &KEYS)),
        }
    });
    if errors.len() > before {
        return None;
    }
    match (after, to) {
        (Some(after), Some(to)) if !to.is_empty() => {
            Some(Escalation { after, to, requirement, priority, span: key.span() })
        }
        (None, _) => {
            errors.at(
                key.span(),
                "`escalate` needs its delay: `escalate(after = \"10m\", to(\"group:oncall\"))`",
            );
            None
        }
        (Some(_), _) => {
            errors.at(key.span(), "`escalate` names no person: add `to(\"group:oncall\")`");
            None
        }
    }
}

/// `remind(every = "5m", at_most = 3)`.
pub(crate) fn remind(key: &Ident, tokens: TokenStream, errors: &mut Errors) -> Option<Remind> {
    const KEYS: [&str; 2] = ["every", "at_most"];
    let before = errors.len();
    let mut every = None;
    let mut at_most = None;
    stream::each_item_in(tokens, errors, |input, _| {
        let name = key_of(input, &KEYS)?;
        match name.to_string().as_str() {
            "every" => {
                input.parse::<Token![=]>()?;
                let literal = stream::string(input, "\"5m\"")?;
                let value = duration::parse_positive(&literal)?;
                once(&mut every, Spanned { value, span: literal.span() }, &name)
            }
            "at_most" => {
                input.parse::<Token![=]>()?;
                once(&mut at_most, stream::positive(input, "a number of reminders")?.value, &name)
            }
            other => Err(unknown(&name, "`remind`", other, &KEYS)),
        }
    });
    if errors.len() > before {
        return None;
    }
    let (Some(every), Some(at_most)) = (every, at_most) else {
        errors.at(key.span(), "`remind` needs both: `remind(every = \"5m\", at_most = 3)`");
        return None;
    };
    Some(Remind { every, at_most })
}

/// Fills `slot`, or refuses the second value for `key`.
pub(crate) fn once<T>(slot: &mut Option<T>, value: T, key: &Ident) -> syn::Result<()> {
    if slot.is_some() {
        return Err(syn::Error::new(key.span(), format!("`{key}` is given twice: keep one")));
    }
    *slot = Some(value);
    Ok(())
}

/// The key that comes next, inside of a list that has only `known` ones.
fn key_of(input: ParseStream<'_>, known: &[&str]) -> syn::Result<Ident> {
    let expected = suggest::one_of(known.iter().copied());
    input.parse().map_err(|error: syn::Error| syn::Error::new(error.span(), format!("expected {expected}")))
}

/// The error for a key that `place` does not know.
pub(crate) fn unknown(key: &Ident, place: &str, given: &str, known: &[&str]) -> syn::Error {
    let hint = suggest::nearest(given, known.iter()).map_or_else(
        || format!(": it knows {}", suggest::one_of(known.iter().copied())),
        |near| format!("; did you mean `{near}`?"),
    );
    syn::Error::new(key.span(), format!("{place} does not know `{given}`{hint}"))
}

fn refuse_repeated(people: &[Approver], errors: &mut Errors) {
    for (index, person) in people.iter().enumerate() {
        if people.iter().take(index).any(|earlier| earlier.id == person.id) {
            errors
                .at(person.literal.span(), format!("`{}` is named twice in this list: keep one", person.id));
        }
    }
}
