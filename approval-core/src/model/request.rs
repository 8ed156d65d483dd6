//! One matter put to people.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::{
    ActionName, ArgumentsDigest, Attachment, Basis, CanonicalJson, ChainHead, Decision, Declaration,
    Delegation, Enclosed, Execution, Gate, Grant, Money, Principal, Priority, Question, Risk, SchemaDigest,
    Share, Text, Vote, canonical::arguments_digest_with,
};
use crate::{clock::Timestamp, id::RequestId};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// People are asked.
    Pending,
    /// People are asked, and one of them wants to know something first. Everything that applies to pending applies.
    InfoRequested,
    /// Enough people approved, or a question was answered.
    Approved,
    /// Enough people rejected.
    Rejected,
    /// The deadline passed.
    Expired,
    /// The requester or an operator took it back, or everything was halted.
    Cancelled,
}

impl Status {
    /// Whether people can still decide.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InfoRequested)
    }

    /// The word for it in JSON and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InfoRequested => "info_requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Every status.
    pub const ALL: &'static [Self] =
        &[Self::Pending, Self::InfoRequested, Self::Approved, Self::Rejected, Self::Expired, Self::Cancelled];
}

/// What is known about an action before it is called: the same for every call, shared between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionInfo {
    /// Its name.
    pub name: ActionName,
    /// Its version; part of the digest.
    pub version: u32,
    /// What sort of action it is (`purchase`, `send_email`, …); `custom` if nothing was said.
    #[serde(default = "custom", skip_serializing_if = "is_custom")]
    pub kind: Text,
    /// Digest of the schema of its arguments, if they have one; part of the digest of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaDigest>,
    /// Sentence with placeholders (`Refund {cents} cents to {args.customer}`), rendered anew when the arguments are edited.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub description: Text,
    /// Arithmetic with placeholders and a currency (`{cents} / 100 USD`), computed anew likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Text>,
    /// Parameters that the digest does not cover; people are shown which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unbound: Vec<Text>,
    /// Paths of arguments that are kept secret from people; they are shown which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Text>,
    /// Whether running it twice does no harm, so that what is in doubt, or failed, may run again while its grant lives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Whether it may give money back: its cost may be below zero. Without it, a negative cost is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credits: bool,
}

fn custom() -> Text {
    "custom".into()
}

fn is_custom(kind: &Text) -> bool {
    &**kind == "custom"
}

impl ActionInfo {
    /// An action without description, version 1.
    #[must_use]
    pub fn new(name: ActionName) -> Self {
        Self {
            name,
            version: 1,
            kind: custom(),
            schema: None,
            description: "".into(),
            cost: None,
            unbound: Vec::new(),
            redacted: Vec::new(),
            idempotent: false,
            credits: false,
        }
    }
}

/// The arguments as they stand, what they are called in words, and what they cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// 1 for what the agent asked; counts up with every edit.
    pub number: u32,
    /// The arguments: an object, one member a parameter. Redacted values are placeholders.
    pub arguments: CanonicalJson,
    /// What votes and grants are bound to.
    pub digest: ArgumentsDigest,
    /// The description with its placeholders filled in.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub description: Text,
    /// What it costs, if the action says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// Who edited; `None` for what the agent asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editor: Option<Principal>,
}

/// A question of an approver to the agent, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoExchange {
    /// Who asked.
    pub by: Principal,
    /// What.
    pub question: Text,
    /// When.
    pub at: Timestamp,
    /// The answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Text>,
}

/// More people who may fill the seats of a requirement. Its count stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widening {
    /// Which requirement (index into [`Gate::requirements`]).
    pub requirement: usize,
    /// Who is added to it.
    pub to: Vec<Principal>,
    /// The stage that fired (index into [`Gate::escalation`]); `None` when a person escalated by hand, or when it was opened
    /// and asked who was on call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<usize>,
    /// When.
    pub at: Timestamp,
    /// When another person may come on call for what it names; then that person is asked too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<Timestamp>,
}

/// A remark that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Whose.
    pub by: Principal,
    /// What.
    pub text: Text,
    /// When.
    pub at: Timestamp,
}

