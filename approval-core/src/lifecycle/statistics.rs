//! What a request adds to the figures over many.

use crate::{
    clock::{Span, Timestamp},
    model::{Ballot, Decision, Outcome, Priority, Request, Risk, Text},
};

/// What requests are counted under. Many have the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The tenant.
    pub namespace: Text,
    /// Name of the action.
    pub action: Text,
    /// The agent that asked.
    pub agent: Text,
    /// How bad it would be if it were wrong.
    pub risk: Risk,
    /// How soon an approver should look, as it is now.
    pub priority: Priority,
}

impl Subject {
    /// What a request is counted under.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            namespace: request.namespace.clone(),
            action: request.action.name.as_str().into(),
            agent: request.requester.as_str().into(),
            risk: request.risk,
            priority: request.priority,
        }
    }
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every one, in the order of their numbers, which count up from 0.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number that stands for it in a store. It never changes.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number),+ }
            }

            /// What a number stands for.
            #[must_use]
            pub const fn of_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// How a request ended, for the figures.
    End {
        /// People approved.
        Approved = 0,
        /// People rejected.
        Rejected = 1,
        /// The deadline passed.
        Expired = 2,
        /// The deadline passed, and the rule for that approved.
        ApprovedByTimeout = 3,
        /// Taken back or halted.
        Cancelled = 4,
        /// Approved without anybody being asked.
        Unasked = 5,
    }
}

numbered! {
    /// What a vote said, for the figures.
    Cast {
        /// For it.
        Approval = 0,
        /// Against it.
        Rejection = 1,
        /// An answer to a question.
        Answer = 2,
    }
}

impl End {
    /// How a decision counts.
    const fn of(decision: &Decision) -> Self {
        match decision.outcome {
            Outcome::Approved if decision.by_standing.is_some() || decision.by_policy => Self::Unasked,
            Outcome::Approved if decision.by_timeout => Self::ApprovedByTimeout,
            Outcome::Approved => Self::Approved,
            Outcome::Rejected => Self::Rejected,
            Outcome::Expired => Self::Expired,
            Outcome::Cancelled => Self::Cancelled,
        }
    }

    /// Whether people brought it about, so that how long they took is of interest.
    pub(crate) const fn by_people(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected)
    }
}

/// A vote that stood when its request was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedVote {
    /// Whose.
    pub approver: Text,
    /// Through which channel; empty if there is none.
    pub channel: Text,
    /// What it said.
    pub cast: Cast,
    /// How long after the beginning.
    pub after: Span,
}

/// A decision, for the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub end: End,
    /// How long after the beginning.
    pub after: Span,
    /// The votes that stood.
    pub votes: Vec<CountedVote>,
}

/// What a request adds to the figures besides being open; `None` as long as it is open.
#[must_use]
pub fn decided(request: &Request) -> Option<Decided> {
    let decision = request.decision.as_deref()?;
    let begin = super::timeout::begin(request);
    let since = |at: Timestamp| at.duration_since(begin).max(Span::ZERO);
    let votes = request.votes.iter().filter(|vote| !vote.void).map(|vote| CountedVote {
        approver: vote.voter.as_str().into(),
        channel: vote.via.clone().unwrap_or_default(),
        cast: match vote.ballot {
            Ballot::Approve => Cast::Approval,
            Ballot::Reject { .. } => Cast::Rejection,
            Ballot::Answer(_) => Cast::Answer,
        },
        after: since(vote.at),
    });
    Some(Decided {
        at: decision.at,
        end: End::of(decision),
        after: since(decision.at),
        votes: votes.collect(),
    })
}
