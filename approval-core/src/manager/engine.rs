//! Load, apply, commit; and again when another writer was faster.

use std::sync::Arc;

use super::{
    Core, due,
    halts::HaltView,
    join::{Join, JoinSlot},
};
use crate::{
    approval_error::{About, ApprovalError},
    clock::Timestamp,
    id::{GrantId, RequestId, StandingId},
    lifecycle::{self, Act, Command, Draft, EditRuling, Facts, Refusal, Requires, Transition},
    model::{Delivery, Execution, OnTimeout, OutboxNotice, People, Request, RunLimits, Text},
    notify,
    store::{
        ClaimWhenWriting, Commit, CommitOutcome, Condition, Document, Expect, RowWrite, StoreError, Stored,
    },
};

/// How often a change is applied again to what others wrote in between. Each round means that another writer got through.
const ROUNDS: usize = 1000;

/// What opening a request came to.
pub(crate) enum Opened {
    /// It is new.
    New(Stored),
    /// Its key belongs to this one.
    Existing(Stored),
}

/// A request that is about to be opened.
pub(super) enum DrawnUp {
    /// This one is open already, and is joined.
    Joined(Stored),
    /// It is new.
    New(Box<Drawn>),
}

/// What is to be written to open a request.
pub(super) struct Drawn {
    pub(super) transition: Transition,
    halts: HaltView,
    now: Timestamp,
    slot: Option<JoinSlot>,
}

enum Written {
    Done(Stored),
    KeyTaken(Stored),
    /// What there is now.
    Conflict(Option<Stored>),
    /// Others counted by the same limits meanwhile: count again.
    Recount,
    /// Look at the time, the halts and the lease again.
    Again,
}

impl Core {
    /// Opens a request.
    pub(crate) async fn open(&self, draft: &Draft, run: &RunLimits) -> Result<Opened, ApprovalError> {
        let mut halts_forgotten = false;
        for _ in 0..ROUNDS {
            let Drawn { transition, halts, now, slot } =
                match self.draw_up(draft, run, &mut halts_forgotten).await? {
                    DrawnUp::New(drawn) => *drawn,
                    DrawnUp::Joined(stored) => return Ok(Opened::Existing(stored)),
                };
            self.clock_for(None, None, &transition).await?;
            match self.write(Expect::Absent, transition, &halts, (now, slot)).await? {
                Written::Done(stored) => return Ok(Opened::New(stored)),
                Written::KeyTaken(stored) => {
                    let foreign =
                        || StoreError::unavailable("the key of a new request belongs to another namespace");
                    return self.own(stored).map(Opened::Existing).ok_or_else(|| foreign().into());
                }
                Written::Conflict(_) => {
                    return Err(StoreError::unavailable("the id of a new request is taken").into());
                }
                Written::Recount | Written::Again => {}
            }
        }
        Err(too_busy())
    }

    /// Draws up a request without writing it, unless there is one to join.
    pub(super) async fn draw_up(
        &self,
        draft: &Draft,
        run: &RunLimits,
        halts_forgotten: &mut bool,
    ) -> Result<DrawnUp, ApprovalError> {
        loop {
            let standing = self.standing.of(self, &draft.action.name).await?;
            let slot = match self.join(draft).await? {
                Join::With(stored) => return Ok(DrawnUp::Joined(stored)),
                Join::None => None,
                Join::Slot(slot) => Some(slot),
            };
            let named = lifecycle::principals_of_draft(draft, &standing);
            let (people, directory) = self.people_in_force(&named).await?;
            let policy = draft.basis.as_ref().and_then(|basis| basis.policy);
            let draft = Draft { basis: self.sources.basis(policy, directory), ..draft.clone() };
            let halts = self.halts.view(self).await?;
            let limits = self.limits_of(&draft, run).await?;
            let now = self.now().await?;
            let facts = Facts { limits: &limits, standing: &standing, ..facts(&people, &halts, now) };
            let (id, action, keyed) = (draft.id, draft.action.name.clone(), draft.key.is_some());
            match lifecycle::create(draft, &facts, now) {
                Ok(transition) => {
                    return Ok(DrawnUp::New(Box::new(Drawn { transition, halts, now, slot })));
                }
                // The halt may be lifted, and only remembered here.
                Err(Refusal::Halted(_)) if !*halts_forgotten => {
                    *halts_forgotten = true;
                    self.halts.forget();
                }
                Err(refusal) => {
                    let about = About::opening(id, &action, keyed);
                    return Err(ApprovalError::of_refusal(about, refusal));
                }
            }
        }
    }

