//! What a guarded call, a request or a decision can come back with instead of a value.

mod for_model;
mod message;
mod parts;
mod refused;
mod stop_reason;

pub use for_model::MODEL_TEXT_LIMIT;
pub use stop_reason::StopReason;

use std::{error::Error, fmt, sync::Arc};

use crate::{
    clock::Timestamp,
    error::{Internal, Invalid},
    id::{RequestId, StandingId},
    lifecycle::{LimitReached, NotEligible, Refusal},
    model::{ActionName, ArgumentsDigest, Decision, ExecutionState, Halt, Principal, Request, Text, visible},
    store::StoreError,
};

/// Why the body did not run, or a decision did not count. Every message says what, which request, and what now.
///
/// Any of these means that the body did not run because of this call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ApprovalError {
    /// People rejected it.
    Rejected(Box<Ended>),
    /// No person decided in time.
    Expired(Box<Ended>),
    /// It was taken back.
    Cancelled(Box<Ended>),
    /// The approval was taken back before it was used.
    Revoked {
        /// Which request.
        about: About,
        /// By whom.
        by: Principal,
        /// Why.
        why: Text,
        /// Whether this is the answer to an earlier call with the same key: people were not asked again.
        repeated: bool,
    },
    /// The approval was not used in time.
    GrantExpired {
        /// Which request.
        about: About,
        /// When it ran out.
        at: Timestamp,
    },
    /// It is not decided yet, and this caller does not wait any longer. The request lives on.
    Pending(About),
    /// The policy forbids it: when it was asked for, or when it was about to run. An approval that was given meanwhile is
    /// unspent.
    PolicyDenied {
        /// Which action.
        action: ActionName,
        /// The rule.
        rule: Text,
        /// Its reason.
        reason: Text,
    },
    /// The policy let it run, or no person objected, or a standing approval covered it, and now the policy asks for more, or a limit
    /// has no room for it without asking. No person approved it, so it was not run, and that approval is revoked: the same call
    /// opens a request about which people are asked.
    PolicyAsks {
        /// Which action.
        action: ActionName,
        /// The rule that asks now, or the limit that has no room for it without asking.
        rule: Text,
        /// The request whose approval no longer counts; `None`: there was none.
        request: Option<RequestId>,
        /// Whether it ran before without success, and was to run again: the same call does not ask about it, but
        /// [`retry`](crate::ApprovalManager::retry) does.
        again: bool,
    },
    /// The standing approval that approved it was taken back before it ran. The approval is revoked, so that the same call
    /// asks people; what [ran before](About::ran_before) is asked about by [`retry`](crate::ApprovalManager::retry) alone.
    StandingWithdrawn {
        /// Which request.
        about: About,
        /// Which standing approval.
        standing: StandingId,
        /// Who took it back.
        by: Principal,
        /// Why.
        why: Text,
    },
    /// It is approved, and may run only while its run window is open. The approval is unspent.
    OutsideWindow {
        /// Which request.
        about: About,
        /// When the window opens. `None`: never, as far as can be seen.
        opens_at: Option<Timestamp>,
    },
    /// A limit on calls is reached, and it denies what goes over it. Nothing was run.
    LimitReached {
        /// Which action.
        action: ActionName,
        /// Which limit, and why.
        reached: Box<LimitReached>,
    },
    /// Everything, this agent or this action is halted.
    Halted {
        /// Which action.
        action: ActionName,
        /// The halt.
        halt: Box<Halt>,
    },
    /// Another person decided first, or it had ended.
    AlreadyDecided {
        /// Which request.
        about: About,
        /// The decision that counts.
        decision: Arc<Decision>,
    },
    /// The grant was used already: by this or another call, in this or another process. The state says whether the body still
    /// runs, succeeded or failed.
    AlreadyRan {
        /// Which request.
        about: About,
        /// What became of it.
        state: ExecutionState,
    },
    /// It may have run: the process that ran it was lost, or its future was dropped half-way. A person must settle it.
    Unknown(About),
    /// The key belongs to a request with other arguments or, where `original` and `given` are equal, on behalf of another
    /// person.
    KeyConflict {
        /// The request that has the key.
        about: About,
        /// The arguments it was opened with.
        original: ArgumentsDigest,
        /// The arguments of this call.
        given: ArgumentsDigest,
    },
    /// The action is declared with stricter demands than when the request was opened.
    DefinitionChanged {
        /// The request.
        about: About,
        /// What the declaration of today asks for besides.
        what: &'static str,
        /// Whether the request was ended because of that, so that the same call opens a new one, unless it
        /// [ran before](About::ran_before).
        revoked: bool,
    },
    /// No person can meet a requirement.
    NoApprover {
        /// Which action.
        action: ActionName,
        /// Which requirement, from 1.
        requirement: usize,
        /// How many approvals it needs.
        needed: u32,
        /// How many eligible people there are.
        eligible: u32,
    },
    /// This person may not vote on it.
    NotAnApprover {
        /// Which request.
        about: About,
        /// Who.
        who: Principal,
        /// Why not.
        why: NotEligible,
    },
    /// The arguments are not those that were seen.
    ArgumentsChanged {
        /// Which request.
        about: About,
        /// What was seen or approved.
        seen: ArgumentsDigest,
        /// What there is.
        current: ArgumentsDigest,
    },
    /// The lifecycle refuses for another reason.
    Refused {
        /// Which request.
        about: About,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// There is no such request.
    NotFound(RequestId),
    /// Waiting here would block the only thread of the runtime.
    WouldBlock {
        /// Which action.
        action: ActionName,
    },
    /// The arguments cannot be encoded, or a value is not right.
    Invalid(Box<Invalid>),
    /// The policy could not be asked.
    Policy(Text),
    /// The directory could not be asked.
    Directory(Text),
    /// The store failed.
    Store(StoreError),
    /// A channel failed.
    Notifier(Text),
    /// There is no manager to ask.
    NoManager(Text),
    /// The manager was shut down.
    ShutDown,
    /// Something that the rules of this library exclude. Nothing was run.
    Internal(Internal),
}

