//! "Approve, and do not ask again": a scoped, expiring, counted, revocable approval of calls to come.

use serde::{Deserialize, Serialize};

use super::{ActionName, ArgumentsDigest, CanonicalJson, Principal, Request, Risk, Text};
use crate::{
    clock::{Span, Timestamp},
    id::{RequestId, StandingId},
};

/// How long a standing approval lasts when nothing else is said: 24 hours.
pub const STANDING_DEFAULT: Span = Span::from_hours(24);
/// Longest that a standing approval may last: 7 days.
pub const STANDING_LONGEST: Span = Span::from_hours(7 * 24);

/// Whose calls a standing approval covers. Always of one action, in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum StandingScope {
    /// Those of one agent within one run.
    Run {
        /// The agent.
        agent: Principal,
        /// The run.
        run: Text,
    },
    /// Those of one agent.
    Agent {
        /// The agent.
        agent: Principal,
    },
    /// Those of every agent.
    Action,
}

/// Which of the scopes a person chooses; agent and run are those of the request that is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingReach {
    /// This run.
    Run,
    /// This agent.
    Agent,
    /// This action, of every agent.
    Action,
}

/// On whose behalf the covered calls may be made, as a person chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingBehalf {
    /// The person behind the request that is approved; of a request without one: calls without one.
    #[default]
    Same,
    /// Any person, and none.
    Everyone,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_same(behalf: &StandingBehalf) -> bool {
    *behalf == StandingBehalf::Same
}

/// On whose behalf the calls are made that a standing approval covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum CoveredBehalf {
    /// Any person, and none.
    Everyone,
    /// No person.
    Nobody,
    /// This person.
    Person {
        /// Who.
        person: Principal,
    },
}

impl CoveredBehalf {
    /// Only that of `request`.
    #[must_use]
    pub(crate) fn same_as(request: &Request) -> Self {
        match &request.on_behalf_of {
            Some(person) => Self::Person { person: person.clone() },
            None => Self::Nobody,
        }
    }
}

/// Which arguments a standing approval covers. Spelled out, so that nothing is ever read as "any".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingArguments {
    /// Exactly those of the request that is approved, and the same attachments.
    Exactly,
    /// Those that meet all of these conditions. At least one. Calls with attachments are not among them, since no condition
    /// sees these.
    Matching(Vec<ArgumentCondition>),
    /// Any, and any attachments.
    Any,
}

/// What must hold of one argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentCondition {
    /// Where it stands, such as `cents` or `args.customer`. An argument that is missing or secret meets nothing.
    pub path: Text,
    /// What it must be.
    pub is: Expected,
}

/// What an argument must be. A value of another type is not it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// One of these values.
    OneOf(Vec<CanonicalJson>),
    /// A number from zero on that is no greater.
    AtMost(rust_decimal::Decimal),
    /// A number that is no less.
    AtLeast(rust_decimal::Decimal),
}

/// What a person who approves wants not to be asked about again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingTerms {
    /// Whose calls.
    pub reach: StandingReach,
    /// With which arguments.
    pub arguments: StandingArguments,
    /// For how long, from the decision on, in whole milliseconds; above zero and at most [`STANDING_LONGEST`].
    #[serde(with = "super::gate::millis")]
    pub lasts: Span,
    /// For how many calls at the most; `None`: for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// On whose behalf; the same person as that of the request, unless set.
    #[serde(default, skip_serializing_if = "is_same")]
    pub behalf: StandingBehalf,
}

impl StandingTerms {
    /// For [`STANDING_DEFAULT`] and any number of calls, on behalf of the same person as the request.
    #[must_use]
    pub const fn new(reach: StandingReach, arguments: StandingArguments) -> Self {
        Self { reach, arguments, lasts: STANDING_DEFAULT, calls: None, behalf: StandingBehalf::Same }
    }

    /// On behalf of any person, and of none.
    #[must_use]
    pub const fn for_everyone(mut self) -> Self {
        self.behalf = StandingBehalf::Everyone;
        self
    }

    /// For this long.
    #[must_use]
    pub const fn lasting(mut self, lasts: Span) -> Self {
        self.lasts = lasts;
        self
    }

    /// For at most so many calls.
    #[must_use]
    pub const fn at_most(mut self, calls: u32) -> Self {
        self.calls = Some(calls);
        self
    }
}

/// Who took a standing approval back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Who.
    pub by: Principal,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Text,
}

/// A standing approval as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StandingApproval {
    /// Its id.
    pub id: StandingId,
    /// Its tenant.
    pub namespace: Text,
    /// Calls of this action.
    pub action: ActionName,
    /// In this version: a new one is asked about.
    pub version: u32,
    /// Whose calls.
    pub scope: StandingScope,
    /// On whose behalf. `None` in records of before this was stored: that of the request that it was given with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behalf: Option<CoveredBehalf>,
    /// With which arguments.
    pub arguments: StandingArguments,
    /// The arguments of the request that it was given with.
    pub digest: ArgumentsDigest,
    /// Of no higher risk than this.
    pub risk: Risk,
    /// Who gave it.
    pub by: Vec<Principal>,
    /// With which request.
    pub request: RequestId,
    /// When.
    pub created_at: Timestamp,
    /// From then on it is worthless.
    pub expires_at: Timestamp,
    /// For how many calls at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// For how many it was used.
    pub used: u32,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// When the last of the grants that it gave ends. `None` if it gave none, and in records of before this was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants_until: Option<Timestamp>,
    /// Whether it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawn>,
}

impl StandingApproval {
    /// What `terms` on the decided `request` amount to.
    #[must_use]
    pub(crate) fn of(
        id: StandingId,
        request: &Request,
        terms: &StandingTerms,
        by: Vec<Principal>,
        at: Timestamp,
    ) -> Option<Self> {
        let agent = request.requester.clone();
        let scope = match terms.reach {
            StandingReach::Run => StandingScope::Run { agent, run: request.run.clone()? },
            StandingReach::Agent => StandingScope::Agent { agent },
            StandingReach::Action => StandingScope::Action,
        };
        Some(Self {
            id,
            namespace: request.namespace.clone(),
            action: request.action.name.clone(),
            version: request.action.version,
            scope,
            behalf: Some(match terms.behalf {
                StandingBehalf::Same => CoveredBehalf::same_as(request),
                StandingBehalf::Everyone => CoveredBehalf::Everyone,
            }),
            arguments: terms.arguments.clone(),
            digest: request.revision.digest,
            risk: request.risk,
            by,
            request: request.id,
            created_at: at,
            expires_at: crate::clock::to_micros(crate::clock::after(at, terms.lasts)),
            calls: terms.calls,
            used: 0,
            last_used_at: None,
            grants_until: None,
            withdrawn: None,
        })
    }

    /// How many calls are left; `None`: any number.
    #[must_use]
    pub fn left(&self) -> Option<u32> {
        // Used more often than it may be, it covers nothing either.
        self.calls.map(|calls| calls.saturating_sub(self.used))
    }

    /// Whether it could cover a call at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.withdrawn.is_none() && now < self.expires_at && self.left() != Some(0)
    }
}
