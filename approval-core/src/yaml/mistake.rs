//! A mistake in a file, and how it is told.

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
    /// The line that it stands in.
    pub source: String,
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistakes {
    /// Name of the file.
    pub file: Arc<str>,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

/// The widest part of a source line that is shown, in characters.
const WIDTH: usize = 100;
/// What is shown of a line before a mistake that stands far to the right, in characters.
const BEFORE: usize = 40;
/// Mistakes that are shown; the rest is counted.
const SHOWN: usize = 100;

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
        let at = column.saturating_sub(1);
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
        let (left, right) = (if cut > 0 { "…" } else { "" }, if total > cut + WIDTH { "…" } else { "" });
        writeln!(f, "{line:>5} | {left}{before}{marked}{after}{right}")?;
        let pad = " ".repeat(left.chars().count() + before.chars().count());
        writeln!(f, "      | {pad}{}", "^".repeat(marked.chars().count().max(1)))
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in self.mistakes.iter().take(SHOWN) {
            mistake.write(&self.file, f)?;
        }
        match self.mistakes.len() {
            1 => write!(f, "1 mistake in {}", visible_line(&self.file)),
            count if count > SHOWN => {
                write!(f, "{count} mistakes in {}, {SHOWN} of them shown", visible_line(&self.file))
            }
            count => write!(f, "{count} mistakes in {}", visible_line(&self.file)),
        }
    }
}

impl std::error::Error for Mistakes {}
