//! Why something could not be done with the audit trail. What is *wrong* with a trail is a [`super::Breach`].

use super::{BadSeal, SignError, SinkError};
use crate::store::StoreError;

/// Why sealing, exporting or pruning failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key could not be used.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The seals in the store do not fit each other.
    #[error(
        "the seals in the store were changed by hand: {0}; keep the store as it is and verify it against the seals held elsewhere"
    )]
    Tampered(String),
    /// A seal in the store is no seal.
    #[error("seal {number} in the store cannot be used: {why}")]
    BadSeal {
        /// Which.
        number: u64,
        /// Why.
        why: BadSeal,
    },
    /// The seals so far are signed, and this sealer has no key.
    #[error(
        "the seals of this store are signed (the last with key {key}), and no key was given: give one, or nothing is sealed"
    )]
    KeyMissing {
        /// The key of the last seal.
        key: String,
    },
    /// Others sealed at the same time, again and again.
    #[error("others sealed at the same time, again and again; try again")]
    Crowded,
    /// A sink could not be given the seal that says what may be gone.
    #[error(
        "nothing was removed: the place for seals {sink} did not take the seal that announces it: {error}"
    )]
    SinkBehind {
        /// Which.
        sink: String,
        /// Why.
        error: SinkError,
    },
    /// Requests were removed while they were exported.
    #[error("requests were removed by their retention while the trail was read; read it again")]
    RemovedMeanwhile,
    /// A line could not be written as JSON.
    #[error("{what} cannot be written as JSON: {why}")]
    Encoding {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
}

impl AuditError {
    /// What could not be written as JSON.
    pub(super) fn encoding(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |error| Self::Encoding { what, why: error.to_string() }
    }
}

/// For callers that know of stores alone.
impl From<AuditError> for StoreError {
    fn from(error: AuditError) -> Self {
        if let AuditError::Store(error) = error { error } else { Self::unavailable(error.to_string()) }
    }
}
