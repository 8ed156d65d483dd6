//! Why a command may not be done.

use std::sync::Arc;

use super::LimitReached;
use crate::{
    clock::Timestamp,
    error::{Internal, Invalid},
    id::{RequestId, StandingId},
    model::{ArgumentsDigest, Decision, ExecutionState, Halt, Principal, Text},
};

/// Why a person may not vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotEligible {
    /// Agents and services never vote.
    NotAPerson,
    /// The directory knows no person of that name.
    Unknown,
    /// No requirement names the person, directly, through a group, by delegation or by escalation.
    NotAsked,
    /// The gate excludes the person.
    Excluded,
    /// The agent acts on the person's behalf, and the gate forbids self-approval, or does not allow it for a high or critical
    /// risk.
    OwnRequest,
    /// The person is the requester.
    Requester,
    /// The person sits in the seat of a person who has voted after all.
    SeatTaken,
}

impl NotEligible {
    /// The rest of the sentence "ann may not vote: …".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAPerson => "only people vote, and this is none",
            Self::Unknown => "the directory knows no person of that name",
            Self::NotAsked => "no requirement of this request names them",
            Self::Excluded => "the gate of this request excludes them",
            Self::OwnRequest => {
                "the agent acts on their behalf, and the gate lets no person approve one's own request at this risk"
            }
            Self::Requester => "they asked for it themselves",
            Self::SeatTaken => "the person who handed them the seat has voted after all",
        }
    }
}

/// Why a command may not be done. The request is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is decided already; this is the decision.
    AlreadyDecided(Arc<Decision>),
    /// The deadline has passed, though that is not written yet.
    DeadlinePassed(Timestamp),
    /// This person may not.
    NotAnApprover {
        /// Who.
        who: Principal,
        /// Why not.
        why: NotEligible,
    },
    /// The actor has no right to this act.
    NotPermitted {
        /// Who.
        who: Principal,
        /// What the act needs ("only the requester or an operator may cancel").
        why: &'static str,
    },
    /// The arguments are not those that the person saw.
    ArgumentsChanged {
        /// What the person saw.
        seen: ArgumentsDigest,
        /// What they are now.
        current: ArgumentsDigest,
    },
    /// No person can meet a requirement.
    NoApprover {
        /// Which requirement (index).
        requirement: usize,
        /// How many are needed.
        needed: u32,
        /// How many of its seats different eligible people can fill, those of the requirements before it being filled.
        eligible: u32,
    },
    /// Something in the command is not right.
    Invalid(Invalid),
    /// Something that the rules of this library exclude.
    Internal(Internal),
    /// The option is none of those offered.
    UnknownOption {
        /// What was named.
        option: Text,
        /// What there is.
        offered: Vec<Text>,
    },
    /// A delegation is not permitted, would make a circle, or is too deep.
    Delegation {
        /// From whom.
        from: Principal,
        /// To whom.
        to: Principal,
        /// Why not.
        why: &'static str,
    },
    /// Halted.
    Halted(Halt),
    /// It goes over a limit.
    LimitReached(Box<LimitReached>),
    /// It is not approved, so nothing can run.
    NotApproved,
    /// The grant is not the one of this request, action, agent and arguments.
    WrongGrant(&'static str),
    /// The stored arguments or attachments do not fit the digest of the request: something other than this library changed
    /// the row. No person can approve it, edit it, try it again or run it.
    Altered,
    /// The action is declared with this besides, since the request was opened.
    DefinitionChanged(&'static str),
    /// The policy forbids it at the moment of the run. The grant is unspent.
    PolicyDenies {
        /// The rule.
        rule: Text,
        /// Its reason.
        reason: Text,
    },
    /// No person approved it, and the policy now asks for more than it was approved under. The grant is unspent; the
    /// guard revokes it ([`Act::Uncover`](super::Act::Uncover)).
    PolicyAsks {
        /// The rule, or the limit.
        rule: Text,
        /// Whether it ran before, and was to run again.
        again: bool,
    },
    /// The standing approval that approved it was taken back. The grant is unspent.
    StandingWithdrawn {
        /// Which.
        standing: StandingId,
        /// Who took it back.
        by: Principal,
        /// Why.
        why: Text,
    },
    /// Its run window is closed. The grant is unspent.
    OutsideWindow {
        /// When it opens. `None`: never, as far as can be seen.
        opens_at: Option<Timestamp>,
    },
    /// The grant was not used in time.
    GrantExpired(Timestamp),
    /// The approval was taken back.
    Revoked {
        /// By whom.
        by: Principal,
        /// Why.
        why: Text,
    },
    /// It has run, or runs, or may have run.
    AlreadyRan(ExecutionState),
    /// The report comes from a process that does not execute it, or after a person settled it.
    NotExecuting,
    /// This request tries it again already.
    AlreadyRetried(RequestId),
    /// There is nothing to do: nothing is due, nothing to settle, the same was said before.
    NothingToDo,
}

impl From<Internal> for Refusal {
    fn from(internal: Internal) -> Self {
        Self::Internal(internal)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}
