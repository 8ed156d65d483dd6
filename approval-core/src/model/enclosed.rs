//! What comes along with the arguments of a request.

use serde::{Deserialize, Serialize};

use super::{Attachment, Execution, Preview, Principal, Request, Text};
use crate::id::RequestId;

/// What comes along with the arguments of a request, and does not change any more. Most requests have none of it, so it lies
/// behind one pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Enclosed {
    /// What the agent attached; covered by the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What the action would do, if that was worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// How the request ended that this one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Box<Follows>>,
}

/// How an earlier request ended, for people who are asked about one that follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Follows {
    /// The earlier request.
    pub request: RequestId,
    /// How it ended, in a word: `rejected`, `expired`, `cancelled`, `revoked`, `grant_expired`, `failed`.
    pub ended: Text,
    /// By whom, where people ended it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Principal>,
    /// Why, in the words of those who ended it, the option that they chose in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
    /// What it was called.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub description: Text,
}

impl Follows {
    /// How `request` ended.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let (by, why) = match request.execution.as_deref() {
            Some(Execution::Revoked { by, why, .. }) => (vec![by.clone()], Some(Text::clone(why))),
            Some(Execution::Failed { why, .. }) => (Vec::new(), Some(Text::clone(why))),
            Some(
                Execution::NotStarted
                | Execution::Executing { .. }
                | Execution::Succeeded { .. }
                | Execution::Unknown { .. }
                | Execution::GrantExpired { .. },
            ) => (Vec::new(), None),
            None => request.decision.as_ref().map_or((Vec::new(), None), |decision| {
                let why = match (&decision.option, &decision.reason) {
                    (Some(option), Some(reason)) => Some(format!("{option}: {reason}").into()),
                    (one, other) => one.clone().or_else(|| other.clone()),
                };
                (decision.by.clone(), why)
            }),
        };
        let ended = request.execution.as_deref().map_or(request.status.as_str(), |end| end.state().as_str());
        Self {
            request: request.id,
            ended: ended.into(),
            by,
            why,
            description: request.revision.description.clone(),
        }
    }
}

impl Enclosed {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Vec<Attachment>> for Enclosed {
    fn from(attachments: Vec<Attachment>) -> Self {
        Self { attachments, ..Self::default() }
    }
}
