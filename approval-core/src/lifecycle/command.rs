//! What can be asked of the lifecycle, and the facts that it needs for that.

use std::sync::Arc;

use crate::{
    id::{ExecutorId, GrantId, RequestId, StandingId},
    model::{
        ActionInfo, ArgumentsDigest, Ballot, Basis, CanonicalJson, Declaration, Enclosed, Gate, Halts,
        People, Principal, Priority, Question, Risk, RunLimits, StandingTerms, Text,
    },
};

use super::{
    claim::Claim,
    limit::{Counted, Counter},
    ruling::{EditRuling, RunRuling},
    standing::Standing,
};

/// A request to be opened.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its id.
    pub id: RequestId,
    /// Its tenant.
    pub namespace: Text,
    /// The action (`ask` for a question).
    pub action: Arc<ActionInfo>,
    /// The question, if it is one.
    pub question: Option<Arc<Question>>,
    /// The agent that asks.
    pub requester: Principal,
    /// The person behind it.
    pub on_behalf_of: Option<Principal>,
    /// The run.
    pub run: Option<Text>,
    /// Why the agent says it does this.
    pub intent: Option<Text>,
    /// The hashed idempotency key.
    pub key: Option<Text>,
    /// How bad it would be if it were wrong.
    pub risk: Risk,
    /// How soon an approver should look; follows from the risk if nothing is said.
    pub priority: Option<Priority>,
    /// What must be met.
    pub gate: Arc<Gate>,
    /// The arguments, redacted where they are secret.
    pub arguments: CanonicalJson,
    /// What comes along with them, if anything does.
    pub enclosed: Option<Arc<Enclosed>>,
    /// The digest of the arguments and of what is attached.
    pub digest: ArgumentsDigest,
    /// Whether the agent answers what approvers ask it.
    pub answers_info: bool,
    /// The request that this one tries again.
    pub predecessor: Option<Predecessor>,
    /// Whether the policy lets it run without asking.
    pub allowed: bool,
    /// What the code demands of the action; `None`: what its gate shows.
    pub declaration: Option<Arc<Declaration>>,
    /// The policy and the directory that say so.
    pub basis: Option<Arc<Basis>>,
}

/// The request that a new one tries again, and what the new one takes over from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Which.
    pub request: RequestId,
    /// Digest of the arguments as first asked: the same call still finds the new one by its key.
    pub original: ArgumentsDigest,
    /// Number of the revision that is tried again.
    pub revision: u32,
    /// Who had edited it.
    pub editor: Option<Principal>,
}

/// One changed argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which, such as `cents` or `args.amount`; the gate must list it.
    pub path: Text,
    /// Its new value.
    pub value: CanonicalJson,
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned.
    Succeeded {
        /// What, if that is to be recorded.
        result: Option<CanonicalJson>,
    },
    /// It returned an error or panicked; or, if not started, was never begun.
    Failed {
        /// The error.
        why: Text,
        /// Whether it had begun.
        started: bool,
    },
    /// It is not known.
    Unknown {
        /// Why not.
        why: Text,
    },
}

