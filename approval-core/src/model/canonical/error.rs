//! What can go wrong between a value and its canonical text.

use std::fmt;

use super::FieldPath;

/// A value or a text that has no canonical form.
///
/// The message tells what is wrong, where, and what to do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodeError(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    problem: EncodeProblem,
    path: FieldPath,
    /// Whether `path` is known; an error from a `Serialize` implementation does not know where it is.
    placed: bool,
    position: Option<Position>,
}

impl EncodeError {
    pub(super) fn new(
        problem: impl Into<Box<EncodeProblem>>,
        path: FieldPath,
        position: Option<Position>,
    ) -> Self {
        Self(Box::new(Parts { problem: *problem.into(), path, placed: true, position }))
    }

    pub(super) fn unplaced(problem: EncodeProblem) -> Self {
        let mut error = Self::new(problem, FieldPath::root(), None);
        error.0.placed = false;
        error
    }

    /// The same error, placed at `path` unless it already has a place.
    pub(super) fn or_at(mut self, path: impl FnOnce() -> FieldPath) -> Self {
        if !self.0.placed {
            self.0.path = path();
            self.0.placed = true;
        }
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &EncodeProblem {
        &self.0.problem
    }

    /// Where in the value; the root path when the value as a whole is meant.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        &self.0.path
    }

    /// Where in the text, if a text was read.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { problem, path, position, .. } = &*self.0;
        if path.is_root() {
            write!(f, "no canonical JSON: {problem}")?;
        } else {
            write!(f, "no canonical JSON for `{path}`: {problem}")?;
        }
        match position {
            Some(position) => write!(f, " ({position})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeError")
            .field("problem", &self.0.problem)
            .field("path", &self.0.path)
            .field("position", &self.0.position)
            .finish()
    }
}

impl std::error::Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(EncodeProblem::Failed { message: message.to_string() })
    }
}

/// What is wrong with a value or a text that has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeProblem {
    /// A float is NaN or infinite.
    #[error("{found} is not a JSON number; send a finite number, null or a string")]
    NotFinite {
        /// `NaN`, `Infinity` or `-Infinity`.
        found: &'static str,
    },
    /// A number in a text is too large for a double, or too small to differ from zero.
    #[error("the number {literal} does not fit a double; send it as a string")]
    NumberOutOfRange {
        /// The number as written, shortened when very long.
        literal: String,
    },
    /// The key of a map is not text and has no accepted text form.
    #[error(
        "{found} cannot be the key of an object; use a string, an integer, a bool, a char or a unit variant"
    )]
    KeyNotText {
        /// What the key is.
        found: &'static str,
    },
    /// A key occurs twice in one object.
    #[error(
        "the key {key:?} occurs twice in one object; readers would disagree about its value, so give it once"
    )]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Arrays and objects are nested too deeply.
    #[error("nested deeper than {limit} levels; flatten the value")]
    TooDeep {
        /// The greatest depth that is accepted.
        limit: usize,
    },
    /// The text is too long.
    #[error("longer than {limit} bytes; pass a reference to the data instead of the data")]
    TooLong {
        /// The greatest length that is accepted, in bytes.
        limit: usize,
    },
    /// The value's own `Serialize` implementation failed.
    #[error("the value could not be serialized: {message}")]
    Failed {
        /// What the implementation said.
        message: String,
    },
    /// The value's own `Serialize` implementation broke the rules of serde.
    #[error("the `Serialize` implementation is wrong: {what}")]
    Misuse {
        /// What it did.
        what: &'static str,
    },
    /// The text is not JSON.
    #[error("not JSON: {what}")]
    Syntax {
        /// What was found, and what would be right.
        what: &'static str,
    },
    /// A path leads into a value of the wrong shape.
    #[error("the path `{path}` leads into {found}; correct the path")]
    PathMismatch {
        /// The path that was to be followed.
        path: FieldPath,
        /// What is there.
        found: &'static str,
    },
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes before the place.
    pub offset: usize,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters (Unicode scalar values), counted from 1.
    pub column: usize,
}

impl Position {
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let mut position = Self { offset: offset.min(text.len()), line: 1, column: 1 };
        for (_, character) in text.char_indices().take_while(|(at, _)| *at < offset) {
            if character == '\n' {
                position.line += 1;
                position.column = 1;
            } else {
                position.column += 1;
            }
        }
        position
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}, byte {}", self.line, self.column, self.offset)
    }
}

/// A canonical text that does not have the type it is wanted as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the arguments do not have the expected type: {message}")]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    pub(super) fn new(error: &serde_json::Error) -> Self {
        Self { message: error.to_string() }
    }
}
