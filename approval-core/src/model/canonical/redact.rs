//! Values that no person shall see, but that a digest shall still bind.
//!
//! A bare hash of a short secret can be guessed by trying, so redacted values enter the digest keyed. The key belongs
//! to the processes that call actions, never to the store.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::digest::push_hex;
use super::parse::{Lexer, Token, elements, entries, placed, value};
use super::writer::{Form, Writer};
use super::{CanonicalJson, EncodeError, EncodeProblem, FieldPath, Step};
use crate::error::Invalid;

/// A secret key for [`keyed`] and [`redact`].
#[derive(Clone)]
pub struct DigestKey {
    id: Box<str>,
    /// Filled up with zeros to the block size of SHA-256, as HMAC does with a shorter key.
    block: [u8; 64],
}

impl DigestKey {
    /// A key with its name; the name is stored with what was redacted, so that the key can be found again.
    ///
    /// # Errors
    /// When the name is empty, longer than 64 characters, or has others than ASCII letters, digits, `.`, `_` and `-`.
    pub fn new(id: &str, bytes: [u8; 32]) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
            return Err(Invalid::new("key id", id, "cannot name a key")
                .hint("use 1 to 64 characters out of ASCII letters, digits, `.`, `_` and `-`"));
        }
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = from;
        }
        Ok(Self { id: id.into(), block })
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    fn keyed(&self, message: &str) -> String {
        let mut mac = Hmac::<Sha256>::new(&self.block.into());
        mac.update(message.as_bytes());
        let mut text = format!("hmac-sha256:{}:", self.id);
        push_hex(&mut text, &mac.finalize().into_bytes());
        text
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What stands for a value in a digest without telling it: `hmac-sha256:<key id>:<64 hexadecimal digits>`.
///
/// It is HMAC-SHA-256 under the key over the value's [digest form](CanonicalJson::digest_form). Under one key, equal
/// values give equal results, also in different requests.
#[must_use]
pub fn keyed(value: &CanonicalJson, key: &DigestKey) -> String {
    key.keyed(value.digest_form())
}

/// Arguments with placeholders for what is redacted.
#[derive(Debug, Clone)]
pub struct Redacted {
    /// What is stored, shown and digested.
    ///
    /// Each redacted value is the object `{"$redacted":"hmac-sha256:…"}`. A key of the user's own that has this shape
    /// (one or more `$`, then `redacted`) has one more `$` in this text, so that no value looks like a placeholder.
    /// It is read again by [`CanonicalJson::parse_redacted`].
    pub bound: CanonicalJson,
    /// The paths that led to no value, because a key, an element or an optional parent is absent.
    ///
    /// Nothing was redacted for them. For an optional field this is right; a path with a spelling mistake ends here
    /// too, so check these against the schema of the arguments.
    pub absent: Vec<FieldPath>,
    /// The paths that somewhere ended at a key or an element that is not there, be it in one element of many.
    ///
    /// A path that ends at `null`, or that leads through an array or an object without any elements, is not among them: there
    /// is no value that could be called something else.
    pub missing: Vec<FieldPath>,
}

/// Replaces the values at these paths by placeholders that bind them without telling them.
///
/// A path into an absent key, an absent element or `null` has nothing to redact, and is listed in
/// [`Redacted::absent`]; a value that is itself `null` is redacted like any other. Where one path lies within another,
/// the outer one counts. Without any path found, the result is the value as it was.
///
/// # Errors
/// When a path leads into a value of the wrong shape (a key of an array, an element of an object, anything of a string,
/// number or bool), or when the result is too large.
pub fn redact(value: &CanonicalJson, paths: &[FieldPath], key: &DigestKey) -> Result<Redacted, EncodeError> {
    let form = if value.is_redacted() { Form::Redacted } else { Form::Redacting };
    replace(value, paths, form, Some(key))
}

/// Replaces the values at these paths by `null`, so that nothing about them is bound. A path that leads to no value is
/// passed over.
///
/// # Errors
/// As [`redact`].
pub fn omit(value: &CanonicalJson, paths: &[FieldPath]) -> Result<CanonicalJson, EncodeError> {
    let form = if value.is_redacted() { Form::Redacted } else { Form::Plain };
    Ok(replace(value, paths, form, None)?.bound)
}

fn replace(
    value: &CanonicalJson,
    paths: &[FieldPath],
    form: Form,
    key: Option<&DigestKey>,
) -> Result<Redacted, EncodeError> {
    let text = value.as_str();
    let mut lexer = Lexer::new(text);
    let mut writer = Writer::new(form, text.len().saturating_add(128));
    let mut walk = Walk { key, found: vec![false; paths.len()], missing: vec![false; paths.len()] };
    let all: Vec<Cursor<'_>> =
        paths.iter().enumerate().map(|(number, path)| Cursor { number, path, rest: path.steps() }).collect();

    let outcome = lexer.next().and_then(|first| walk.value(&all, first, &mut lexer, &mut writer));
    if let Err(problem) = outcome {
        return Err(placed(problem, &lexer, &writer));
    }
    let bound = if walk.found.contains(&true) {
        let written =
            writer.finish().map_err(|problem| EncodeError::new(problem, FieldPath::root(), None))?;
        CanonicalJson::from_written(written)?
    } else {
        value.clone()
    };
    let absent =
        paths.iter().zip(walk.found).filter(|(_, found)| !found).map(|(path, _)| path.clone()).collect();
    let missing = paths
        .iter()
        .zip(walk.missing)
        .filter(|(_, missing)| *missing)
        .map(|(path, _)| path.clone())
        .collect();
    Ok(Redacted { bound, absent, missing })
}

struct Walk<'k> {
    /// Under which placeholders are made; `null` stands in without.
    key: Option<&'k DigestKey>,
    /// For each path, whether it led to a value.
    found: Vec<bool>,
    /// For each path, whether it ended somewhere at a key or an element that is not there.
    missing: Vec<bool>,
}

