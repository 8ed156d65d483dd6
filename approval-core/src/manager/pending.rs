//! Waiting for people: a future that costs nothing while they think.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    ActionSpec, ApprovalManager, Approved,
    runner::Caller,
    waiters::{News, WaiterCell},
};
use crate::{
    approval_error::{About, ApprovalError},
    clock::{Clock, Span, Timestamp, after},
    id::RequestId,
    lifecycle::{Act, Command, Refusal},
    model::{Event, Execution as ExecutionRecord, Request, Status},
    store::{StoreError, Stored},
};

/// A request that people are asked about. Awaiting it gives the approval, or the error that says how it ended.
///
/// Dropping it leaves the request as it is, unless the action says `cancel_on_drop`. It does not time out by itself: the
/// deadline of the request ends it, and [`PendingApproval::within`] the caller's patience.
#[must_use = "a pending approval is a future: await it, or detach it"]
pub struct PendingApproval {
    manager: ApprovalManager,
    about: About,
    waiter: Arc<WaiterCell<Stored>>,
    /// Who would run it; unknown for a request that was attached to.
    caller: Option<Arc<Caller>>,
    /// Boxed: a million may wait, and few need it.
    more: Option<Box<More>>,
}

/// What only some of those that wait need.
#[derive(Default)]
struct More {
    loading: Option<BoxFuture<'static, Result<Option<Stored>, StoreError>>>,
    patience: Option<BoxFuture<'static, ()>>,
    told: u64,
    events: VecDeque<Event>,
    /// Questions of approvers that were passed on.
    answered: usize,
    cancel_on_drop: bool,
    /// Whether how it ended is the answer to an earlier call.
    repeated: bool,
}

impl std::fmt::Debug for PendingApproval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingApproval").field("about", &self.about).finish_non_exhaustive()
    }
}

impl PendingApproval {
    pub(crate) fn register(manager: &ApprovalManager, about: About) -> Self {
        let waiter = manager.core.waiters.register(about.request);
        Self { manager: manager.clone(), about, waiter, caller: None, more: None }
    }

    /// Remembers who would run it, and what.
    pub(crate) fn called_by(mut self, caller: Caller) -> Self {
        self.caller = Some(Arc::new(caller));
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Asks the store how it stands.
    fn begin_to_load(&mut self) {
        let loading = self.load();
        self.more().loading = Some(loading);
    }

    /// Reads the store before waiting: the request existed before this waiter.
    pub(crate) fn look(mut self) -> Self {
        self.begin_to_load();
        self
    }

    /// Begins with what was just written: a decision that came with the opening is not waited for.
    pub(crate) fn written(mut self, stored: Stored) -> Self {
        if !stored.request.status.is_open() {
            self.more().loading = Some(std::future::ready(Ok(Some(stored))).boxed());
        }
        self
    }

    /// From now on a drop cancels, if the action says so: the caller may go away while the request is being opened.
    pub(crate) fn opening(mut self, spec: &ActionSpec) -> Self {
        if spec.cancel_on_drop {
            self.more().cancel_on_drop = true;
        }
        self
    }

    /// From now on a drop cancels nothing.
    fn let_go(&mut self) {
        if let Some(more) = &mut self.more {
            more.cancel_on_drop = false;
        }
    }

    /// The caller's patience begins.
    pub(crate) fn opened(self, spec: &ActionSpec) -> Self {
        match spec.wait {
            Some(patience) => self.within(patience),
            None => self,
        }
    }

    /// The request was refused before this call was made: the error says so.
    pub(crate) fn repeated(mut self) -> Self {
        self.more().repeated = true;
        self
    }

    /// There is no such request; nothing is waited for.
    pub(crate) fn forget(mut self) {
        self.let_go();
    }

    fn load(&self) -> BoxFuture<'static, Result<Option<Stored>, StoreError>> {
        let (core, id) = (Arc::clone(&self.manager.core), self.about.request);
        async move { core.find(id).await }.boxed()
    }

