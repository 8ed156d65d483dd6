//! The lines of an exported trail: JSON Lines in a fixed order and one fixed form, so that every byte can be held against
//! something.
//!
//! 1. `{"trail":1}`
//! 2. `{"seal":…}`, one for each seal, in their order.
//! 3. For each request, in the order of their ids: `{"request":{"count":…,"hash":…,"id":…}}`, then `{"event":…}` for each line
//!    of its history, the very text that its hash is taken over.
//! 4. `{"journal":{"line":…,"number":…}}`, in their order.
//! 5. `{"source":{"digest":…,"text":…}}`, one for each text of rules or people that is kept, in the order of their digests.
//! 6. `{"end":{"hash":…,"lines":…}}`: how many lines came before, and the SHA-256 of them with their line breaks.

use serde::{Deserialize, Serialize};

use crate::{
    id::RequestId,
    model::{ChainHash, SourceDigest},
    store::JournalLine,
};

/// The first line.
pub(super) const FIRST: &str = r#"{"trail":1}"#;
const SEAL: &str = r#"{"seal":"#;
const REQUEST: &str = r#"{"request":"#;
const EVENT: &str = r#"{"event":"#;
const JOURNAL: &str = r#"{"journal":"#;
const SOURCE: &str = r#"{"source":"#;
const END: &str = r#"{"end":"#;

/// Where the history of a request stands, by the request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) count: u64,
    pub(super) hash: ChainHash,
    pub(super) id: RequestId,
}

/// A line of the journal and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) line: JournalLine,
    pub(super) number: u64,
}

/// A text of rules or people, and the digest that it is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) digest: SourceDigest,
    pub(super) text: String,
}

/// What ends a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) hash: ChainHash,
    pub(super) lines: u64,
}

/// One line, its inside still text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    First,
    Seal(&'a str),
    Request(&'a str),
    Event(&'a str),
    Journal(&'a str),
    Source(&'a str),
    End(&'a str),
}

/// Tells what a line is. `None`: no line of a trail.
pub(super) fn classify(text: &str) -> Option<Line<'_>> {
    let inside = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix('}');
    if text == FIRST {
        return Some(Line::First);
    }
    inside(EVENT)
        .map(Line::Event)
        .or_else(|| inside(REQUEST).map(Line::Request))
        .or_else(|| inside(JOURNAL).map(Line::Journal))
        .or_else(|| inside(SEAL).map(Line::Seal))
        .or_else(|| inside(SOURCE).map(Line::Source))
        .or_else(|| inside(END).map(Line::End))
}

/// Puts a line together with its line break.
pub(super) fn push(out: &mut String, line: Line<'_>) {
    let (prefix, inside) = match line {
        Line::First => {
            out.push_str(FIRST);
            out.push('\n');
            return;
        }
        Line::Seal(inside) => (SEAL, inside),
        Line::Request(inside) => (REQUEST, inside),
        Line::Event(inside) => (EVENT, inside),
        Line::Journal(inside) => (JOURNAL, inside),
        Line::Source(inside) => (SOURCE, inside),
        Line::End(inside) => (END, inside),
    };
    for part in [prefix, inside, "}\n"] {
        out.push_str(part);
    }
}

/// Reads the inside of a line; only the very text that this program writes for what it says.
pub(super) fn read<T: Serialize + for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let value: T = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match serde_json::to_string(&value) {
        Ok(again) if again == text => Ok(value),
        _ => Err("it is not written as this program writes it: something was changed in it".to_owned()),
    }
}
