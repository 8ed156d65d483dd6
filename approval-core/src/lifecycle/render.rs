//! What an action is called in words, and what it costs: templates filled in from the arguments.
//!
//! A placeholder is a path in braces, such as `{cents}` or `{args.items[0].name}`. In descriptions `{{` and `}}` are
//! literal braces.

use super::place::{Found, find};
use crate::{
    error::Invalid,
    model::{ActionInfo, CanonicalJson, Money, canonical::FieldPath},
};

/// Fills in a description. Strings stand in it as they are, everything else as JSON.
///
/// Never fails: what is missing or kept secret is said in its place, and a brace that belongs to no placeholder stands for
/// itself.
///
/// ```
/// use approval_core::{lifecycle::render_description, model::canonical::parse_canonical};
///
/// let arguments = parse_canonical(r#"{"cents":1250,"args":{"customer":"Ann"}}"#)?;
/// let text = render_description("Refund {cents} cents to {args.customer} {{{note}}}", &arguments);
/// assert_eq!(text, "Refund 1250 cents to Ann {⟨missing note⟩}");
/// # Ok::<(), approval_core::model::canonical::EncodeError>(())
/// ```
#[must_use]
pub fn render_description(template: &str, arguments: &CanonicalJson) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, brace, after)) = split_at_brace(rest) {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix(brace) {
            out.push(brace);
            rest = after;
        } else if brace == '{'
            && let Some((path, after)) = rest.split_once('}')
        {
            out.push_str(&fill(path, arguments));
            rest = after;
        } else {
            out.push(brace);
        }
    }
    out.push_str(rest);
    out
}

/// Computes a cost: arithmetic over placeholders and numbers (`+ - * /` and parentheses), then a currency.
///
/// Numbers are decimal throughout, never binary fractions; only a division that does not come out even is rounded, at the
/// 28th digit. A placeholder must lead to a number, or to a string that holds a plain one.
///
/// ```
/// use approval_core::{lifecycle::compute_cost, model::canonical::parse_canonical};
///
/// let arguments = parse_canonical(r#"{"cents":1250}"#)?;
/// assert_eq!(compute_cost("{cents} / 100 USD", &arguments)?.to_string(), "12.50 USD");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the text is no such expression, a placeholder leads to no number, or the result is no decimal number of 28 digits.
pub fn compute_cost(expression: &str, arguments: &CanonicalJson) -> Result<Money, Invalid> {
    super::cost::compute(expression, arguments)
}

/// What a call of this action costs; `None` if the action declares no cost.
///
/// # Errors
/// Those of [`compute_cost`]; and when the cost is below zero and the action does not declare
/// [`credits`](ActionInfo::credits).
pub fn cost_of(action: &ActionInfo, arguments: &CanonicalJson) -> Result<Option<Money>, Invalid> {
    let Some(expression) = &action.cost else { return Ok(None) };
    let cost = compute_cost(expression, arguments)?;
    if cost.is_negative() && !action.credits {
        return Err(Invalid::new("cost", &**expression, format!("is {cost}, below zero"))
            .hint("an action that gives money back declares `credits`"));
    }
    Ok(Some(cost))
}

/// Splits at the first brace of either kind.
fn split_at_brace(text: &str) -> Option<(&str, char, &str)> {
    let (at, brace) = text.char_indices().find(|(_, c)| matches!(c, '{' | '}'))?;
    let (before, from) = text.split_at_checked(at)?;
    Some((before, brace, from.get(brace.len_utf8()..)?))
}

fn fill(path: &str, arguments: &CanonicalJson) -> String {
    let missing = || format!("⟨missing {path}⟩");
    let Ok(parsed) = path.trim().parse::<FieldPath>() else { return missing() };
    match find(arguments, parsed.steps()) {
        Found::Value(range) => match arguments.as_str().get(range) {
            Some(text) if text.starts_with('"') => serde_json::from_str(text).unwrap_or_else(|_| missing()),
            Some(text) => text.to_owned(),
            None => missing(),
        },
        Found::Redacted => "⟨redacted⟩".to_owned(),
        Found::NoKey { .. } | Found::Nothing => missing(),
    }
}
