//! When a store fails.

use std::{error::Error, sync::Arc};

use crate::clock::Timestamp;

/// A failure of the store itself. Whatever it was, nothing runs on the strength of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached, is full, or refused. Nothing was written.
    #[error("the store failed, and nothing was written: {message}")]
    Unavailable {
        /// What it said.
        message: String,
        /// Its own error.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// It failed while writing, and reading back did not tell whether the write counts.
    #[error("the store failed while writing, and it is not known whether the change counts: {message}")]
    OutcomeUnknown {
        /// What it said.
        message: String,
    },
    /// Something in it cannot be read by this program.
    #[error("{message}; a newer program may have written it, or it was changed by hand")]
    Unreadable {
        /// What and why.
        message: String,
    },
    /// It was written by a newer program.
    #[error("the store has schema version {found}, this program knows {known}: start a newer program on it")]
    TooNew {
        /// Of the store.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// It has no way to do this.
    #[error("the store ({store}) cannot {what}; use one that can, such as SqliteStore")]
    Unsupported {
        /// Its name.
        store: &'static str,
        /// What was asked.
        what: &'static str,
    },
    /// It is being filled from another store, and is not whole yet.
    #[error(
        "the store is half a copy of {source_name}: run `approvals store copy` again, which goes on where it stopped, and work with \
         the store once it is done"
    )]
    HalfCopied {
        /// The store that it is copied from.
        source_name: String,
    },
    /// Its clock is far ahead of the latest moment that it gave out, and not believed.
    #[error(
        "the clock says {clock}, more than 400 days after {mark}, the latest moment that the store gave out: the jump is not believed, \
         and nothing is opened, approved or begun; set the clock right, or confirm the jump with `approvals store clock`"
    )]
    ClockAhead {
        /// What the clock says.
        clock: Timestamp,
        /// The latest moment that the store gave out.
        mark: Timestamp,
    },
    /// Its clock is behind the latest moment that it gave out.
    #[error(
        "the clock says {clock}, but the store gave out {mark} already: until the clock has caught up nothing is opened, approved or \
         begun; set the clock right, or, if it is right, set the mark back with `approvals store clock`"
    )]
    ClockBehind {
        /// What the clock says.
        clock: Timestamp,
        /// The latest moment that the store gave out.
        mark: Timestamp,
    },
    /// It was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A failure after which nothing is written.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), source: None }
    }

    /// The same, with the error beneath.
    #[must_use]
    pub fn caused_by(message: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        let message = format!("{}: {source}", message.into());
        Self::Unavailable { message, source: Some(Arc::new(source)) }
    }

    /// Something that cannot be read.
    #[must_use]
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::Unreadable { message: message.into() }
    }
}
