//! A change in the making: the new request, its lines of history, each sealed to the one before it, and what goes along.

use std::sync::Arc;

use super::{Command, CountedWrite, Refusal, Requires, StandingWrite, Transition};
use crate::{
    clock::Timestamp,
    error::{Internal, Invalid},
    id::RequestId,
    model::{
        ChainHead, Event, EventKind, EventLine, NoticeDraft, NoticeKind, Principal, Request, Text, Timing,
    },
};

/// Gathers what follows from one command.
pub(super) struct Change<'a> {
    /// The request as it will be.
    pub(super) request: Request,
    actor: &'a Principal,
    via: Option<&'a Text>,
    now: Timestamp,
    events: Vec<EventLine>,
    notices: Vec<NoticeDraft>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    requires: Vec<Requires>,
    standing: Vec<StandingWrite>,
    counted: Vec<CountedWrite>,
    next: Vec<(RequestId, Command)>,
}

impl<'a> Change<'a> {
    /// Begins with the request as it was.
    pub(super) const fn new(
        request: Request,
        actor: &'a Principal,
        via: Option<&'a Text>,
        now: Timestamp,
    ) -> Self {
        Self {
            request,
            actor,
            via,
            now,
            events: Vec::new(),
            notices: Vec::new(),
            not_before: None,
            not_after: None,
            requires: Vec::new(),
            standing: Vec::new(),
            counted: Vec::new(),
            next: Vec::new(),
        }
    }

    /// When it happens.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds a line to the history. It tells the arguments as they stand in `request` at this point.
    pub(super) fn tell(&mut self, what: EventKind) -> Result<(), Refusal> {
        let ChainHead { count, hash: prev } = self.request.chain;
        let seq =
            count.checked_add(1).ok_or(Internal::new("the history of a request has no room for a line"))?;
        let event = Event {
            actor: self.actor.clone(),
            at: self.now,
            digest: self.request.revision.digest,
            prev,
            request: self.request.id,
            seq,
            via: self.via.cloned(),
            what,
        };
        let line = event.line().map_err(|e| {
            Invalid::new("event", format!("{:?}", event.what), format!("cannot be written: {e}"))
        })?;
        self.request.chain = ChainHead { count: line.seq, hash: line.hash() };
        self.events.push(line);
        Ok(())
    }

    /// Notifies everybody in `to`.
    pub(super) fn notify(&mut self, kind: NoticeKind, to: impl IntoIterator<Item = Principal>) {
        self.notices.extend(to.into_iter().map(|to| NoticeDraft { kind, to, timing: Timing::Usual }));
    }

    /// Notifies a person at a time.
    pub(super) fn notify_at(&mut self, kind: NoticeKind, to: Principal, timing: Timing) {
        self.notices.push(NoticeDraft { kind, to, timing });
    }

    /// Takes back what would ask a person to decide: it is decided.
    pub(super) fn ask_nobody(&mut self) {
        self.notices.retain(|notice| !notice.kind.asks());
    }

    /// It may not be written before `bound`. Of several bounds the latest counts.
    pub(super) fn not_before(&mut self, bound: Timestamp) {
        self.not_before = self.not_before.max(Some(bound));
    }

    /// It may not be written at or after `bound`.
    pub(super) const fn not_after(&mut self, bound: Option<Timestamp>) {
        self.not_after = bound;
    }

    /// What must hold when it is written.
    pub(super) fn require(&mut self, what: Requires) {
        if !self.requires.contains(&what) {
            self.requires.push(what);
        }
    }

    /// A standing approval changes along with the request.
    pub(super) fn write_standing(&mut self, write: StandingWrite) {
        self.standing.push(write);
    }

    /// Calls are counted along with the request.
    pub(super) fn count(&mut self, writes: Vec<CountedWrite>) {
        self.counted.extend(writes);
    }

    /// The request takes these places.
    pub(super) fn take_places(&mut self, writes: Vec<CountedWrite>) {
        self.request.places = writes.iter().filter_map(|write| write.share.clone()).collect();
        self.count(writes);
    }

    /// A command on another request follows, once this change is written.
    pub(super) fn go_on(&mut self, request: RequestId, command: Command) {
        self.next.push((request, command));
    }

    /// Who brings the change about.
    pub(super) const fn actor(&self) -> &'a Principal {
        self.actor
    }

    /// Whether nothing has happened yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The finished transition.
    pub(super) fn finish(self) -> Transition {
        Transition {
            request: Arc::new(self.request),
            events: self.events,
            notices: self.notices,
            not_before: self.not_before,
            not_after: self.not_after,
            requires: self.requires,
            standing: self.standing,
            counted: self.counted,
            next: self.next,
        }
    }
}