    /// The store's present moment.
    pub(crate) async fn now(&self) -> Result<Timestamp, StoreError> {
        match self.store.now_at_once() {
            Some(now) => Ok(now),
            None => self.store.now().await,
        }
    }

    /// Refuses a change that needs the store's clock while that is wrong.
    async fn clock_for(
        &self,
        before: Option<&Request>,
        act: Option<&Act>,
        transition: &Transition,
    ) -> Result<(), ApprovalError> {
        if !lifecycle::needs_the_clock(before, act, transition) {
            return Ok(());
        }
        self.clock_is_right().await
    }

    /// Refuses while the store's clock is wrong. Asks the store only where the reading is not at hand.
    ///
    /// # Errors
    /// While the clock is too far behind or ahead; when the store cannot tell.
    pub(crate) async fn clock_is_right(&self) -> Result<(), ApprovalError> {
        let reading = match self.store.clock_at_once() {
            Some(reading) => reading,
            None => self.store.clock().await?,
        };
        Ok(reading.check()?)
    }

    /// Does what a command says to a request.
    pub(crate) async fn execute(&self, id: RequestId, command: Command) -> Result<Stored, ApprovalError> {
        let mut next = Vec::new();
        let result = match self.try_execute(id, &command, self.cache.get(id), &mut next).await {
            // A refusal may rest on remembered states that are out of date: look at the store before it counts.
            Err(Tried::Refused { remembered, refusal, .. })
                if remembered || matches!(*refusal, Refusal::Halted(_)) =>
            {
                self.cache.forget(id);
                self.halts.forget();
                // On the heap, as all that few commands come to: most must not carry it.
                Box::pin(self.try_execute(id, &command, None, &mut next)).await
            }
            other => other,
        };
        let result = match result {
            Err(Tried::Refused { request, refusal, .. }) if is_too_late(&request, &refusal) => {
                Box::pin(self.note_end(id)).await?;
                Box::pin(self.try_execute(id, &command, None, &mut next)).await
            }
            other => other,
        };
        if !next.is_empty() {
            Box::pin(self.go_on(next)).await;
        }
        result.map_err(|tried| match tried {
            Tried::Failed(error) => error,
            Tried::Refused { request, refusal, .. } => {
                self.attempts.note(&request, &command, &refusal);
                self.journal.nudge();
                ApprovalError::of_refusal(About::of(&request), *refusal)
            }
        })
    }

    /// Writes down that the time of a request, or of its grant, is over; unless something was done in time whose change
    /// was still on its way when the request was read. Only what the store says afterwards is known to be the end.
    pub(super) async fn note_end(&self, id: RequestId) -> Result<(), ApprovalError> {
        let mut next = Vec::new();
        let noted = self.try_execute(id, &due::tick(), None, &mut next).await;
        self.cache.forget(id);
        if !next.is_empty() {
            Box::pin(self.go_on(next)).await;
        }
        match noted {
            Ok(_) | Err(Tried::Refused { .. }) => Ok(()),
            Err(Tried::Failed(error)) => Err(error),
        }
    }

    /// Executes what follows from a change that is written.
    async fn go_on(&self, next: Vec<(RequestId, Command)>) {
        for (request, command) in next {
            // Nothing follows from these.
            match self.try_execute(request, &command, None, &mut Vec::new()).await {
                // Another process did it.
                Ok(_) | Err(Tried::Refused { .. }) => {}
                Err(Tried::Failed(error)) => {
                    tracing::error!(%request, act = ?command.act, %error, "failed to do what follows from a change of another request");
                }
            }
        }
    }

