//! How long texts may be, and how many there may be of what is stored with a request.

use super::Refusal;
use crate::{error::Invalid, model::Text};

/// Longest note of a vote, and reason of a cancellation or revocation, in characters.
pub const NOTE_LIMIT: usize = 2_000;
/// Longest question to the agent, and longest answer, in characters.
pub const INFO_LIMIT: usize = 4_000;
/// Longest comment, in characters.
pub const COMMENT_LIMIT: usize = 4_000;
/// Longest intent that an agent may state, and longest question that it may put, in characters.
pub const INTENT_LIMIT: usize = 4_000;
/// Longest text that tells why a body failed, in characters; what is longer is cut, not refused.
pub const FAILURE_LIMIT: usize = 2_000;
/// Longest reason of a decision that is put together from several notes, in characters; what is longer is cut.
pub const REASON_LIMIT: usize = 8_000;
/// Most questions to the agent in the life of one request.
pub const INFO_COUNT_LIMIT: usize = 100;
/// Most comments on one request.
pub const COMMENT_COUNT_LIMIT: usize = 500;
/// Most times that people escalate one request by hand.
pub const ESCALATION_COUNT_LIMIT: usize = 100;

/// Most rules that edits of one request lead to, each of which must be met besides.
pub const EDIT_RULES_LIMIT: usize = 16;

/// Refuses a text that is longer than `limit` characters.
pub(super) fn no_longer(what: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    // A text has at most as many characters as bytes.
    if text.len() <= limit || text.chars().count() <= limit {
        Ok(())
    } else {
        Err(Invalid::new(what, text, format!("is longer than {limit} characters"))
            .hint("shorten it, and link what is long")
            .into())
    }
}

/// A text that must say something.
pub(super) fn said(what: &'static str, text: &Text, limit: usize) -> Result<Text, Refusal> {
    if text.trim().is_empty() {
        return Err(Invalid::new(what, &**text, "is empty").hint("say it in a sentence").into());
    }
    no_longer(what, text, limit)?;
    Ok(text.clone())
}

/// A text that may be left out; a blank one is none.
pub(super) fn perhaps(
    what: &'static str,
    text: Option<&Text>,
    limit: usize,
) -> Result<Option<Text>, Refusal> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    no_longer(what, text, limit)?;
    Ok(Some(text.clone()))
}

/// Refuses one more of something of which there may be `limit`.
pub(super) fn room(what: &'static str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count < limit {
        Ok(())
    } else {
        Err(Invalid::new(what, count.to_string(), format!("is the last one; there may be {limit}")).into())
    }
}

/// The text, cut to `limit` characters if it is longer; a cut text ends in an ellipsis.
pub(super) fn cut(text: Text, limit: usize) -> Text {
    match text.char_indices().nth(limit) {
        None => text,
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect::<String>().into(),
    }
}
