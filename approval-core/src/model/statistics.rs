//! Figures over many requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Priority, Risk, Text};
use crate::clock::{Span, Timestamp};

/// What figures are broken down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Name of the action.
    Action,
    /// The agent that asked.
    Agent,
    /// How bad it would be if it were wrong.
    Risk,
    /// How soon an approver should look, as it was last.
    Priority,
    /// Who voted.
    Approver,
    /// Through which channel a vote came.
    Channel,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: &'static [Self] =
        &[Self::Action, Self::Agent, Self::Risk, Self::Priority, Self::Approver, Self::Channel];

    /// The word for it in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Agent => "agent",
            Self::Risk => "risk",
            Self::Priority => "priority",
            Self::Approver => "approver",
            Self::Channel => "channel",
        }
    }
}

/// Which requests are counted, and how finely. The default counts all and breaks down by nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsQuery {
    /// Decided at this time or later. What is pending is always counted as it is now.
    pub decided_from: Option<Timestamp>,
    /// Decided before this time.
    pub decided_before: Option<Timestamp>,
    /// Of this tenant.
    pub namespace: Option<Text>,
    /// Of this action.
    pub action: Option<Text>,
    /// Asked by this agent.
    pub agent: Option<Text>,
    /// Of this risk.
    pub risk: Option<Risk>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// What the figures are broken down by. Each takes memory for as many groups as there are.
    pub by: Vec<Dimension>,
}

impl StatsQuery {
    /// Everything, broken down by every dimension.
    #[must_use]
    pub fn in_full() -> Self {
        Self { by: Dimension::ALL.to_vec(), ..Self::default() }
    }

    /// Whether a moment of decision lies in the range.
    #[must_use]
    pub fn covers(&self, decided_at: Timestamp) -> bool {
        self.decided_from.is_none_or(|from| decided_at >= from)
            && self.decided_before.is_none_or(|before| decided_at < before)
    }
}

/// Half of all took at most `p50`, nine in ten at most `p90`, 99 in a hundred at most `p99` (nearest rank: each is a time that
/// was measured).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: Span,
    /// The 90th percentile.
    pub p90: Span,
    /// The 99th percentile.
    pub p99: Span,
}

/// How many requests stand and ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figures {
    /// Open at this moment, however long since.
    pub pending: u64,
    /// Approved by people.
    pub approved: u64,
    /// Rejected by people.
    pub rejected: u64,
    /// The deadline passed.
    pub expired: u64,
    /// The deadline passed, and the rule for that approved.
    pub approved_by_timeout: u64,
    /// Taken back or halted.
    pub cancelled: u64,
    /// Approved without anybody being asked: by a standing approval, or by a policy that lets the call run.
    pub unasked: u64,
    /// From the opening (or the beginning of working hours, where it waited for them) until people approved or rejected.
    /// `None`: they did neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_decision: Option<Percentiles>,
}

impl Figures {
    /// How many ended, in whatever way.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.answerable().saturating_add(self.cancelled).saturating_add(self.unasked)
    }

    /// How many people should have answered and had the time to: those that they approved or rejected, and those whose
    /// deadline passed. The rates are parts of these.
    #[must_use]
    pub const fn answerable(&self) -> u64 {
        self.approved.saturating_add(self.rejected).saturating_add(self.timeouts())
    }

    /// How many had their deadline pass.
    #[must_use]
    pub const fn timeouts(&self) -> u64 {
        self.expired.saturating_add(self.approved_by_timeout)
    }

    /// The part that people approved, from 0 to 1. `None`: nothing was to be answered.
    #[must_use]
    pub fn approval_rate(&self) -> Option<f64> {
        part(self.approved, self.answerable())
    }

    /// The part that people rejected, from 0 to 1.
    #[must_use]
    pub fn rejection_rate(&self) -> Option<f64> {
        part(self.rejected, self.answerable())
    }

    /// The part whose deadline passed, from 0 to 1.
    #[must_use]
    pub fn timeout_rate(&self) -> Option<f64> {
        part(self.timeouts(), self.answerable())
    }
}

/// The votes that stood when requests were decided. Those on requests that are still open are not counted yet, nor are
/// those that an edit made void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ballots {
    /// For it.
    pub approvals: u64,
    /// Against it.
    pub rejections: u64,
    /// Answers to questions.
    pub answers: u64,
    /// From the opening (or the beginning of working hours) until the vote. `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_vote: Option<Percentiles>,
}

impl Ballots {
    /// How many, of whatever kind.
    #[must_use]
    pub const fn cast(&self) -> u64 {
        self.approvals.saturating_add(self.rejections).saturating_add(self.answers)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate of more than 2^53 requests need not be exact")]
fn part(count: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| count as f64 / of as f64)
}

/// What was counted. A breakdown that was not asked for is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// All of it.
    pub total: Figures,
    /// All votes.
    pub votes: Ballots,
    /// By name of the action.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_action: BTreeMap<Text, Figures>,
    /// By the agent that asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_agent: BTreeMap<Text, Figures>,
    /// By risk.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_risk: BTreeMap<Risk, Figures>,
    /// By priority.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_priority: BTreeMap<Priority, Figures>,
    /// Votes by person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_approver: BTreeMap<Text, Ballots>,
    /// Votes by channel; those without one are under the empty name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_channel: BTreeMap<Text, Ballots>,
}