    /// Applies a command to `cached`, or to what the store has. Another task may put an old state into the cache at any
    /// time, so a second look at the store must not go through it. All facts are looked up anew for each state of the request.
    async fn try_execute(
        &self,
        id: RequestId,
        command: &Command,
        cached: Option<Stored>,
        next: &mut Vec<(RequestId, Command)>,
    ) -> Result<Stored, Tried> {
        let cached = cached.and_then(|stored| self.own(stored));
        let mut remembered = cached.is_some();
        let mut stored = match cached {
            Some(stored) => stored,
            None => self.load(id).await?,
        };
        let mut lost = 0;
        for _ in 0..ROUNDS {
            let request = &stored.request;
            let standing = self.standing_for(command, request).await.map_err(ApprovalError::from)?;
            let (edited, edited_by) = self.ruling_of_edit(command, request).await?;
            let edited_gate = edited.as_ref().and_then(EditRuling::gate);
            let mut named = lifecycle::principals(request, Some(command), edited_gate);
            named.extend(lifecycle::principals_behind(&standing));
            // Whatever else is done names no text of the people, and must not wait for one to be kept.
            let (people, directory) = if lifecycle::names_basis(&command.act) {
                self.people_in_force(&named).await?
            } else {
                (self.people(&named).await?, None)
            };
            let halts = self.halts.view(self).await?;
            let (ruling, policy) = self.ruling_for(command, request).await?;
            let (limits, counters) = if lifecycle::ends_without_its_place(request, &command.act, lost) {
                tracing::warn!(request = %id, lost, "others kept changing the counters of limits: a request ends without giving its place back");
                (Vec::new(), Vec::new())
            } else {
                self.limits_for(command, request, policy).await?
            };
            // After all that it is compared with.
            let now = self.now().await.map_err(ApprovalError::from)?;
            let mut facts = facts(&people, &halts, now);
            facts.standing = &standing;
            facts.edited = edited.as_ref();
            facts.ruling = ruling.as_ref();
            (facts.limits, facts.counters) = (&limits, &counters);
            let basis = self.sources.basis(policy.or(edited_by), directory);
            facts.basis = basis.as_ref();
            facts.notice_delivered = command.act == Act::Tick && self.delivered(request).await?;
            let mut transition = match lifecycle::apply(request, command, &facts, now) {
                Ok(transition) => transition,
                Err(refusal) => {
                    return Err(Tried::Refused {
                        request: Arc::clone(request),
                        refusal: Box::new(refusal),
                        remembered,
                    });
                }
            };
            self.clock_for(Some(request), Some(&command.act), &transition).await?;
            let follows = std::mem::take(&mut transition.next);
            match self.write(Expect::Version(stored.version), transition, &halts, (now, None)).await? {
                Written::Done(done) => {
                    next.extend(follows);
                    return Ok(done);
                }
                Written::Conflict(Some(current)) => {
                    stored = current;
                    remembered = false;
                }
                Written::Conflict(None) | Written::KeyTaken(_) => {
                    return Err(Tried::Failed(ApprovalError::NotFound(id)));
                }
                // The request was as expected.
                Written::Recount => lost += 1,
                Written::Again => {
                    self.cache.forget(id);
                    stored = self.load(id).await?;
                    remembered = false;
                }
            }
        }
        Err(Tried::Failed(too_busy()))
    }