    /// The request's id.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.about.request
    }

    /// Which request, and which action.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// A name for the request that people can be given: what they type after `approvals show`, and what a link ends in.
    #[must_use]
    pub fn link(&self) -> String {
        format!("approval:{}", self.about.request)
    }

    /// Waits at most for `patience`, then gives [`ApprovalError::Pending`]; the request lives on.
    pub fn within(mut self, patience: Span) -> Self {
        let clock = Arc::clone(&self.manager.core.clock);
        let until = after(clock.now(), patience);
        self.more().patience = Some(async move { sleep_until(&*clock, until).await }.boxed());
        self
    }

    /// Lets go of the request without waiting, and without cancelling it. Attach to it later with its id.
    #[must_use = "the id is what the request is found by again"]
    pub fn detach(mut self) -> RequestId {
        self.let_go();
        self.about.request
    }

    /// The request as it stands.
    ///
    /// # Errors
    /// When the store failed.
    pub fn request(&self) -> impl Future<Output = Result<Arc<Request>, ApprovalError>> + Send + use<> {
        // Nothing of `self` is held over the wait, so that tasks which look while they wait can be spawned.
        let (manager, id) = (self.manager.clone(), self.about.request);
        async move { manager.get(id).await }
    }

    /// The next thing that happens to the request, from its opening on; `None` once it is decided and all was given.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn next_event(&mut self) -> Result<Option<Event>, ApprovalError> {
        loop {
            let more = self.more();
            if let Some(event) = more.events.pop_front() {
                more.told = event.seq;
                return Ok(Some(event));
            }
            let told = more.told;
            let stored = self.manager.core.load(self.about.request).await?;
            if stored.request.chain.count > told {
                let lines = self.manager.core.store.history(self.about.request).await?;
                let unseen = lines.iter().filter(|line| line.seq > told);
                let events = unseen.map(crate::model::EventLine::event).collect::<Result<_, _>>();
                let events = events.map_err(|e| {
                    StoreError::unreadable(format!("the history of {} cannot be read: {e}", self.about))
                })?;
                self.more().events = events;
                continue;
            }
            match stored.request.status {
                Status::Pending => {}
                Status::InfoRequested => self.answer_info(stored.request),
                Status::Approved | Status::Rejected | Status::Expired | Status::Cancelled => return Ok(None),
            }
            self.manager.core.at_work()?;
            let waiter = Arc::clone(&self.waiter);
            std::future::poll_fn(move |context| waiter.poll_news(context)).await;
            // The wake-up is consumed: a caller that awaits the result afterwards must look for it.
            self.begin_to_load();
        }
    }

    /// What a state of the request means for the waiter; `None`: go on waiting.
    fn judge(&mut self, stored: Stored) -> Option<Result<Approved, ApprovalError>> {
        let judged = self.judge_state(stored);
        let repeated = self.more.as_deref().is_some_and(|more| more.repeated);
        if repeated { judged.map(|result| result.map_err(ApprovalError::repeated)) } else { judged }
    }

    fn judge_state(&mut self, stored: Stored) -> Option<Result<Approved, ApprovalError>> {
        let request = stored.request;
        match request.status {
            Status::Pending => None,
            Status::InfoRequested => {
                self.answer_info(request);
                None
            }
            Status::Approved => Some(match ended(&request) {
                Some(error) => Err(error),
                None => Ok(Approved::new(self.manager.clone(), request, self.caller.clone())),
            }),
            Status::Rejected | Status::Expired | Status::Cancelled => {
                let error = request
                    .decision
                    .as_ref()
                    .and_then(|decision| ApprovalError::of_decision(&request, decision));
                let broken = || {
                    StoreError::unreadable(format!("{} is decided, but has no decision", self.about)).into()
                };
                Some(Err(error.unwrap_or_else(broken)))
            }
        }
    }
}

impl PendingApproval {
    /// An approver wants to know something: asks the agent's answerer, once for each question.
    fn answer_info(&mut self, request: Arc<Request>) {
        let asked = request.info.len();
        let passed_on = self.more.as_ref().map_or(0, |more| more.answered);
        let Some(answerer) = self.manager.core.settings.info.clone() else { return };
        let Some(open) = request.info.last().filter(|info| info.answer.is_none() && asked > passed_on) else {
            return;
        };
        self.more().answered = asked;
        let question = open.question.to_string();
        let manager = self.manager.clone();
        let id = self.about.request;
        let answering = (answerer.0)(Arc::clone(&request), question);
        drop(self.manager.core.runtime.spawn(async move {
            let Some(answer) = answering.await else { return };
            let actor = request.requester.clone();
            let command = Command {
                actor,
                via: None,
                operator: false,
                act: Act::ProvideInfo { answer: answer.into() },
            };
            if let Err(error) = manager.core.execute(id, command).await {
                tracing::warn!(request = %id, %error, "an answer to an approver did not count");
            }
        }));
    }
}

