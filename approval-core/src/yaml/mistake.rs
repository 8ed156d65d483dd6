//! A mistake in a file, and how it is reported.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::model::visible::visible_line;

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line, counted from 1; 0 if it has none.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// How many characters of this line it takes. May be 0.
    pub length: usize,
}

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// What it is about, such as `policy.rules[2].when`. Empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line that it stands in; of a long line, the part around it.
    pub source: String,
    /// How many characters of the line stand before `source`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub source_offset: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistakes {
    /// Name of the file.
    pub file: Arc<str>,
    /// At least one, and at most [`MISTAKE_LIMIT`].
    pub mistakes: Vec<Mistake>,
    /// Whether the limit was reached: reading stopped there, and there may be more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// Most mistakes that are listed of one file.
pub const MISTAKE_LIMIT: usize = 100;

/// Mistakes of a file while it is read. Their number and their size are bounded, whatever the file says.
#[derive(Debug, Default)]
pub(super) struct Noted {
    mistakes: Vec<Mistake>,
}

/// Longest message, path or hint, in characters.
const TEXT_LIMIT: usize = 1_000;
/// Longest part of a source line that is kept, and how much of it stands before the mistake, in characters.
const SOURCE_LIMIT: usize = 400;
const SOURCE_BEFORE: usize = 100;

impl Noted {
    pub(super) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Whether one more mistake would not be listed.
    pub(super) fn is_full(&self) -> bool {
        self.mistakes.len() >= MISTAKE_LIMIT
    }

    /// Notes a mistake. `line` is the source line that its place names.
    pub(super) fn add(&mut self, place: Place, path: &str, message: &str, hint: Option<&str>, line: &str) {
        if self.is_full() {
            return;
        }
        let (source, source_offset) = part_of_line(line.trim_end(), place.column.saturating_sub(1));
        self.mistakes.push(Mistake {
            place,
            path: cut(path),
            message: cut(message),
            hint: hint.map(cut),
            source,
            source_offset,
        });
    }

    /// All mistakes, as they were noted.
    pub(super) fn into_mistakes(self, file: Arc<str>) -> Mistakes {
        let more = self.is_full();
        Mistakes { file, mistakes: self.mistakes, more }
    }
}

/// A text, cut where it is too long for a message.
fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
    }
}

/// What is kept of a line with a mistake at this character: all of it, or the part around the mistake and where that begins.
fn part_of_line(line: &str, at: usize) -> (String, usize) {
    if line.len() <= SOURCE_LIMIT {
        return (line.to_owned(), 0);
    }
    let skipped = at.saturating_sub(SOURCE_BEFORE);
    (line.chars().skip(skipped).take(SOURCE_LIMIT).collect(), skipped)
}

/// The widest part of a source line that is shown, in characters.
const WIDTH: usize = 100;
/// What is shown of a line before a mistake that stands far to the right, in characters.
const BEFORE: usize = 40;

impl Mistakes {
    /// A file with one mistake; `line` is the source line that its place names.
    pub(crate) fn one(file: &str, place: Place, message: &str, hint: &str, line: &str) -> Self {
        let mut noted = Noted::default();
        noted.add(place, "", message, Some(hint), line);
        noted.into_mistakes(file.into())
    }
}

impl Mistake {
    /// Writes it under the name of its file.
    fn write(&self, file: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}", visible_line(file))?;
        if line > 0 {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", visible_line(&self.path))?;
        }
        writeln!(f, ": {}", visible_line(&self.message))?;
        if line > 0 {
            self.write_source(f)?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {}", visible_line(hint))?;
        }
        Ok(())
    }

    /// The source line with a caret under the place.
    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, length } = self.place;
        let at = column.saturating_sub(1).saturating_sub(self.source_offset);
        let cut = if at + length.min(WIDTH / 2) > WIDTH { at.saturating_sub(BEFORE) } else { 0 };
        let part = |from: usize, count: usize| -> String {
            let text: String = self.source.chars().skip(from).take(count).collect();
            // A tab is shown as one space, so that the caret stands where it should.
            visible_line(&text.replace('\t', " ")).into_owned()
        };
        let total = self.source.chars().count();
        let before = part(cut, at.saturating_sub(cut));
        let marked = part(at, length.min((cut + WIDTH).saturating_sub(at)));
        let shown = at.saturating_sub(cut) + length.min((cut + WIDTH).saturating_sub(at));
        let after = part(cut + shown, WIDTH.saturating_sub(shown));
        let hidden = cut > 0 || self.source_offset > 0;
        let (left, right) = (if hidden { "…" } else { "" }, if total > cut + WIDTH { "…" } else { "" });
        writeln!(f, "{line:>5} | {left}{before}{marked}{after}{right}")?;
        let pad = " ".repeat(left.chars().count() + before.chars().count());
        writeln!(f, "      | {pad}{}", "^".repeat(marked.chars().count().max(1)))
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.mistakes {
            mistake.write(&self.file, f)?;
        }
        match self.mistakes.len() {
            1 => write!(f, "1 mistake in {}", visible_line(&self.file)),
            count if self.more => {
                write!(f, "{count} mistakes or more in {}; reading stopped there", visible_line(&self.file))
            }
            count => write!(f, "{count} mistakes in {}", visible_line(&self.file)),
        }
    }
}

impl std::error::Error for Mistakes {}
