//! Why a copy stopped.

use super::Difference;
use crate::{audit::Breach, clock::Timestamp, store::StoreError};

/// Why a copy stopped, or two stores could not be compared.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The source failed.
    #[error("the store that is copied from: {0}")]
    Source(#[source] StoreError),
    /// The target failed.
    #[error("the store that is copied to: {0}")]
    Target(#[source] StoreError),
    /// Both are one.
    #[error("the two stores are one and the same: name another one to copy to")]
    SameStore,
    /// The target is not empty, and was not begun by a copy.
    #[error(
        "the store to copy to holds {what}, and no copy put it there: give one that is empty; nothing was written"
    )]
    NotEmpty {
        /// What was found in it.
        what: &'static str,
    },
    /// The target is half a copy of another source.
    #[error(
        "the store to copy to is half a copy of {found}, not of {given}: go on with that one, or give an empty store; \
         nothing was written"
    )]
    OtherSource {
        /// The source that it was begun from.
        found: String,
        /// The source that was given now.
        given: String,
    },
    /// The target is half a copy that a newer program began.
    #[error(
        "the store to copy to is half a copy that a newer program began (form {form}): go on with that program"
    )]
    NewerCopy {
        /// The form of its mark.
        form: u32,
    },
    /// Time would go back: what is over in the source would come back to life in the target.
    #[error(
        "the clock of the store to copy to says {target}, and the other one's {origin}: time must not go back, so set the \
         clocks or wait, and run the copy again"
    )]
    ClockBehind {
        /// The moment of the target.
        target: Timestamp,
        /// The moment of the source.
        origin: Timestamp,
    },
    /// Another copy to the same target goes on.
    #[error("another copy took over the store to copy to: let that one finish")]
    TakenOver,
    /// The source keeps changing.
    #[error(
        "the store that is copied from is in use, and kept changing: stop what works with it, and run the copy again"
    )]
    SourceInUse,
    /// The target holds what cannot be made equal any more.
    #[error(
        "{0}; this cannot be mended by copying on: what works with one of the stores must be stopped, and the copy begun anew \
         with an empty store"
    )]
    Differs(Difference),
    /// Everything was found equal, and yet the trail of the target has a breach that the source's has not.
    #[error("the audit trail of the copy has a breach that the one copied from does not have: {0}")]
    Breach(Breach),
}

impl TransferError {
    /// Whether the same copy, run again, can go on where this one stopped.
    #[must_use]
    pub const fn can_resume(&self) -> bool {
        match self {
            Self::Source(_)
            | Self::Target(_)
            | Self::ClockBehind { .. }
            | Self::TakenOver
            | Self::SourceInUse => true,
            Self::SameStore
            | Self::NotEmpty { .. }
            | Self::OtherSource { .. }
            | Self::NewerCopy { .. }
            | Self::Differs(_)
            | Self::Breach(_) => false,
        }
    }

    /// The source failed at something that looks into stores.
    pub(super) fn source(error: impl Into<StoreError>) -> Self {
        Self::Source(error.into())
    }

    /// The target failed at something that looks into stores.
    pub(super) fn target(error: impl Into<StoreError>) -> Self {
        Self::Target(error.into())
    }
}