/// The error for an approval that is worth nothing any more.
fn ended(request: &Request) -> Option<ApprovalError> {
    let about = || About::of(request);
    // It ran, was allowed to run again, and was not.
    let ran_before = request.grant.as_deref().and_then(|grant| grant.ran_before);
    let ran = || ran_before.map(|state| ApprovalError::of_refusal(about(), Refusal::AlreadyRan(state)));
    match request.execution.as_deref()? {
        ExecutionRecord::Revoked { .. } | ExecutionRecord::GrantExpired { .. } if ran_before.is_some() => {
            ran()
        }
        ExecutionRecord::Revoked { by, why, .. } => {
            let (by, why) = (by.clone(), Arc::clone(why));
            Some(ApprovalError::Revoked { about: about(), by, why, repeated: false })
        }
        ExecutionRecord::GrantExpired { at } => {
            let at = request.grant.as_ref().map_or(*at, |grant| grant.expires_at);
            Some(ApprovalError::GrantExpired { about: about(), at })
        }
        ExecutionRecord::NotStarted
        | ExecutionRecord::Executing { .. }
        | ExecutionRecord::Succeeded { .. }
        | ExecutionRecord::Failed { .. }
        | ExecutionRecord::Unknown { .. } => None,
    }
}

/// Sleeps by the manager's clock, to the end: a timer of it may ring early.
pub(crate) async fn sleep_until(clock: &dyn Clock, until: Timestamp) {
    while clock.now() < until {
        clock.sleep_until(until).await;
    }
}

impl Future for PendingApproval {
    type Output = Result<Approved, ApprovalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = loop {
            if let Some(loading) = this.more.as_mut().and_then(|more| more.loading.as_mut()) {
                match loading.poll_unpin(context) {
                    Poll::Pending => break None,
                    Poll::Ready(loaded) => {
                        this.more().loading = None;
                        match loaded {
                            Ok(Some(stored)) => {
                                if let Some(answer) = this.judge(stored) {
                                    break Some(answer);
                                }
                            }
                            Ok(None) => break Some(Err(ApprovalError::NotFound(this.about.request))),
                            Err(error) => break Some(Err(error.into())),
                        }
                    }
                }
            }
            match this.waiter.poll_news(context) {
                Poll::Pending => break None,
                Poll::Ready(News::Look) => this.begin_to_load(),
                Poll::Ready(News::Is(stored)) => {
                    if let Some(answer) = this.judge(stored) {
                        break Some(answer);
                    }
                }
            }
        };
        // Only now: what was decided before the shutdown is given.
        let answer = answer.or_else(|| match this.more.as_deref() {
            Some(More { loading: Some(_), .. }) => None,
            _ => this.manager.core.at_work().err().map(Err),
        });
        if let Some(answer) = answer {
            this.let_go();
            return Poll::Ready(answer);
        }
        match this.more.as_deref_mut() {
            Some(More { patience: Some(patience), loading: None, .. }) => {
                match patience.poll_unpin(context) {
                    Poll::Ready(()) => {
                        this.more().patience = None;
                        this.let_go();
                        Poll::Ready(Err(ApprovalError::Pending(this.about.clone())))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
            _ => Poll::Pending,
        }
    }
}

impl Drop for PendingApproval {
    fn drop(&mut self) {
        self.manager.core.waiters.forget(self.about.request, &self.waiter);
        if self.more.as_ref().is_some_and(|more| more.cancel_on_drop) {
            let manager = self.manager.clone();
            let request = self.about.request;
            drop(self.manager.core.runtime.spawn(async move { cancel(&manager, request).await }));
        }
    }
}

/// Takes back a request whose caller stopped waiting. A write that was under way when the caller went may come to be only
/// now: then there is something to take back a little later.
async fn cancel(manager: &ApprovalManager, request: RequestId) {
    let core = &manager.core;
    let command = Command {
        actor: core.settings.agent.clone(),
        via: None,
        operator: true,
        act: Act::Cancel { reason: Some("the caller stopped waiting".into()) },
    };
    for _ in 0..5 {
        match core.execute(request, command.clone()).await {
            Err(ApprovalError::NotFound(_)) => {
                sleep_until(&*core.clock, after(core.clock.now(), Span::from_secs(1))).await;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%request, %error, "a request whose caller stopped waiting could not be cancelled");
                return;
            }
        }
    }
}
