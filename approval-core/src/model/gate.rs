//! What must be met before an action may run. A gate is fixed when the request is opened and stored with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Principal, Priority, RunWindow, Text};
use crate::clock::Span;

/// "At least `count` of these principals." A person fills one seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// How many seats. At least 1.
    pub count: u32,
    /// Who may fill them: people and groups.
    pub of: Vec<Principal>,
    /// Whether a person who already fills a seat of another requirement may fill one of this too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_share: bool,
    /// What happens when the request is opened and none of these people works at that moment. `None`: they are asked at once
    /// all the same; a person with quiet hours is notified after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside_hours: Option<OutsideHours>,
    /// Requirements of the same number are matched together: a person fills one seat among them, and may fill another one among
    /// those of another number. 0 for what the request was opened with; the stricter rule that an edit led to has the next.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub matching: u32,
}

/// What happens when no person who could fill a seat works at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideHours {
    /// These may fill the seats too, and are asked at once; the others are asked when they work again. Mostly
    /// `on_call:…`.
    OnCall(Vec<Principal>),
    /// People are asked when they work again. Time to decide, stages and reminders are counted from when enough of them do.
    Queue,
    /// All are asked at once, in their quiet hours too.
    Everyone,
}

impl Requirement {
    /// One approval by any of `of`.
    #[must_use]
    pub fn any_of(of: impl IntoIterator<Item = Principal>) -> Self {
        Self::at_least(1, of)
    }

    /// `count` approvals by different people among `of`.
    #[must_use]
    pub fn at_least(count: u32, of: impl IntoIterator<Item = Principal>) -> Self {
        Self { count, of: of.into_iter().collect(), may_share: false, outside_hours: None, matching: 0 }
    }
}

/// What happens when the deadline passes undecided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The request expires; nothing runs.
    #[default]
    Reject,
    /// Every escalation stage that has not fired fires, and once people get the timeout anew, counted from then; after that
    /// the request expires. Needs at least one escalation stage.
    Escalate,
    /// The request is approved, if its risk is minimal or low, no reject stands, no question of an approver is unanswered,
    /// eligible approvers exist and a notice was delivered; else it expires.
    Approve,
}

/// After a delay, more people are asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStage {
    /// Delay from the opening of the request.
    #[serde(with = "millis")]
    pub after: Span,
    /// Which requirement is widened (index into [`Gate::requirements`]). Its count never changes.
    pub requirement: usize,
    /// Who is added to it.
    pub to: Vec<Principal>,
    /// A priority to raise the request to; a lower one than it has changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

/// People who have not voted are reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    /// Time between two reminders.
    #[serde(with = "millis")]
    pub every: Span,
    /// How many at the most.
    pub at_most: u32,
}

/// Who may hand a seat on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DelegationRule {
    /// To whom the directory permits.
    #[default]
    Directory,
    /// To these principals, or to whom the directory permits.
    To(Vec<Principal>),
    /// To no person.
    Forbidden,
}

/// An argument that an approver may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editable {
    /// Where it stands in the arguments, such as `cents` or `args.amount`.
    pub path: Text,
    /// JSON Schema (draft 2020-12) of the parameter that holds it: a new value is checked against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Text>,
}

/// A reason to choose from when rejecting; comes back to the agent with the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectOption {
    /// Stable name, such as `wrong_amount`.
    pub name: Text,
    /// What people read.
    pub title: Text,
    /// What it means, in a sentence. May be empty.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub description: Text,
}

/// The conditions under which a request is approved. Fixed when it is opened; only an edit may tighten it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The rule that asked: `attribute`, or the name of a policy's rule.
    pub rule: Text,
    /// All must be met.
    pub requirements: Vec<Requirement>,
    /// People who never count, whatever the requirements say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Principal>,
    /// How many rejects reject the request. At least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub veto: u32,
    /// Whether the person on whose behalf the agent asks may vote: `Some(true)` at every risk, `Some(false)` at none. `None`: not
    /// set; at low and medium risk, but not at high and critical risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_self_approval: Option<bool>,
    /// How long people have. `None`: without end.
    #[serde(with = "millis::option", default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What happens then.
    #[serde(default)]
    pub on_timeout: OnTimeout,
    /// How long a grant may stay unused.
    #[serde(with = "millis")]
    pub grant_ttl: Span,
    /// When a grant may be consumed: while all of these are open. None: at any time. The time of a grant is counted from
    /// their next opening.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_windows: Vec<RunWindow>,
    /// Stages of escalation, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<EscalationStage>,
    /// Reminders, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminders: Option<Reminders>,
    /// Who may delegate to whom.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delegation: DelegationRule,
    /// Whether approvers are kept from approving calls to come along with this one ("do not ask again"). For critical risk
    /// they always are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_standing: bool,
    /// Whether a call joins a request of the same agent for the same action with the same arguments that is open, rather than
    /// opening one more. One of those who wait for it then runs the body; the others get the answer that it ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub join_identical: bool,
    /// People and groups who are notified afterwards of how it ended, and need not decide anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inform: Vec<Principal>,
    /// What approvers may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editable: Vec<Editable>,
    /// Reasons to choose from when rejecting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_options: Vec<RejectOption>,
    /// Whether notices may wait for the daily digest of whom they are to, as long as the priority is low or medium.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
    /// What the action itself asks for, where a rule changed that and approvers may edit arguments: the rule for the edited
    /// arguments is added to this, not to the rule that held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Arc<DeclaredSeats>>,
}

