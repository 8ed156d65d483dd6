//! The one place that writes canonical text: ordering, escaping, limits, and the rewriting of the digest form.

mod form;

use std::cmp::Ordering;

use super::escape::{Content, push_escaped};
use super::key_order;
use super::number::{self, MAX_SAFE};
use super::{EncodeProblem, FieldPath, MAX_BYTES, MAX_DEPTH, Step};
pub(super) use form::Form;
use form::Treatment;

/// How much of a key errors show, in characters.
const SHOWN_KEY: usize = 120;

/// A finished text.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) form: Form,
    /// Whether the digest form is another text.
    pub(super) digest_differs: bool,
}

/// Writes one value; the caller brings its parts in any order of keys.
pub(super) struct Writer {
    out: String,
    form: Form,
    digest_differs: bool,
    root_written: bool,
    frames: Vec<Frame>,
    /// The entries of all objects that are open, innermost last.
    entries: Vec<Entry>,
    scratch: String,
}

/// An array or object that is open.
enum Frame {
    Array {
        /// Elements begun.
        len: usize,
    },
    Object {
        /// Where its entries begin in [`Writer::entries`].
        first: usize,
        /// Whether each key so far sorts after the one before.
        sorted: bool,
        /// A key was written, its value not yet.
        wants_value: bool,
    },
}

/// Where an object's entry stands in the text.
#[derive(Clone, Copy)]
struct Entry {
    /// The opening quote of the key.
    start: usize,
    /// The closing quote of the key.
    key_end: usize,
    /// After the value.
    end: usize,
    /// Where the key stands in the text that is read, to tell where an error is.
    source: usize,
    /// The beginning of the key, as a number that sorts as it does; 0 if the key has escapes or leaves ASCII.
    prefix: u64,
}

impl Entry {
    /// Its key, escaped; `None` if it does not lie in the text, which [`Writer::sort_entries`] refuses.
    fn key(self, text: &str) -> Option<&str> {
        text.get(self.start.checked_add(1)?..self.key_end)
    }

    /// The order of two keys; most are distinguished without looking at the text.
    fn compare(self, other: Self, text: &str) -> Ordering {
        if self.prefix != other.prefix && self.prefix != 0 && other.prefix != 0 {
            self.prefix.cmp(&other.prefix)
        } else {
            match (self.key(text), other.key(text)) {
                (Some(key), Some(other)) => key_order::compare(key, other),
                (key, other) => key.is_some().cmp(&other.is_some()),
            }
        }
    }
}

type Outcome = Result<(), Box<EncodeProblem>>;

