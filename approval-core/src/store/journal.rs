//! Lines about calls that opened no request, about attempts that were refused, and about what was done to a whole store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::RequestId,
    model::{ArgumentsDigest, Basis, Principal, Request, SourceDigest, SourceKind, Text, TimeoutSpike},
};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum JournalLine {
    /// A call that the policy denied, or allowed without asking anybody. One with a key, or a run window, that it allowed has a
    /// request instead.
    Call {
        /// When.
        at: Timestamp,
        /// Which action.
        action: Text,
        /// Its version.
        version: u32,
        /// Which arguments.
        digest: ArgumentsDigest,
        /// By which agent.
        agent: Principal,
        /// In which run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<Text>,
        /// Which rule said so.
        rule: Text,
        /// `allowed`, `denied`, or how the body ended: `succeeded`, `failed`, `unknown`.
        outcome: Text,
        /// The reason or the error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Text>,
        /// The policy that said so, and the directory in force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Arc<Basis>>,
    },
    /// Deadlines passed much more often than usual.
    TimeoutSpike(TimeoutSpike),
    /// Attempts on a request by one principal that were refused for one reason, counted together.
    Refused {
        /// When the first was.
        at: Timestamp,
        /// On which request.
        request: RequestId,
        /// By whom.
        by: Principal,
        /// Through which channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Text>,
        /// What was attempted and why it was refused.
        why: Text,
        /// How many.
        count: u64,
    },
    /// Something was done to the whole store, rather than to a request: a halt in every namespace, for instance.
    Operated {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Principal,
        /// What, and why.
        what: Text,
    },
    /// The rules or the people of a process were read again, and hold since then.
    Reloaded {
        /// Since when.
        at: Timestamp,
        /// The agent of the process.
        agent: Principal,
        /// The namespace that it serves.
        #[serde(default = "default_namespace", skip_serializing_if = "is_default_namespace")]
        namespace: Text,
        /// Which of the two.
        what: SourceKind,
        /// The text that held before. `None`: nothing that has a text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<SourceDigest>,
        /// The text that holds now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<SourceDigest>,
    },
}

fn default_namespace() -> Text {
    Request::DEFAULT_NAMESPACE.into()
}

fn is_default_namespace(namespace: &Text) -> bool {
    &**namespace == Request::DEFAULT_NAMESPACE
}

impl JournalLine {
    /// When it was, or the first of what it counts.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Call { at, .. }
            | Self::Refused { at, .. }
            | Self::Operated { at, .. }
            | Self::Reloaded { at, .. } => *at,
            Self::TimeoutSpike(spike) => spike.at,
        }
    }

    /// The digests of rules and people that it names.
    pub fn sources(&self) -> impl Iterator<Item = SourceDigest> + use<> {
        match self {
            Self::Call { basis: Some(basis), .. } => [basis.policy, basis.directory],
            Self::Reloaded { from, to, .. } => [*from, *to],
            Self::Call { basis: None, .. }
            | Self::Refused { .. }
            | Self::Operated { .. }
            | Self::TimeoutSpike(_) => [None, None],
        }
        .into_iter()
        .flatten()
    }
}

/// A line and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Counts up, not necessarily by one.
    pub number: u64,
    /// The line.
    pub line: JournalLine,
}
