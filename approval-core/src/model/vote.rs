//! What one person said.

use serde::{Deserialize, Serialize};

use super::{ArgumentsDigest, CanonicalJson, Principal, StandingTerms, Text};
use crate::clock::Timestamp;

/// Approve, reject, or the answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ballot {
    /// Let it run.
    Approve,
    /// Do not let it run; for a question: no person shall answer it.
    Reject {
        /// Name of one of [`super::Gate::reject_options`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<Text>,
    },
    /// The answer to a question.
    Answer(CanonicalJson),
}

impl Ballot {
    /// Whether this is a rejection.
    #[must_use]
    pub const fn is_reject(&self) -> bool {
        matches!(self, Self::Reject { .. })
    }
}

/// One person's vote, bound to the arguments that the person saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who voted: a person, canonical.
    pub voter: Principal,
    /// What.
    pub ballot: Ballot,
    /// The arguments that the person saw.
    pub digest: ArgumentsDigest,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// Through which channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Text>,
    /// When.
    pub at: Timestamp,
    /// What the person does not want to be asked about again; for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Box<StandingTerms>>,
    /// Whether it fills no seat any more: a later edit made it void, and the person is asked anew (rejections stand), or
    /// the person handed the seat on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// A seat handed on: `to` may vote in the place of `from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Whose seat.
    pub from: Principal,
    /// Who sits in it.
    pub to: Principal,
    /// When it was handed on.
    pub at: Timestamp,
}
