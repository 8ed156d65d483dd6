//! From a call to the right to run it.

use std::{future::Future, sync::Arc};

use thin_vec::ThinVec;

use super::{Running, allowed::Allowed, used::waits_for_the_body, window::begin_in_window};
use crate::{
    approval_error::{About, ApprovalError},
    clock::{Timestamp, after},
    lifecycle::Way,
    manager::{Action, ApprovalManager, Approved, Count, Prepared, Provable, Ruled, RuledBy, tightened},
    model::{Basis, CanonicalJson, ExecutionState, Gate, Principal, RunWindow, Share, Text},
    policy::Ruling,
};

/// The right to run a call once, not yet used: [`Authorization::begin`] uses it. Dropped, the call stays counted against the limits
/// on calls.
#[must_use = "nothing has run yet: begin() it"]
pub struct Authorization {
    manager: ApprovalManager,
    prepared: Prepared,
    right: Right,
    /// When the policy was asked.
    asked: Timestamp,
    /// Until when the caller waits.
    until: Option<Timestamp>,
}

pub(super) enum Right {
    /// The policy allows it; how it was counted against the limits on calls.
    Allowed(RuledBy, ThinVec<Share>),
    /// People approved it, or the policy allowed it and its request says so.
    Approved(Approved),
    /// It ran before, and this is what it returned.
    Ran(About, CanonicalJson),
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let right = match &self.right {
            Right::Allowed(by, _) => format!("allowed by {}", by.rule),
            Right::Approved(approved) => format!("approved as {}", approved.request().id),
            Right::Ran(about, _) => format!("ran before as {}", about.request),
        };
        f.debug_struct("Authorization")
            .field("action", &self.prepared.spec.info.name)
            .field("right", &right)
            .finish_non_exhaustive()
    }
}

impl ApprovalManager {
    /// Asks the policy and, where it says so, people; waits for them as long as the action says.
    ///
    /// # Errors
    /// Why the call may not run, or [`ApprovalError::Pending`].
    pub async fn authorize(&self, action: Action) -> Result<Authorization, ApprovalError> {
        let prepared = self.core.prepare(action)?;
        let preview = prepared.preview();
        self.authorize_prepared(prepared, preview).await
    }

    /// The same with a preview that may borrow what the caller has.
    pub(crate) async fn authorize_previewed(
        &self,
        action: Action,
        preview: impl Future<Output = Result<String, String>>,
    ) -> Result<Authorization, ApprovalError> {
        self.authorize_prepared(self.core.prepare(action)?, Some(preview)).await
    }

    async fn authorize_prepared(
        &self,
        prepared: Prepared,
        preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<Authorization, ApprovalError> {
        let asked = self.core.clock.now();
        let until = prepared.spec.wait.map(|patience| after(asked, patience));
        let Ruled { ruling, basis } = self.core.rule(&prepared).await?;
        let right = match (prepared.way(&ruling), ruling) {
            (_, Ruling::Deny { rule, reason }) => {
                let by = RuledBy { rule: Text::clone(&rule), basis };
                let action = prepared.spec.info.name.clone();
                let error = ApprovalError::PolicyDenied { action, rule, reason };
                return Err(Box::pin(self.core.denied(&prepared, by, error)).await);
            }
            (Way::AtOnce, Ruling::Allow { rule, .. }) => {
                self.allow(&prepared, RuledBy { rule, basis }, preview, until).await?
            }
            // On the heap: asking is much to keep, and a call that is allowed must not carry it.
            (Way::ByRequest, Ruling::Allow { rule, run_windows }) => {
                let (by, told) = (RuledBy { rule, basis }, (Vec::new(), run_windows));
                Box::pin(self.allow_once(&prepared, by, told, preview, until)).await?
            }
            (Way::ByRequest, Ruling::Notify { rule, to, run_windows }) => {
                let (by, told) = (RuledBy { rule, basis }, (to, run_windows));
                Box::pin(self.allow_once(&prepared, by, told, preview, until)).await?
            }
            (_, ruling) => {
                let gate = tightened(&prepared.spec, &ruling);
                Box::pin(self.approval(&prepared, (gate, basis), preview, until)).await?
            }
        };
        Ok(Authorization { manager: self.clone(), prepared, right, asked, until })
    }

    /// The same for code that is not asynchronous: blocks the thread, outside of a runtime or in a multi-thread one.
    ///
    /// # Errors
    /// As [`ApprovalManager::authorize`]; [`ApprovalError::WouldBlock`] on the only thread of a runtime.
    pub fn authorize_blocking(&self, action: Action) -> Result<Authorization, ApprovalError> {
        let name = action.spec().name().clone();
        super::block_on(&name, self.authorize(action))
    }

    /// The policy lets it run. Over a limit that asks, people are asked nevertheless.
    async fn allow(
        &self,
        prepared: &Prepared,
        by: RuledBy,
        preview: Option<impl Future<Output = Result<String, String>>>,
        until: Option<Timestamp>,
    ) -> Result<Right, ApprovalError> {
        match self.core.count_allowed(prepared, &by).await {
            Ok(Count::Taken(shares)) => Ok(Right::Allowed(by, shares)),
            Ok(Count::Asks(limit)) => {
                let gate = Gate { rule: limit, ..Gate::clone(&prepared.spec.gate) };
                Box::pin(self.approval(prepared, (Arc::new(gate), by.basis), preview, until)).await
            }
            Err(error) => Err(Box::pin(self.core.denied(prepared, by, error)).await),
        }
    }

    /// Runs what the policy allows by a request that is approved at once. An earlier request under the key counts.
    async fn allow_once(
        &self,
        prepared: &Prepared,
        by: RuledBy,
        (inform, run_windows): (Vec<Principal>, Vec<RunWindow>),
        preview: Option<impl Future<Output = Result<String, String>>>,
        until: Option<Timestamp>,
    ) -> Result<Right, ApprovalError> {
        let gate = Gate { run_windows, inform, ..Gate::only(Text::clone(&by.rule), Vec::new()) };
        let approved = match self.open_allowed(prepared, (&gate, by.basis.clone()), preview).await {
            Ok(pending) => pending.await?,
            Err(error) => return Err(Box::pin(self.core.denied(prepared, by, error)).await),
        };
        self.usable(prepared, approved, until).await
    }

    /// Asks people, and waits for them.
    async fn approval(
        &self,
        prepared: &Prepared,
        gate: (Arc<Gate>, Option<Arc<Basis>>),
        preview: Option<impl Future<Output = Result<String, String>>>,
        until: Option<Timestamp>,
    ) -> Result<Right, ApprovalError> {
        let approved = self.open(prepared, gate, preview).await?.await?;
        self.usable(prepared, approved, until).await
    }
}

impl Authorization {
    /// The arguments as people approved them, secret ones redacted.
    #[must_use]
    pub fn arguments(&self) -> &CanonicalJson {
        match &self.right {
            Right::Approved(approved) => approved.arguments(),
            Right::Allowed(..) | Right::Ran(..) => &self.prepared.bound.arguments,
        }
    }