/// One matter put to people, with all that happened to it. Immutable: a transition makes a new one.
///
/// A million of these may wait at a time, so what most of them do not have takes no more room than a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// Its id; sorts by time.
    pub id: RequestId,
    /// Separates tenants of one store; `default` if nothing was said.
    #[serde(default = "default_namespace", skip_serializing_if = "is_default_namespace")]
    pub namespace: Text,
    /// The action that waits (`ask` for a question).
    pub action: Arc<ActionInfo>,
    /// The question, if this is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Arc<Question>>,
    /// The agent that asks.
    pub requester: Principal,
    /// The person behind the agent, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Principal>,
    /// The run of the agent that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Text>,
    /// Why the agent says it does this. Agent text: shown as data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Text>,
    /// Scope and idempotency key, hashed, if the call has a key. Unique in a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Text>,
    /// Digest of the arguments as first asked: what tells whether another call with the same key is the same call.
    pub original: ArgumentsDigest,
    /// How bad it would be if it were wrong.
    pub risk: Risk,
    /// How soon an approver should look.
    pub priority: Priority,
    /// What must be met.
    pub gate: Arc<Gate>,
    /// What the code demanded of the action. `None`: what `gate` shows; so are requests of before this was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<Arc<Declaration>>,
    /// The policy and the directory in force when it was opened. `None`: neither has a text; so are requests of before this was
    /// stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Arc<Basis>>,
    /// The arguments as they stand.
    pub revision: Revision,
    /// What comes along with the arguments, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enclosed: Option<Arc<Enclosed>>,
    /// Where it stands.
    pub status: Status,
    /// Each person's latest vote.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub votes: ThinVec<Vote>,
    /// Seats handed on.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub delegations: ThinVec<Delegation>,
    /// Who is asked beyond the gate: by escalation stages that fired, and by hand.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub widened: ThinVec<Widening>,
    /// Number of the latest reminder whose time has come.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminders: u32,
    /// Whether the deadline has been moved by [`super::OnTimeout::Escalate`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extended: bool,
    /// Whether the agent answers what approvers ask it. If not, they are shown that no answer will come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers_info: bool,
    /// What approvers asked the agent.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub info: ThinVec<InfoExchange>,
    /// Remarks.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub comments: ThinVec<Comment>,
    /// How it ended for people. `None` as long as it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<Decision>>,
    /// The right to run it, once approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Box<Grant>>,
    /// How running it went. `None` until approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Box<Execution>>,
    /// The places that it has in the limits on calls: it was opened without asking people, and has neither run nor ended (unless
    /// a counter could not be read then). Empty for requests of before this was stored: they are counted in full when they run.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub places: ThinVec<Share>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on stages, reminders and the time to decide are counted, if that is later than the opening: no person worked
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Box<Timestamp>>,
    /// Until when people can decide. `None`: without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The request that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<RequestId>,
    /// The request that tries this one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<RequestId>,
    /// Where its history stands.
    pub chain: ChainHead,
}

impl Request {
    /// The namespace of a request that names none.
    pub const DEFAULT_NAMESPACE: &str = "default";

    /// What the agent attached. Covered by the digest, and the same after an edit of the arguments.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        self.enclosed.as_ref().map_or(&[], |enclosed| &enclosed.attachments)
    }

    /// The digest of arguments and attachments as they stand, computed anew: that of [`Revision::digest`], unless someone
    /// changed the one or the other behind the back of the lifecycle.
    #[must_use]
    pub fn digest_again(&self) -> ArgumentsDigest {
        self.digest_with(&self.revision.arguments)
    }

    /// The digest of other arguments with the same attachments.
    pub(crate) fn digest_with(&self, arguments: &CanonicalJson) -> ArgumentsDigest {
        let ActionInfo { name, version, schema, .. } = &*self.action;
        arguments_digest_with(name.as_str(), *version, schema.as_ref(), arguments, self.attachments())
    }
}

fn default_namespace() -> Text {
    Request::DEFAULT_NAMESPACE.into()
}

fn is_default_namespace(namespace: &Text) -> bool {
    &**namespace == Request::DEFAULT_NAMESPACE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}
