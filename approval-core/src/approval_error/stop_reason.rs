//! Stable words for why an agent stopped.

use std::fmt;

use super::ApprovalError;

/// Stable word for why an agent stopped, for its host and for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// People have not decided yet.
    ApprovalRequired,
    /// People said no.
    ApprovalDenied,
    /// No person answered in time, or the approval was not used in time.
    ApprovalTimeout,
    /// It was taken back.
    ApprovalCancelled,
    /// The policy forbids it.
    PolicyDenied,
    /// It is approved, and its run window is closed.
    OutsideWindow,
    /// A limit on calls is reached.
    LimitReached,
    /// The brake is on.
    Halted,
    /// It has run already.
    AlreadyRan,
    /// Another person decided first.
    AlreadyDecided,
    /// It is not known whether it ran.
    OutcomeUnknown,
    /// The call itself is not right.
    InvalidCall,
    /// Something failed; nothing ran.
    SystemError,
}

impl StopReason {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalRequired => "approval_required",
            Self::ApprovalDenied => "approval_denied",
            Self::ApprovalTimeout => "approval_timeout",
            Self::ApprovalCancelled => "approval_cancelled",
            Self::PolicyDenied => "policy_denied",
            Self::OutsideWindow => "outside_run_window",
            Self::LimitReached => "limit_reached",
            Self::Halted => "halted",
            Self::AlreadyRan => "already_ran",
            Self::AlreadyDecided => "already_decided",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::InvalidCall => "invalid_call",
            Self::SystemError => "system_error",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ApprovalError {
    /// A stable word for why the agent stopped.
    #[must_use]
    pub const fn stop_reason(&self) -> StopReason {
        match self {
            Self::Pending(_) => StopReason::ApprovalRequired,
            Self::Rejected(_) | Self::Revoked { .. } => StopReason::ApprovalDenied,
            Self::Expired(_) | Self::GrantExpired { .. } => StopReason::ApprovalTimeout,
            Self::Cancelled(_) | Self::DefinitionChanged { .. } | Self::StandingWithdrawn { .. } => {
                StopReason::ApprovalCancelled
            }
            Self::PolicyDenied { .. } | Self::PolicyAsks { .. } => StopReason::PolicyDenied,
            Self::OutsideWindow { .. } => StopReason::OutsideWindow,
            Self::LimitReached { .. } => StopReason::LimitReached,
            Self::Halted { .. } => StopReason::Halted,
            Self::AlreadyRan { .. } => StopReason::AlreadyRan,
            Self::AlreadyDecided { .. } => StopReason::AlreadyDecided,
            Self::Unknown(_) => StopReason::OutcomeUnknown,
            Self::KeyConflict { .. }
            | Self::NotAnApprover { .. }
            | Self::ArgumentsChanged { .. }
            | Self::Refused { .. }
            | Self::NotFound(_)
            | Self::WouldBlock { .. }
            | Self::Invalid(_) => StopReason::InvalidCall,
            Self::NoApprover { .. }
            | Self::Policy(_)
            | Self::Directory(_)
            | Self::Store(_)
            | Self::Notifier(_)
            | Self::NoManager(_)
            | Self::ShutDown
            | Self::Internal(_) => StopReason::SystemError,
        }
    }
}