/// How far a path was followed.
#[derive(Clone, Copy)]
struct Cursor<'p> {
    number: usize,
    path: &'p FieldPath,
    rest: &'p [Step],
}

impl Cursor<'_> {
    fn follow(self, takes: impl Fn(&Step) -> bool) -> Option<Self> {
        match self.rest {
            [step, rest @ ..] if takes(step) => Some(Self { rest, ..self }),
            _ => None,
        }
    }

    fn mismatch(self, found: &'static str) -> EncodeProblem {
        EncodeProblem::PathMismatch { path: self.path.clone(), found }
    }
}

impl Walk<'_> {
    /// Copies the value that begins with `first`, and replaces what the cursors lead to.
    fn value<'a>(
        &mut self,
        cursors: &[Cursor<'_>],
        first: Token<'a>,
        lexer: &mut Lexer<'a>,
        writer: &mut Writer,
    ) -> Result<(), Box<EncodeProblem>> {
        if cursors.iter().any(|cursor| cursor.rest.is_empty()) {
            // Also what would lead further in: it is redacted with the whole.
            for cursor in cursors {
                if let Some(found) = self.found.get_mut(cursor.number) {
                    *found = true;
                }
            }
            let mut hidden = Writer::new(writer.form().digest_source(), 64);
            value(first, lexer, &mut hidden)?;
            let Some(key) = self.key else { return writer.null() };
            return writer.placeholder(&key.keyed(&hidden.finish()?.text));
        }
        let Some(any) = cursors.first() else { return value(first, lexer, writer) };
        if first == Token::BeginObject {
            if let Some(wrong) = cursors.iter().find(|cursor| matches!(cursor.rest, [Step::Index(_), ..])) {
                return Err(wrong.mismatch("an object; write the key instead of a number").into());
            }
            let mut went_on = vec![false; cursors.len()];
            entries(lexer, writer, |key, token, lexer, writer| {
                let within = narrowed(cursors, &mut went_on, |step| step.takes_key(key));
                self.value(&within, token, lexer, writer)
            })?;
            self.note_missing(cursors, &went_on);
            return Ok(());
        }
        if first == Token::BeginArray {
            if let Some(wrong) = cursors.iter().find(|cursor| matches!(cursor.rest, [Step::Key(_), ..])) {
                return Err(wrong.mismatch("an array; write `[0]` or `[*]` instead of the key").into());
            }
            let mut index = 0;
            let mut went_on = vec![false; cursors.len()];
            elements(lexer, writer, |token, lexer, writer| {
                let within = narrowed(cursors, &mut went_on, |step| step.takes_index(index));
                index += 1;
                self.value(&within, token, lexer, writer)
            })?;
            self.note_missing(cursors, &went_on);
            return Ok(());
        }
        if first == Token::Null { writer.null() } else { Err(any.mismatch("a value without fields").into()) }
    }

    /// Notes the paths whose next key or element was not there.
    fn note_missing(&mut self, cursors: &[Cursor<'_>], went_on: &[bool]) {
        for (cursor, went_on) in cursors.iter().zip(went_on) {
            let names_one = matches!(cursor.rest, [Step::Key(_) | Step::Index(_), ..]);
            if names_one
                && !went_on
                && let Some(missing) = self.missing.get_mut(cursor.number)
            {
                *missing = true;
            }
        }
    }
}

/// The cursors that lead further in here; says of each whether it ever did.
fn narrowed<'p>(
    cursors: &[Cursor<'p>],
    went_on: &mut [bool],
    takes: impl Fn(&Step) -> bool,
) -> Vec<Cursor<'p>> {
    let mut within = Vec::new();
    for (cursor, went_on) in cursors.iter().zip(went_on) {
        if let Some(further) = cursor.follow(&takes) {
            *went_on = true;
            within.push(further);
        }
    }
    within
}
