//! The error for a decision against the call, and for what the lifecycle refuses.

use std::sync::Arc;

use super::{About, ApprovalError, Ended};
use crate::{
    lifecycle::Refusal,
    model::{Decision, ExecutionState, Outcome, Request},
};

impl ApprovalError {
    /// The error for a request that has ended as `decision` says; `None` if that is an approval.
    #[must_use]
    pub fn of_decision(request: &Request, decision: &Arc<Decision>) -> Option<Self> {
        let ended =
            || Box::new(Ended { about: About::of(request), decision: Arc::clone(decision), repeated: false });
        match decision.outcome {
            Outcome::Approved => None,
            Outcome::Rejected => Some(Self::Rejected(ended())),
            Outcome::Expired => Some(Self::Expired(ended())),
            Outcome::Cancelled => Some(Self::Cancelled(ended())),
        }
    }

    /// The error for what the lifecycle refused about a request.
    #[must_use]
    pub fn of_refusal(about: About, refusal: Refusal) -> Self {
        match refusal {
            Refusal::AlreadyDecided(decision) => Self::AlreadyDecided { about, decision },
            Refusal::NotAnApprover { who, why } => Self::NotAnApprover { about, who, why },
            Refusal::ArgumentsChanged { seen, current } => Self::ArgumentsChanged { about, seen, current },
            Refusal::NoApprover { requirement, needed, eligible } => Self::NoApprover {
                action: about.action,
                requirement: requirement.saturating_add(1),
                needed,
                eligible,
            },
            Refusal::Internal(internal) => Self::Internal(internal),
            Refusal::Invalid(invalid) => Self::Invalid(Box::new(invalid)),
            Refusal::LimitReached(reached) => Self::LimitReached { action: about.action, reached },
            Refusal::Halted(halt) => Self::Halted { action: about.action, halt: Box::new(halt) },
            Refusal::DefinitionChanged(what) => Self::DefinitionChanged { about, what, revoked: false },
            Refusal::PolicyDenies { rule, reason } => {
                Self::PolicyDenied { action: about.action, rule, reason }
            }
            Refusal::PolicyAsks { rule, again } => {
                Self::PolicyAsks { action: about.action, rule, request: Some(about.request), again }
            }
            Refusal::StandingWithdrawn { standing, by, why } => {
                Self::StandingWithdrawn { about, standing, by, why }
            }
            Refusal::OutsideWindow { opens_at } => Self::OutsideWindow { about, opens_at },
            Refusal::GrantExpired(at) => Self::GrantExpired { about, at },
            Refusal::Revoked { by, why } => Self::Revoked { about, by, why, repeated: false },
            Refusal::AlreadyRan(ExecutionState::Unknown) => Self::Unknown(about),
            Refusal::AlreadyRan(state) => Self::AlreadyRan { about, state },
            other @ (Refusal::DeadlinePassed(_)
            | Refusal::NotPermitted { .. }
            | Refusal::UnknownOption { .. }
            | Refusal::Delegation { .. }
            | Refusal::NotApproved
            | Refusal::WrongGrant(_)
            | Refusal::Altered
            | Refusal::NotExecuting
            | Refusal::AlreadyRetried(_)
            | Refusal::NothingToDo) => Self::Refused { about, refusal: Box::new(other) },
        }
    }
}
