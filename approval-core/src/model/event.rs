//! The history of a request: immutable lines, each bound to the one before it.

mod line;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ArgumentsDigest, Ballot, Basis, Outcome, Principal, Risk, StandingTerms, Text,
    canonical::{hex_digit, read_hex},
};
use crate::{
    clock::Timestamp,
    id::{ExecutorId, GrantId, RequestId, StandingId},
};

/// SHA-256 of a line of history; in text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// In front of the first line.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of a line.
    #[must_use]
    pub fn of(line: &str) -> Self {
        Self(Sha256::digest(line.as_bytes()).into())
    }

    /// A hash that was computed or read elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0, &mut [0; 64]))
    }
}

/// Hexadecimal digits of 32 bytes, without going through the formatter byte by byte.
fn hex<'a>(bytes: &[u8; 32], out: &'a mut [u8; 64]) -> &'a str {
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            *high = hex_digit(byte >> 4);
            *low = hex_digit(*byte);
        }
    }
    // ASCII digits are always text. Nothing in its place would be no hash, which no line and no seal has.
    std::str::from_utf8(out).unwrap_or_default()
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl Serialize for ChainHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(hex(&self.0, &mut [0; 64]))
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        let bad = || serde::de::Error::custom("a chain hash is 64 lower-case hexadecimal digits");
        read_hex(&text).map(Self).ok_or_else(bad)
    }
}

/// Where a request's history stands: how many lines, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Lines so far.
    pub count: u64,
    /// Hash of the last line.
    pub hash: ChainHash,
}

impl ChainHead {
    /// Before the first line.
    pub const EMPTY: Self = Self { count: 0, hash: ChainHash::ZERO };
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The request was opened.
    Created {
        /// Name of the action.
        action: Text,
        /// Its version.
        version: u32,
        /// How bad it would be if it were wrong.
        risk: Risk,
        /// The rule that asked.
        rule: Text,
        /// The person behind the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_behalf_of: Option<Principal>,
        /// The policy that ruled, and the directory that said who may decide.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Arc<Basis>>,
    },
    /// A person voted.
    Voted {
        /// What.
        ballot: Ballot,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Text>,
    },
    /// A person changed the arguments; the event's digest is the new one.
    Edited {
        /// The new revision.
        revision: u32,
        /// The digest before.
        from: ArgumentsDigest,
        /// The policy that ruled on the new arguments, and the directory that said who may decide.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Arc<Basis>>,
    },
    /// No person who could fill a seat of a requirement worked when the request was opened.
    OutsideHours {
        /// Which requirement (index).
        requirement: usize,
        /// Who is asked besides.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<Principal>,
        /// When enough people work again; time is counted from then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Who was on call when the request was opened, or came on call while it was open: they stay asked after they handed over.
    OnCall {
        /// For which requirement (index).
        requirement: usize,
        /// Who.
        to: Vec<Principal>,
    },
    /// A seat was handed on, or taken by the stand-in of a person who is out of office; then the actor is `to`.
    Delegated {
        /// Whose.
        from: Principal,
        /// To whom.
        to: Principal,
    },
    /// More people are asked.
    Escalated {
        /// Which stage (index into the gate's stages); `None` when a person widened the circle.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<usize>,
        /// Which requirement was widened (index).
        requirement: usize,
        /// Who is asked besides.
        to: Vec<Principal>,
        /// Whether an operator did it by hand, who may widen any requirement to anyone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_operator: bool,
    },
    /// The deadline moved.
    Extended {
        /// To when.
        deadline: Timestamp,
    },
    /// People were reminded.
    Reminded {
        /// For which time.
        number: u32,
    },
    /// An approver asked the agent.
    InfoRequested {
        /// What.
        question: Text,
    },
    /// The agent answered.
    InfoProvided {
        /// What.
        answer: Text,
    },
    /// A remark.
    Commented {
        /// What.
        text: Text,
    },
    /// The request ended.
    Decided {
        /// How.
        outcome: Outcome,
        /// Whose votes brought it about.
        by: Vec<Principal>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Text>,
        /// The grant that was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
        /// Whether it was rejected because the requirements could no longer be met.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unreachable: bool,
    },
    /// Calls to come were approved along with it.
    Stood {
        /// The standing approval.
        standing: StandingId,
        /// What was asked for.
        terms: StandingTerms,
        /// Who gave it.
        by: Vec<Principal>,
        /// From then on it is worthless.
        expires_at: Timestamp,
    },
    /// A standing approval covers it: no person is asked.
    Covered {
        /// The standing approval.
        standing: StandingId,
        /// The request that it was given with.
        given_with: RequestId,
        /// Calls that it covers after this one; `None`: any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<u32>,
    },
    /// A standing approval that was given with this request was taken back, or this rejection took one back.
    Withdrawn {
        /// The standing approval.
        standing: StandingId,
        /// Why.
        why: Text,
    },
    /// The grant was spent.
    Consumed {
        /// The grant.
        grant: GrantId,
        /// By which process.
        executor: ExecutorId,
        /// The policy that was asked once more, and the directory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<Arc<Basis>>,
    },
    /// The body ended, or it was found that it is not known how.
    Executed {
        /// `succeeded`, `failed` or `unknown`.
        state: Text,
        /// The error, or why it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Text>,
    },
    /// A person said how an execution in doubt had ended.
    Settled {
        /// `succeeded` or `failed`.
        state: Text,
        /// In the person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Text>,
    },
    /// The grant was not used in time.
    GrantExpired,
    /// The approval was taken back; after it was used, the right of an idempotent action to run again.
    Revoked {
        /// Why.
        why: Text,
    },
    /// An idempotent action that is in doubt, or failed, may run again.
    Reopened,
    /// A successor tries it again.
    Retried {
        /// The successor.
        successor: RequestId,
    },
}

impl EventKind {
    /// The policy and the directory that were in force, where the line names them.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        match self {
            Self::Created { basis, .. } | Self::Edited { basis, .. } | Self::Consumed { basis, .. } => {
                basis.as_deref().copied()
            }
            Self::Voted { .. }
            | Self::OutsideHours { .. }
            | Self::OnCall { .. }
            | Self::Delegated { .. }
            | Self::Escalated { .. }
            | Self::Extended { .. }
            | Self::Reminded { .. }
            | Self::InfoRequested { .. }
            | Self::InfoProvided { .. }
            | Self::Commented { .. }
            | Self::Decided { .. }
            | Self::Stood { .. }
            | Self::Covered { .. }
            | Self::Withdrawn { .. }
            | Self::Executed { .. }
            | Self::Settled { .. }
            | Self::GrantExpired
            | Self::Revoked { .. }
            | Self::Reopened
            | Self::Retried { .. } => None,
        }
    }
}