impl Writer {
    pub(super) fn new(form: Form, capacity: usize) -> Self {
        Self {
            out: String::with_capacity(capacity),
            form,
            digest_differs: false,
            root_written: false,
            frames: Vec::with_capacity(8),
            entries: Vec::with_capacity(16),
            scratch: String::new(),
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    pub(super) fn finish(self) -> Result<Written, Box<EncodeProblem>> {
        if !self.root_written || !self.frames.is_empty() {
            return Err(EncodeProblem::Misuse { what: "a value was left unfinished" }.into());
        }
        Ok(Written { text: self.out, form: self.form, digest_differs: self.digest_differs })
    }

    /// Where the value stands that is being written.
    pub(super) fn path(&self) -> FieldPath {
        let mut steps = Vec::with_capacity(self.frames.len());
        for (level, frame) in self.frames.iter().enumerate() {
            match frame {
                Frame::Array { len: 0 } => {}
                Frame::Array { len } => steps.push(Step::Index(len.saturating_sub(1))),
                Frame::Object { first, .. } => {
                    let end = self.frames.iter().skip(level + 1).find_map(|inner| match inner {
                        Frame::Object { first, .. } => Some(*first),
                        Frame::Array { .. } => None,
                    });
                    let entries = self.entries.get(*first..end.unwrap_or(self.entries.len()));
                    if let Some(entry) = entries.and_then(<[Entry]>::last) {
                        // Only for an error, which shows the path.
                        steps.push(Step::Key(shown(entry.key(&self.out).unwrap_or("?")).into()));
                    }
                }
            }
        }
        FieldPath::new(steps)
    }

    /// Where the object stands whose next key is to be written.
    pub(super) fn path_of_object(&self) -> FieldPath {
        let path = self.path();
        match (self.frames.last(), path.steps()) {
            (Some(Frame::Object { first, .. }), [outer @ .., _]) if self.entries.len() > *first => {
                FieldPath::new(outer)
            }
            _ => path,
        }
    }

    /// Where the key of the current entry stands in the text that is read.
    pub(super) fn source_of_key(&self) -> Option<usize> {
        self.entries.last().map(|entry| entry.source)
    }

    pub(super) fn null(&mut self) -> Outcome {
        self.token("null")
    }

    pub(super) fn bool(&mut self, value: bool) -> Outcome {
        self.token(if value { "true" } else { "false" })
    }

    pub(super) fn string(&mut self, value: &str) -> Outcome {
        self.begin_value()?;
        self.room(value.len())?;
        self.out.push('"');
        push_escaped(&mut self.out, value);
        self.out.push('"');
        self.room(0)
    }

    /// A string that comes in pieces; `pieces` writes them with [`Writer::piece`].
    pub(super) fn string_of(&mut self, pieces: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        self.begin_value()?;
        self.out.push('"');
        pieces(self)?;
        self.out.push('"');
        self.room(0)
    }

    pub(super) fn piece(&mut self, piece: &str) -> Outcome {
        self.room(piece.len())?;
        push_escaped(&mut self.out, piece);
        Ok(())
    }

    pub(super) fn unsigned(&mut self, value: u64) -> Outcome {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(value);
        if value > MAX_SAFE { self.integer(digits) } else { self.token(digits) }
    }

    pub(super) fn signed(&mut self, value: i64) -> Outcome {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(value);
        if value.unsigned_abs() > MAX_SAFE { self.integer(digits) } else { self.token(digits) }
    }

    /// An integer of any size, as JSON writes it.
    pub(super) fn integer(&mut self, digits: &str) -> Outcome {
        if number::is_safe(digits) {
            return self.token(digits);
        }
        if !self.form.is_digest() {
            self.digest_differs = true;
            return self.token(digits);
        }
        self.begin_value()?;
        for part in [r#"{"$int":""#, digits, r#""}"#] {
            self.out.push_str(part);
        }
        Ok(())
    }

    pub(super) fn float(&mut self, value: f64) -> Outcome {
        if !value.is_finite() {
            return Err(EncodeProblem::NotFinite { found: number::name_of_non_finite(value) }.into());
        }
        self.begin_value()?;
        let mut buffer = ryu_js::Buffer::new();
        let digits = buffer.format_finite(value);
        if number::looks_like_large_integer(value) && !self.form.is_digest() {
            self.digest_differs = true;
            number::push_with_exponent(digits, &mut self.out);
        } else {
            self.out.push_str(digits);
        }
        self.room(0)
    }

    /// A number literal of JSON.
    pub(super) fn number(&mut self, literal: &str) -> Outcome {
        match number::read(literal)? {
            number::Number::Integer(digits) => self.integer(digits),
            number::Number::Float(double) => self.float(double),
        }
    }

    /// The object that stands for a redacted value.
    pub(super) fn placeholder(&mut self, keyed: &str) -> Outcome {
        self.begin_object()?;
        self.push_key("$redacted", 0)?;
        self.string(keyed)?;
        self.end_object()
    }

    pub(super) fn begin_array(&mut self) -> Outcome {
        self.open('[', Frame::Array { len: 0 })
    }

    /// Announces the next element of an array.
    pub(super) fn element(&mut self) {
        if let Some(Frame::Array { len }) = self.frames.last_mut() {
            if *len > 0 {
                self.out.push(',');
            }
            *len += 1;
        }
    }

    pub(super) fn end_array(&mut self) -> Outcome {
        self.frames.pop();
        self.out.push(']');
        self.room(0)
    }

    pub(super) fn begin_object(&mut self) -> Outcome {
        let first = self.entries.len();
        self.open('{', Frame::Object { first, sorted: true, wants_value: false })
    }

    /// The key of the next entry; `source` is where it stands in the text that is read.
    pub(super) fn key(&mut self, key: &str, source: usize) -> Outcome {
        if key.starts_with('$') {
            match self.form.treatment(key) {
                Treatment::Keep => {}
                Treatment::Note => self.digest_differs = true,
                Treatment::Escape => return self.push_key(&format!("${key}"), source),
            }
        }
        self.push_key(key, source)
    }

    fn push_key(&mut self, key: &str, source: usize) -> Outcome {
        self.room(key.len())?;
        let Some(Frame::Object { first, sorted, wants_value: wants_value @ false }) = self.frames.last_mut()
        else {
            return Err(EncodeProblem::Misuse { what: "a key was written where a value belongs" }.into());
        };
        *wants_value = true;
        if self.entries.len() > *first {
            let end = self.out.len();
            if let Some(previous) = self.entries.last_mut() {
                previous.end = end;
            }
            self.out.push(',');
        }
        let start = self.out.len();
        self.out.push('"');
        let content = push_escaped(&mut self.out, key);
        let key_end = self.out.len();
        self.out.push_str("\":");
        let prefix = if content == Content::PlainAscii { key_order::prefix(key) } else { 0 };
        let entry = Entry { start, key_end, end: key_end, source, prefix };
        if *sorted && self.entries.len() > *first {
            *sorted = self.entries.last().is_some_and(|previous| previous.compare(entry, &self.out).is_lt());
        }
        self.entries.push(entry);
        Ok(())
    }

    pub(super) fn end_object(&mut self) -> Outcome {
        let Some(Frame::Object { first, sorted, wants_value: false }) = self.frames.last() else {
            return Err(
                EncodeProblem::Misuse { what: "an object ended without the value of its last key" }.into()
            );
        };
        let (first, sorted) = (*first, *sorted);
        let end = self.out.len();
        if let Some(last) = self.entries.last_mut() {
            last.end = end.max(last.end);
        }
        if !sorted {
            self.sort_entries(first)?;
        }
        self.entries.truncate(first);
        self.frames.pop();
        self.out.push('}');
        self.room(0)
    }

    /// Puts the entries of the innermost object into the order of their keys.
    fn sort_entries(&mut self, first: usize) -> Outcome {
        let Self { out, entries, scratch, .. } = self;
        let misuse = || EncodeProblem::Misuse { what: "the entries of an object do not lie in its text" };
        let entries = entries.get_mut(first..).ok_or_else(misuse)?;
        let body = entries.first().map_or(out.len(), |entry| entry.start);
        if entries.iter().any(|entry| entry.key(out).is_none()) {
            return Err(misuse().into());
        }
        // Stable, so that of two equal keys the later one is the duplicate.
        entries.sort_by(|left, right| left.compare(*right, out));
        let duplicate = entries.windows(2).position(|pair| match pair {
            [left, right] => left.compare(*right, out).is_eq(),
            _ => false,
        });
        if let Some(at) = duplicate {
            let key = entries.get(at).and_then(|entry| entry.key(out)).map(shown);
            // The duplicate becomes the current entry, so that path and position lead to it.
            self.entries.truncate(first + at + 2);
            return Err(EncodeProblem::DuplicateKey { key: key.ok_or_else(misuse)? }.into());
        }
        scratch.clear();
        scratch.push_str(out.get(body..).ok_or_else(misuse)?);
        out.truncate(body);
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let place = entry.start.checked_sub(body).zip(entry.end.checked_sub(body));
            let text = place.and_then(|(start, end)| scratch.get(start..end));
            out.push_str(text.ok_or_else(misuse)?);
        }
        Ok(())
    }

    fn open(&mut self, bracket: char, frame: Frame) -> Outcome {
        self.begin_value()?;
        if self.frames.len() >= MAX_DEPTH && !self.form.is_digest() {
            return Err(EncodeProblem::TooDeep { limit: MAX_DEPTH }.into());
        }
        self.out.push(bracket);
        self.frames.push(frame);
        Ok(())
    }

    fn token(&mut self, token: &str) -> Outcome {
        self.begin_value()?;
        self.out.push_str(token);
        self.room(0)
    }

    /// Checks that a value may stand here.
    fn begin_value(&mut self) -> Outcome {
        match self.frames.last_mut() {
            Some(Frame::Array { .. }) => {}
            Some(Frame::Object { wants_value, .. }) => {
                if !std::mem::take(wants_value) {
                    return Err(
                        EncodeProblem::Misuse { what: "a value was written where a key belongs" }.into()
                    );
                }
            }
            None => {
                if std::mem::replace(&mut self.root_written, true) {
                    return Err(EncodeProblem::Misuse { what: "a second value was written" }.into());
                }
            }
        }
        Ok(())
    }

    /// Checks the limit of length. The digest form may be longer: it is never stored.
    fn room(&self, more: usize) -> Outcome {
        if self.out.len().saturating_add(more) > MAX_BYTES && !self.form.is_digest() {
            return Err(EncodeProblem::TooLong { limit: MAX_BYTES }.into());
        }
        Ok(())
    }
}

/// A key as errors show it: not escaped, and shortened when very long.
fn shown(escaped: &str) -> String {
    let mut characters = key_order::unescape(escaped);
    let mut key: String = characters.by_ref().take(SHOWN_KEY).collect();
    if characters.next().is_some() {
        key.push('…');
    }
    key
}
