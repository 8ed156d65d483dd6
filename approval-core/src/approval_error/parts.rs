//! What an error carries: the request, the decision, the reject option.

use super::ApprovalError;
use crate::{id::RequestId, model::Decision};

impl ApprovalError {
    /// The request that this is about, if one was opened.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Self::Rejected(ended) | Self::Expired(ended) | Self::Cancelled(ended) => {
                Some(ended.about.request)
            }
            Self::Revoked { about, .. }
            | Self::GrantExpired { about, .. }
            | Self::OutsideWindow { about, .. }
            | Self::StandingWithdrawn { about, .. }
            | Self::Pending(about)
            | Self::AlreadyDecided { about, .. }
            | Self::AlreadyRan { about, .. }
            | Self::Unknown(about)
            | Self::KeyConflict { about, .. }
            | Self::DefinitionChanged { about, .. }
            | Self::NotAnApprover { about, .. }
            | Self::ArgumentsChanged { about, .. }
            | Self::Refused { about, .. } => Some(about.request),
            Self::NotFound(request) => Some(*request),
            Self::PolicyAsks { request, .. } => *request,
            Self::PolicyDenied { .. }
            | Self::LimitReached { .. }
            | Self::Halted { .. }
            | Self::NoApprover { .. }
            | Self::WouldBlock { .. }
            | Self::Invalid(_)
            | Self::Policy(_)
            | Self::Directory(_)
            | Self::Store(_)
            | Self::Notifier(_)
            | Self::NoManager(_)
            | Self::ShutDown
            | Self::Internal(_) => None,
        }
    }

    /// The decision of people, if there was one.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Rejected(ended) | Self::Expired(ended) | Self::Cancelled(ended) => Some(&ended.decision),
            Self::AlreadyDecided { decision, .. } => Some(decision),
            Self::Revoked { .. }
            | Self::GrantExpired { .. }
            | Self::Pending(_)
            | Self::PolicyDenied { .. }
            | Self::PolicyAsks { .. }
            | Self::OutsideWindow { .. }
            | Self::StandingWithdrawn { .. }
            | Self::LimitReached { .. }
            | Self::Halted { .. }
            | Self::AlreadyRan { .. }
            | Self::Unknown(_)
            | Self::KeyConflict { .. }
            | Self::DefinitionChanged { .. }
            | Self::NoApprover { .. }
            | Self::NotAnApprover { .. }
            | Self::ArgumentsChanged { .. }
            | Self::Refused { .. }
            | Self::NotFound(_)
            | Self::WouldBlock { .. }
            | Self::Invalid(_)
            | Self::Policy(_)
            | Self::Directory(_)
            | Self::Store(_)
            | Self::Notifier(_)
            | Self::NoManager(_)
            | Self::ShutDown
            | Self::Internal(_) => None,
        }
    }

    /// The same as the answer to a later call with the same key.
    pub(crate) fn repeated(mut self) -> Self {
        if let Self::Rejected(ended) | Self::Cancelled(ended) = &mut self {
            ended.repeated = true;
        }
        if let Self::Revoked { repeated, .. } = &mut self {
            *repeated = true;
        }
        self
    }

    /// Name of the reject option that people chose.
    #[must_use]
    pub fn reject_option(&self) -> Option<&str> {
        self.decision().and_then(|decision| decision.option.as_deref())
    }
}