/// One line of history. Its members are written in alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Who did it.
    pub actor: Principal,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The arguments as they stood.
    pub digest: ArgumentsDigest,
    /// Hash of the line before; zeros in the first.
    pub prev: ChainHash,
    /// Of which request.
    pub request: RequestId,
    /// Its place, from 1.
    pub seq: u64,
    /// Through which channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Text>,
    /// What.
    pub what: EventKind,
}

/// A line of history as it is stored and hashed: the JSON text of an [`Event`], and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// Its place, from 1.
    pub seq: u64,
    /// The text that the next line's `prev` and the head are the SHA-256 of.
    pub text: Arc<str>,
}

impl EventLine {
    /// The event that the line tells.
    ///
    /// # Errors
    /// When the text is not the JSON of an event.
    pub fn event(&self) -> Result<Event, serde_json::Error> {
        serde_json::from_str(&self.text)
    }
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A line is no event.
    #[error("line {seq} of the history of request {request} is not an event: {why}")]
    Unreadable {
        /// Of which request.
        request: RequestId,
        /// Which line, from 1.
        seq: u64,
        /// What the reader says.
        why: String,
    },
    /// A line is missing, doubled or out of order, or belongs to another request.
    #[error("line {seq} of the history of request {request} is missing, doubled or out of its place")]
    OutOfPlace {
        /// Of which request.
        request: RequestId,
        /// Which line, from 1.
        seq: u64,
    },
    /// A line does not follow the one before it: one of the two was changed.
    #[error(
        "line {seq} of the history of request {request} does not follow the line before it: one of them was changed"
    )]
    Broken {
        /// Of which request.
        request: RequestId,
        /// Which line, from 1.
        seq: u64,
    },
    /// The last line is not the one that the request names: lines were cut off or changed at the end.
    #[error(
        "the history of request {request} ends at line {found}, not at the line {expected} that the request names: its end was cut off or changed"
    )]
    WrongHead {
        /// Of which request.
        request: RequestId,
        /// Lines that the request names.
        expected: u64,
        /// Lines there are.
        found: u64,
    },
}

/// Checks that `lines` are the whole history of `request`, unchanged, ending in `head`.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_chain(request: RequestId, lines: &[EventLine], head: &ChainHead) -> Result<(), ChainError> {
    let mut prev = ChainHash::ZERO;
    for (seq, line) in (1_u64..).zip(lines) {
        let event = line.event().map_err(|e| ChainError::Unreadable { request, seq, why: e.to_string() })?;
        if event.seq != seq || line.seq != seq || event.request != request {
            return Err(ChainError::OutOfPlace { request, seq });
        }
        if event.prev != prev {
            return Err(ChainError::Broken { request, seq });
        }
        prev = ChainHash::of(&line.text);
    }
    let found = lines.len() as u64;
    if found != head.count || prev != head.hash {
        return Err(ChainError::WrongHead { request, expected: head.count, found });
    }
    Ok(())
}
