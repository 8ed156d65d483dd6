//! Errors about single values, used by every layer. What a guarded call returns is [`crate::ApprovalError`].

use std::fmt;

/// A state that this library's own rules exclude: a bug in it, or a row that another program wrote. Whatever depended on it did
/// not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Internal(&'static str);

impl Internal {
    /// What should not be possible.
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

impl fmt::Display for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "internal error: {}; please report it", self.0)
    }
}

impl std::error::Error for Internal {}

/// A value from outside that cannot be accepted: what it was meant to be, the value, why not, and what to do instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Invalid {
    what: &'static str,
    value: String,
    why: String,
    hint: Option<String>,
}

/// Longest part of a refused value that a message repeats, in characters.
const SHOWN: usize = 80;

impl Invalid {
    /// An error about `value`, which was read as `what` and refused because it `why` ("is empty", "has no kind").
    #[must_use]
    pub fn new(what: &'static str, value: impl Into<String>, why: impl Into<String>) -> Self {
        let value: String = value.into();
        let value = if value.chars().count() > SHOWN {
            value.chars().take(SHOWN).chain(['…']).collect()
        } else {
            value
        };
        Self { what, value, why: why.into(), hint: None }
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the value was meant to be, such as `principal`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// What is wrong, without what to do instead.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{} {:?} {}", self.what, self.value, self.why)
    }

    /// What to do instead, if that is known.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid({self})")
    }
}

impl std::error::Error for Invalid {}
