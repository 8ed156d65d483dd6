//! Finding values in canonical JSON text, by their place. On the text itself, so that no number loses a digit.

use std::{borrow::Cow, ops::Range};

use crate::model::{CanonicalJson, canonical::Step};

/// How a placeholder for a redacted value begins.
const PLACEHOLDER: &str = r#"{"$redacted":"#;

/// What stands at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A value: the bytes of its text.
    Value(Range<usize>),
    /// An object that has no such key; a member may be put at this byte.
    NoKey {
        /// Just after the opening brace.
        at: usize,
        /// Whether the object has other members.
        others: bool,
    },
    /// A value that is kept secret, or lies in one.
    Redacted,
    /// Nothing, nor could there be.
    Nothing,
}

/// Follows the steps; [`Step::Every`] leads nowhere.
pub(super) fn find(json: &CanonicalJson, steps: &[Step]) -> Found {
    let text = json.as_str();
    let mut at = 0;
    for (number, step) in steps.iter().enumerate() {
        let last = number + 1 == steps.len();
        if is_placeholder(json, at) {
            return Found::Redacted;
        }
        at = match (step, text.as_bytes().get(at)) {
            (Step::Key(key), Some(b'{')) => match member(json, at, key) {
                Some(value) => value,
                None if last => {
                    return Found::NoKey { at: at + 1, others: text.as_bytes().get(at + 1) != Some(&b'}') };
                }
                None => return Found::Nothing,
            },
            (Step::Index(index), Some(b'[')) => match element(text, at, *index) {
                Some(value) => value,
                None => return Found::Nothing,
            },
            _ => return Found::Nothing,
        };
    }
    if is_placeholder(json, at) { Found::Redacted } else { Found::Value(at..end(text, at)) }
}

/// Whether a part of the text holds a placeholder. Inside a string its quotes would have backslashes.
pub(super) fn holds_placeholder(json: &CanonicalJson, part: &Range<usize>) -> bool {
    json.is_redacted() && json.as_str().get(part.clone()).is_none_or(|text| text.contains(PLACEHOLDER))
}

fn is_placeholder(json: &CanonicalJson, at: usize) -> bool {
    json.is_redacted() && json.as_str().get(at..).is_some_and(|text| text.starts_with(PLACEHOLDER))
}

/// Where the value of a key begins, in the object that begins at `at`.
fn member(json: &CanonicalJson, at: usize, key: &str) -> Option<usize> {
    let text = json.as_str();
    // Canonical text has one way to write a string.
    let key = serde_json::Value::from(&*stored_key(json, key)).to_string();
    let mut at = at + 1;
    while text.as_bytes().get(at) == Some(&b'"') {
        let key_end = end(text, at);
        let value = key_end + 1; // the colon
        if text.get(at..key_end)? == key {
            return Some(value);
        }
        at = after_comma(text, end(text, value))?;
    }
    None
}

/// Where an element begins, in the array that begins at `at`.
fn element(text: &str, at: usize, index: usize) -> Option<usize> {
    let mut at = at + 1;
    if text.as_bytes().get(at) == Some(&b']') {
        return None;
    }
    for _ in 0..index {
        at = after_comma(text, end(text, at))?;
    }
    Some(at)
}

fn after_comma(text: &str, at: usize) -> Option<usize> {
    (text.as_bytes().get(at) == Some(&b',')).then_some(at + 1)
}

/// A key as it stands in the text: among placeholders, a key of the same shape as theirs has one more `$`.
fn stored_key<'k>(json: &CanonicalJson, key: &'k str) -> Cow<'k, str> {
    if json.is_redacted() && key.starts_with('$') && key.trim_start_matches('$') == "redacted" {
        Cow::Owned(format!("${key}"))
    } else {
        Cow::Borrowed(key)
    }
}

/// The byte after the value that begins at `at`.
fn end(text: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(at) {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
                if depth == 0 {
                    return position + 1;
                }
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return position,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return position + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}