/// The seats that an action asks for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredSeats {
    /// See [`Gate::requirements`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
    /// See [`Gate::escalation`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<EscalationStage>,
}

/// How long people have when nothing else is said: one hour.
pub const DEFAULT_TIMEOUT: Span = Span::from_hours(1);
/// How long a grant may stay unused when the caller waits: 15 minutes.
pub const DEFAULT_GRANT_TTL: Span = Span::from_mins(15);
/// How long a grant may stay unused in suspend mode: 24 hours.
pub const SUSPEND_GRANT_TTL: Span = Span::from_hours(24);

impl Gate {
    /// A gate with the defaults (one reject is a veto, one hour, then reject) and these requirements.
    #[must_use]
    pub fn new(rule: impl Into<Text>, requirements: Vec<Requirement>) -> Self {
        Self {
            rule: rule.into(),
            requirements,
            excluded: Vec::new(),
            veto: 1,
            allow_self_approval: None,
            timeout: Some(DEFAULT_TIMEOUT),
            on_timeout: OnTimeout::Reject,
            grant_ttl: DEFAULT_GRANT_TTL,
            run_windows: Vec::new(),
            escalation: Vec::new(),
            reminders: None,
            delegation: DelegationRule::Directory,
            no_standing: false,
            join_identical: false,
            inform: Vec::new(),
            editable: Vec::new(),
            reject_options: Vec::new(),
            digest: false,
            declared: None,
        }
    }

    /// A gate that says nothing but these requirements, for tightening another with: no timeout, and the loosest of
    /// everything else. By itself it is only good for what is of low risk.
    #[must_use]
    pub fn only(rule: impl Into<Text>, requirements: Vec<Requirement>) -> Self {
        Self {
            veto: u32::MAX,
            allow_self_approval: Some(true),
            timeout: None,
            on_timeout: OnTimeout::Approve,
            grant_ttl: Span::MAX,
            ..Self::new(rule, requirements)
        }
    }

    /// Every principal that the gate names, for looking them up in the directory.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        let delegates: &[Principal] = match &self.delegation {
            DelegationRule::To(to) => to,
            DelegationRule::Directory | DelegationRule::Forbidden => &[],
        };
        let outside = self.requirements.iter().filter_map(|one| match &one.outside_hours {
            Some(OutsideHours::OnCall(to)) => Some(to),
            Some(OutsideHours::Queue | OutsideHours::Everyone) | None => None,
        });
        self.requirements
            .iter()
            .flat_map(|r| &r.of)
            .chain(outside.flatten())
            .chain(self.escalation.iter().flat_map(|stage| &stage.to))
            .chain(&self.excluded)
            .chain(&self.inform)
            .chain(delegates)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_one(n: &u32) -> bool {
    *n == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Spans as whole milliseconds in JSON.
pub(super) mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::clock::Span;

    /// Held at the end, 292 million years.
    fn millis(span: Span) -> i64 {
        i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
    }

    pub(in super::super) fn serialize<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(millis(*span))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Span, D::Error> {
        i64::deserialize(deserializer).map(Span::from_millis)
    }

    pub(super) mod option {
        use serde::{Deserialize, Deserializer, Serializer};

        use crate::clock::Span;

        #[expect(clippy::ref_option, reason = "the shape that serde asks for")]
        pub(in super::super) fn serialize<S: Serializer>(
            span: &Option<Span>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match span {
                Some(span) => serializer.serialize_some(&super::millis(*span)),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Span>, D::Error> {
            Ok(Option::<i64>::deserialize(deserializer)?.map(Span::from_millis))
        }
    }
}