    /// Whether the lifecycle lets `stored` be tried again by `successor`.
    pub(crate) async fn may_retry(
        &self,
        stored: &Stored,
        successor: RequestId,
        now: Timestamp,
    ) -> Result<(), ApprovalError> {
        let request = &stored.request;
        let command = Command {
            actor: self.settings.agent.clone(),
            via: None,
            operator: true,
            act: Act::Retry { successor },
        };
        let people = self.people(&lifecycle::principals(request, Some(&command), None)).await?;
        let halts = self.halts.view(self).await?;
        match lifecycle::apply(request, &command, &facts(&people, &halts, now), now) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(ApprovalError::of_refusal(About::of(request), refusal)),
        }
    }

    /// Whether a person got a notice that asks. Looked up only where the timeout rule may approve.
    async fn delivered(&self, request: &Request) -> Result<bool, ApprovalError> {
        if request.gate.on_timeout != OnTimeout::Approve || !request.status.is_open() {
            return Ok(false);
        }
        let notices = self.store.notices(request.id).await?;
        Ok(notices
            .iter()
            .any(|notice| notice.kind.asks() && matches!(notice.delivery, Delivery::Delivered { .. })))
    }

    /// Who delivers the notices that are about to be written: this process, at once, if it has a worker for that.
    fn claim_when_writing(&self) -> Option<ClaimWhenWriting> {
        if self.store.claims_when_writing() { self.handover.claim() } else { None }
    }

    fn conditions(&self, requires: &[Requires], halts: &HaltView) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for requirement in requires {
            match requirement {
                Requires::SameHalts => conditions.extend(halts.conditions()),
                Requires::LeaseHeld(executor) => {
                    conditions.push(Condition::Present(super::lease::record_of(*executor)));
                }
                Requires::LeaseLost(executor) => {
                    conditions.push(Condition::Absent(super::lease::record_of(*executor)));
                }
                Requires::SameStanding(standing, version) => {
                    conditions.push(Condition::Version(self.standing.name(*standing), *version));
                }
            }
        }
        conditions
    }

    async fn write(
        &self,
        expect: Expect,
        transition: Transition,
        halts: &HaltView,
        (now, slot): (Timestamp, Option<JoinSlot>),
    ) -> Result<Written, ApprovalError> {
        self.reruns.note(self, &transition.request).await?;
        let Transition {
            request,
            events,
            notices,
            not_before,
            not_after,
            requires,
            standing,
            counted,
            next: _,
        } = transition;
        let notices = notify::route(&notices, &request, &self.notifiers, &*self.directory, now).await;
        let mut conditions = self.conditions(&requires, halts);
        let (versions, mut writes) = self.standing.writes(&standing)?;
        conditions.extend(versions);
        let (versions, counts) = super::limits::writes(&counted)?;
        conditions.extend(versions);
        writes.extend(counts);
        if let Some(JoinSlot { condition, write }) = slot {
            conditions.push(condition);
            writes.push(write);
        }
        let commit = Commit {
            row: Some(RowWrite { expect, document: Document::new(Arc::clone(&request)) }),
            events,
            claim: if to_deliver_now(&notices, now, &self.elsewhere) {
                self.claim_when_writing()
            } else {
                None
            },
            notices,
            not_before,
            not_after,
            conditions,
            writes,
        };
        Ok(match self.store.commit(commit).await? {
            CommitOutcome::Committed { version, .. } => {
                let stored = Stored { version, request };
                self.cache.put(&stored);
                Written::Done(stored)
            }
            CommitOutcome::Conflict(current) => Written::Conflict(current),
            CommitOutcome::KeyTaken(stored) => Written::KeyTaken(stored),
            CommitOutcome::OutsideTime { .. } => Written::Again,
            CommitOutcome::ConditionFailed { name, found } => {
                if super::keys::is_counter(&name) {
                    return Ok(Written::Recount);
                }
                // It may be one of several that do not hold: the next round finds the others.
                self.forget_record(&name);
                self.lease.missed(&name, found.as_ref())?;
                Written::Again
            }
        })
    }
}

/// Whether there are notices, and all of them are to be delivered now.
fn to_deliver_now(notices: &[OutboxNotice], now: Timestamp, elsewhere: &[Text]) -> bool {
    let due = |notice: &OutboxNotice| match notice.delivery {
        Delivery::Waiting { next_at, .. } => next_at <= now && !elsewhere.contains(&notice.channel),
        Delivery::Delivered { .. } | Delivery::Failed { .. } | Delivery::Obsolete { .. } => false,
    };
    !notices.is_empty() && notices.iter().all(due)
}

/// Whether a command is refused because of an end that the request as it was read does not know of.
fn is_too_late(request: &Request, refusal: &Refusal) -> bool {
    let unspent = matches!(request.execution.as_deref(), Some(Execution::NotStarted));
    matches!(refusal, Refusal::DeadlinePassed(_)) || unspent && matches!(refusal, Refusal::GrantExpired(_))
}

/// Why a command was not done.
enum Tried {
    Failed(ApprovalError),
    Refused { request: Arc<Request>, refusal: Box<Refusal>, remembered: bool },
}

impl From<ApprovalError> for Tried {
    fn from(error: ApprovalError) -> Self {
        Self::Failed(error)
    }
}

fn facts<'a>(people: &'a People, halts: &'a HaltView, now: Timestamp) -> Facts<'a> {
    Facts {
        people,
        halts: halts.halts(),
        grant_id: GrantId::generate(now),
        limits: &[],
        counters: &[],
        standing: &[],
        standing_id: StandingId::generate(now),
        notice_delivered: false,
        ruling: None,
        edited: None,
        basis: None,
    }
}

fn too_busy() -> ApprovalError {
    StoreError::unavailable("others kept changing the same request; try again").into()
}
