//! How a request ended, and what became of the approval.

use serde::{Deserialize, Serialize};

use super::{ArgumentsDigest, CanonicalJson, Principal, Text};
use crate::{
    clock::Timestamp,
    id::{ExecutorId, GrantId, StandingId},
};

/// The four ends of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The requirements were met, or the question answered.
    Approved,
    /// Vetoed.
    Rejected,
    /// The deadline passed.
    Expired,
    /// Taken back or halted.
    Cancelled,
}

impl Outcome {
    /// The word for it in sentences and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The terminal result of a request. There is at most one, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Decision {
    /// Which end.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Whose votes brought it about, in the order of voting; who cancelled; empty when time did.
    pub by: Vec<Principal>,
    /// Why, in a person's words or in ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Name of the reject option that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<Text>,
    /// The arguments that were decided on.
    pub digest: ArgumentsDigest,
    /// The answer, if a question was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<CanonicalJson>,
    /// Whether the timeout rule approved, without any vote.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_timeout: bool,
    /// The standing approval that it rests on: no person was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_standing: Option<StandingId>,
    /// Whether the policy let it run: no person was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_policy: bool,
    /// Whether a halt cancelled it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_halt: bool,
    /// Whether it was rejected because the requirements could no longer be met, though fewer rejected than reject by
    /// themselves; `by` names those without whom they cannot be met.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
    /// Whether it was cancelled because the action is declared with stricter demands since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_definition: bool,
}

/// What an approval was revoked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedFor {
    /// A reason of the one who revoked it.
    #[default]
    Reason,
    /// A halt.
    Halt,
    /// Stricter demands of the action's declaration.
    Definition,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_reason(cause: &RevokedFor) -> bool {
    *cause == RevokedFor::Reason
}

/// The right to run one action once with one set of arguments: bound to the request that holds it, its action and agent,
/// and the digest here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The nonce.
    pub id: GrantId,
    /// The arguments that may run.
    pub digest: ArgumentsDigest,
    /// From then on it is worthless.
    pub expires_at: Timestamp,
    /// What became of an earlier run of the request, where an idempotent action got this grant to run again: `failed` or
    /// `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_before: Option<ExecutionState>,
    /// Whether the right of an idempotent action to run again was taken back after this grant was spent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_again: bool,
}

/// What became of an approved request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Execution {
    /// The grant is unspent.
    NotStarted,
    /// The grant is spent; the body runs, or is about to.
    Executing {
        /// In which process.
        executor: ExecutorId,
        /// Since when.
        at: Timestamp,
    },
    /// The body returned.
    Succeeded {
        /// When.
        at: Timestamp,
        /// What it returned, if it was to be recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<CanonicalJson>,
    },
    /// The body returned an error, panicked, or was never begun.
    Failed {
        /// When.
        at: Timestamp,
        /// The error.
        why: Text,
        /// Whether the body had begun.
        started: bool,
    },
    /// It is not known: the process was lost, or the body was dropped half-way. A person settles it.
    Unknown {
        /// Since when.
        at: Timestamp,
        /// Why it is not known.
        why: Text,
        /// The process that may still report.
        executor: ExecutorId,
    },
    /// The grant was not used in time.
    GrantExpired {
        /// When that was noted.
        at: Timestamp,
    },
    /// The approval was taken back before the grant was used.
    Revoked {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Principal,
        /// Why.
        why: Text,
        /// What for.
        #[serde(default, skip_serializing_if = "is_reason")]
        cause: RevokedFor,
    },
}

/// The name of an execution's state, for indexes and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionState {
    /// See [`Execution::NotStarted`].
    NotStarted,
    /// See [`Execution::Executing`].
    Executing,
    /// See [`Execution::Succeeded`].
    Succeeded,
    /// See [`Execution::Failed`].
    Failed,
    /// See [`Execution::Unknown`].
    Unknown,
    /// See [`Execution::GrantExpired`].
    GrantExpired,
    /// See [`Execution::Revoked`].
    Revoked,
}

impl ExecutionState {
    /// All there are.
    pub const ALL: &'static [Self] = &[
        Self::NotStarted,
        Self::Executing,
        Self::Succeeded,
        Self::Failed,
        Self::Unknown,
        Self::GrantExpired,
        Self::Revoked,
    ];

    /// Whether it came to its end: nothing can run any more, and nothing is left to settle.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::NotStarted | Self::Executing | Self::Unknown => false,
            Self::Succeeded | Self::Failed | Self::GrantExpired | Self::Revoked => true,
        }
    }

    /// The word for it in JSON and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Executing => "executing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::GrantExpired => "grant_expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Execution {
    /// The name of the state.
    #[must_use]
    pub const fn state(&self) -> ExecutionState {
        match self {
            Self::NotStarted => ExecutionState::NotStarted,
            Self::Executing { .. } => ExecutionState::Executing,
            Self::Succeeded { .. } => ExecutionState::Succeeded,
            Self::Failed { .. } => ExecutionState::Failed,
            Self::Unknown { .. } => ExecutionState::Unknown,
            Self::GrantExpired { .. } => ExecutionState::GrantExpired,
            Self::Revoked { .. } => ExecutionState::Revoked,
        }
    }
}
