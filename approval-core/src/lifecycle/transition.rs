//! What follows from a command.

use std::sync::Arc;

use super::{Command, CountedWrite};
use crate::{
    clock::Timestamp,
    id::{ExecutorId, RequestId, StandingId},
    model::{EventLine, NoticeDraft, Request, StandingApproval},
};

/// What must still hold when a transition is written; the manager turns it into conditions of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requires {
    /// The halts are the ones that the facts hold.
    SameHalts,
    /// This process has not lost its lease.
    LeaseHeld(ExecutorId),
    /// This process has lost its lease.
    LeaseLost(ExecutorId),
    /// The standing approval still has this version: it was not taken back since.
    SameStanding(StandingId, u64),
}

/// A standing approval as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingWrite {
    /// What will be.
    pub approval: StandingApproval,
    /// The version that it must have now; `None`: there is none yet.
    pub expect: Option<u64>,
}

/// The new request and all that goes with it, to be written together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The request as it will be.
    pub request: Arc<Request>,
    /// Its new lines of history. Never empty.
    pub events: Vec<EventLine>,
    /// The notices to send.
    pub notices: Vec<NoticeDraft>,
    /// It may not be written before.
    pub not_before: Option<Timestamp>,
    /// It may not be written at or after.
    pub not_after: Option<Timestamp>,
    /// What must hold when it is written.
    pub requires: Vec<Requires>,
    /// Calls that are counted along with it.
    pub counted: Vec<CountedWrite>,
    /// Standing approvals that are made, used or taken back along with it.
    pub standing: Vec<StandingWrite>,
    /// Commands on other requests that follow from it, to be executed once it is written. What the write itself has no room for.
    pub next: Vec<(RequestId, Command)>,
}