/// What a person says about an execution in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It had its effect.
    Succeeded,
    /// It had no effect.
    Failed,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// A person votes on the arguments that the person saw.
    Vote {
        /// Digest of those arguments.
        digest: ArgumentsDigest,
        /// What.
        ballot: Ballot,
        /// Why.
        note: Option<Text>,
    },
    /// A person approves, and does not want to be asked about calls of the same kind for a while.
    ApproveStanding {
        /// Digest of the arguments that the person saw.
        digest: ArgumentsDigest,
        /// Why.
        note: Option<Text>,
        /// Which calls, and for how long.
        terms: StandingTerms,
    },
    /// A standing approval that was given with this request is taken back.
    WithdrawStanding {
        /// Which.
        standing: StandingId,
        /// Why.
        reason: Text,
    },
    /// A person changes arguments and approves the result.
    ApproveEdited {
        /// Digest of the arguments that the person saw.
        digest: ArgumentsDigest,
        /// The changes. At least one.
        edits: Vec<Edit>,
        /// Why.
        note: Option<Text>,
    },
    /// A person hands the own seat on. An approval that the person gave before fills it no more; a later vote of the person
    /// takes the seat back.
    Delegate {
        /// To whom.
        to: Principal,
    },
    /// More people are asked now.
    Escalate {
        /// Which requirement is widened (index).
        requirement: usize,
        /// By whom.
        to: Vec<Principal>,
        /// To which priority the request is raised.
        priority: Option<Priority>,
    },
    /// An approver wants to know something.
    RequestInfo {
        /// What.
        question: Text,
    },
    /// The agent answers all that approvers asked and it has not answered yet.
    ProvideInfo {
        /// The answer.
        answer: Text,
    },
    /// A remark by a person whom it concerns, also after the decision.
    Comment {
        /// What.
        text: Text,
    },
    /// The requester, the person behind it, or an operator takes the request back.
    Cancel {
        /// Why.
        reason: Option<Text>,
    },
    /// A halt covers the request: cancels it while it is open, revokes an unspent grant, and takes from an idempotent action the
    /// right to run again. By an operator, or by the service that carries out a halt that the facts name.
    Halt {
        /// Why.
        reason: Text,
    },
    /// Today's declaration of the action asks for more than the one that the request was opened with: cancels it while it is
    /// open, revokes an unspent grant. By an operator or a service.
    Supersede {
        /// What it asks for.
        reason: Text,
    },
    /// An approver or operator takes an approval back; of an idempotent action that failed or is in doubt, the right to run
    /// again.
    Revoke {
        /// Why.
        reason: Text,
    },
    /// The policy no longer covers an approval that no person gave: revokes it. By the library.
    Uncover,
    /// A process is about to run the body.
    Consume {
        /// Which process.
        executor: ExecutorId,
        /// The nonce that it holds.
        grant: GrantId,
        /// What it is, and what it would run.
        claim: Box<Claim>,
    },
    /// The process reports how the body ended.
    Finish {
        /// Which process.
        executor: ExecutorId,
        /// The grant that the body ran with. One process may run a request several times, each time with another grant: a late
        /// report of an earlier run ends no later one.
        grant: GrantId,
        /// How.
        ending: Ending,
    },
    /// The process that executes it is gone: its lease was lost. Whichever run that process executes: a process without its
    /// lease begins no other one.
    LoseLease {
        /// Which process.
        executor: ExecutorId,
    },
    /// A person settles an execution in doubt.
    Settle {
        /// How it had ended.
        settlement: Settlement,
        /// In the person's words.
        note: Option<Text>,
    },
    /// An idempotent action that failed or is in doubt is given a new grant, as long as the old one lives. By whom it concerns,
    /// or by a service. Counts as another attempt.
    Reopen {
        /// The limits of the run that it belongs to, as its caller has them.
        run: RunLimits,
    },
    /// A successor tries it again; only after it was rejected, cancelled or revoked, expired or has failed.
    Retry {
        /// The successor.
        successor: RequestId,
    },
    /// Time has passed: whatever is due happens.
    Tick,
}

impl Act {
    /// Whether people do this. The rest is done by the library itself, and no channel may hand it in.
    #[must_use]
    pub const fn is_of_people(&self) -> bool {
        match self {
            Self::Vote { .. }
            | Self::ApproveStanding { .. }
            | Self::WithdrawStanding { .. }
            | Self::ApproveEdited { .. }
            | Self::Delegate { .. }
            | Self::Escalate { .. }
            | Self::RequestInfo { .. }
            | Self::ProvideInfo { .. }
            | Self::Comment { .. }
            | Self::Cancel { .. }
            | Self::Revoke { .. }
            | Self::Settle { .. } => true,
            Self::Halt { .. }
            | Self::Supersede { .. }
            | Self::Uncover
            | Self::Consume { .. }
            | Self::Finish { .. }
            | Self::LoseLease { .. }
            | Self::Reopen { .. }
            | Self::Retry { .. }
            | Self::Tick => false,
        }
    }
}

/// Whether what is written about an act names the policy and the people in force.
#[must_use]
pub const fn names_basis(act: &Act) -> bool {
    matches!(act, Act::Consume { .. } | Act::ApproveEdited { .. })
}

/// A command: who does what, through which channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who. Authenticated; never taken from a message.
    pub actor: Principal,
    /// Through which channel.
    pub via: Option<Text>,
    /// Whether the actor may do what operators may (cancel, revoke, settle, escalate any request).
    pub operator: bool,
    /// What.
    pub act: Act,
}

/// What was looked up before.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The directory, as far as it is about anybody whom the request, the command or `edited` names.
    pub people: &'a People,
    /// The halts in force.
    pub halts: &'a Halts,
    /// The nonce of the grant, should this command lead to one.
    pub grant_id: GrantId,
    /// The limits that are about the call, and what they have counted; for opening a request and for spending its grant.
    pub limits: &'a [Counted],
    /// The other counters in which the request has places; for spending its grant and for what ends it.
    pub counters: &'a [Counter],
    /// The standing approvals for the request's action, in the order in which they are to be tried. For a command that may reject
    /// it: those that a rejection may have to take back, in force or not. For consuming a grant: the one that gave it, if one did.
    pub standing: &'a [Standing],
    /// The id of the standing approval, should this command lead to one.
    pub standing_id: StandingId,
    /// Whether a notice that asks a person to decide was delivered.
    pub notice_delivered: bool,
    /// For consuming a grant, and for revoking one that the policy no longer covers: what the policy says about the call now.
    /// Nothing is consumed without it.
    pub ruling: Option<&'a RunRuling>,
    /// For an edit: what the policy says about a call with the edited arguments. No edit counts without it.
    pub edited: Option<&'a EditRuling>,
    /// For an edit and for consuming a grant: the policy and the directory that say so.
    pub basis: Option<&'a Arc<Basis>>,
}