/// Which request, and which action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The request.
    pub request: RequestId,
    /// Its action.
    pub action: ActionName,
    /// Whether the same call, made again, comes back to this request: it has a key.
    pub keyed: bool,
    /// Whether it ran before without success, and was to run again under the same approval: the same call then does not ask about
    /// it, but [`retry`](crate::ApprovalManager::retry) does.
    pub ran_before: bool,
}

/// A request that ended without approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which request.
    pub about: About,
    /// How.
    pub decision: Arc<Decision>,
    /// Whether this is the answer to an earlier call with the same key: people were not asked again.
    pub repeated: bool,
}

impl About {
    /// What `request` is about.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            ran_before: request.grant.as_deref().is_some_and(|grant| grant.ran_before.is_some()),
            ..Self::opening(request.id, &request.action.name, request.key.is_some())
        }
    }

    /// What a request is about that is not written yet.
    pub(crate) fn opening(request: RequestId, action: &ActionName, keyed: bool) -> Self {
        Self { request, action: action.clone(), keyed, ran_before: false }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.request)
    }
}

impl Ended {
    fn by(&self) -> String {
        let names: Vec<&str> = self.decision.by.iter().map(Principal::as_str).collect();
        names.join(", ")
    }

    fn because(&self) -> String {
        let option = self.decision.option.as_deref().map(|option| format!(" ({option})")).unwrap_or_default();
        let reason = self
            .decision
            .reason
            .as_deref()
            .map(|reason| format!(": '{}'", visible::visible_line(reason)))
            .unwrap_or_default();
        format!("{option}{reason}")
    }
}

impl ApprovalError {
    /// Finds an approval error in a chain of errors: in `anyhow`, in one's own error types.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut current = Some(error);
        while let Some(error) = current {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            current = error.source();
        }
        None
    }
}

impl Error for ApprovalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let Self::Store(error) = self {
            return Some(error);
        }
        if let Self::Invalid(invalid) = self {
            return Some(&**invalid);
        }
        None
    }
}

impl Error for Refusal {}

impl From<Internal> for ApprovalError {
    fn from(internal: Internal) -> Self {
        Self::Internal(internal)
    }
}

impl From<StoreError> for ApprovalError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Invalid> for ApprovalError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(Box::new(invalid))
    }
}

/// The sentence for the language model ([`ApprovalError::for_model`]): a function that returns `Result<_, String>` is mostly a
/// tool whose error goes to a model. It names no approver, and words of people are labelled as data.
impl From<ApprovalError> for String {
    fn from(error: ApprovalError) -> Self {
        error.for_model()
    }
}