    /// Whether approvers changed the arguments: then those of [`Authorization::arguments`] must run.
    #[must_use]
    pub fn edited(&self) -> bool {
        matches!(&self.right, Right::Approved(approved) if approved.request().revision.number > 1)
    }

    /// Whether an approval of this call proves one of the action `A`, so that [`Running::grant`] gives a proof of it.
    ///
    /// # Errors
    /// When the call is of another action, or another version of it.
    pub fn proves<A: Provable + ?Sized>(&self) -> Result<(), ApprovalError> {
        Ok(self.prepared.spec.proves::<A>()?)
    }

    /// What the same call returned when it ran before, where the action says `replay`.
    #[must_use]
    pub const fn ran_before(&self) -> Option<&CanonicalJson> {
        match &self.right {
            Right::Ran(_, result) => Some(result),
            Right::Allowed(..) | Right::Approved(_) => None,
        }
    }

    /// Uses the right. `actual` are the arguments that are about to run, encoded anew from their actual values: unless
    /// their digest is the approved one, nothing may run.
    ///
    /// # Errors
    /// When the arguments are not the approved ones, the grant was used, ran out or was revoked, everything is halted, or the
    /// policy now forbids the call. Waits for the opening of a run window as far as the caller's patience reaches.
    pub async fn begin(self, actual: CanonicalJson) -> Result<Running, ApprovalError> {
        match self.begin_or_replay(actual).await? {
            Begun::Running(running) => Ok(running),
            Begun::Ran(about, _) => {
                Err(ApprovalError::AlreadyRan { about, state: ExecutionState::Succeeded })
            }
        }
    }

    /// The same. Where another call was faster, and what it returned is to be given back, waits for that one.
    pub(crate) async fn begin_or_replay(mut self, actual: CanonicalJson) -> Result<Begun, ApprovalError> {
        let key = self.manager.core.settings.redaction_key.as_ref();
        let digest = match self.prepared.bound.digest_of(actual, &self.prepared.spec, key) {
            Ok(digest) => digest,
            Err(error) => {
                Box::pin(self.give_back()).await;
                return Err(error.into());
            }
        };
        loop {
            let Self { manager, prepared, right, asked, until } = self;
            match right {
                Right::Approved(approved) => {
                    let claim = prepared.caller().claim(&manager.core, digest);
                    match Box::pin(begin_in_window(&manager, &approved, claim, until)).await {
                        Ok(execution) => return Ok(Begun::Running(Running::requested(execution))),
                        Err(ApprovalError::AlreadyRan { .. })
                            if waits_for_the_body(&prepared.spec, approved.request()) =>
                        {
                            let approved = Box::pin(approved.reloaded()).await?;
                            let right = Box::pin(manager.usable(&prepared, approved, until)).await?;
                            self = Self { manager, prepared, right, asked, until };
                        }
                        Err(error) => return Err(error),
                    }
                }
                Right::Allowed(by, shares) => {
                    if digest != prepared.bound.digest {
                        Box::pin(manager.core.give_back(&prepared, &shares)).await;
                        let invalid = crate::error::Invalid::new(
                            "arguments",
                            prepared.spec.info.name.as_str(),
                            "changed between the policy's answer and the body",
                        );
                        return Err(invalid.into());
                    }
                    let allowed = Allowed::begin(&manager, prepared, (by, shares), asked).await?;
                    return Ok(Begun::Running(Running::allowed(allowed)));
                }
                Right::Ran(about, result) => return Ok(Begun::Ran(about, result)),
            }
        }
    }

    /// Gives back what the call was counted as, since it will not run.
    async fn give_back(&self) {
        match &self.right {
            Right::Allowed(_, shares) => self.manager.core.give_back(&self.prepared, shares).await,
            // A request keeps its place as long as its grant lives.
            Right::Approved(_) | Right::Ran(..) => {}
        }
    }

    /// Whether what the body returns is recorded: for `replay`, and for calls that others may have joined.
    #[must_use]
    pub fn records_result(&self) -> bool {
        match &self.right {
            Right::Approved(approved) => waits_for_the_body(&self.prepared.spec, approved.request()),
            Right::Allowed(..) | Right::Ran(..) => self.prepared.spec.records_result(),
        }
    }
}

/// What using a right came to.
pub(crate) enum Begun {
    /// The body may run.
    Running(Running),
    /// Another call ran it, and this is what it returned.
    Ran(About, CanonicalJson),
}
