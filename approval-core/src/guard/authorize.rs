//! From a call to the right to run it.

use std::{future::Future, sync::Arc};

use super::allowed::{self, Allowed};
use crate::{
    approval_error::{About, ApprovalError},
    lifecycle::{self, Act, Command, Refusal},
    manager::{Action, ApprovalManager, Approved, Execution, Grant, Prepared, Provable, Unwound, tightened},
    model::{
        CanonicalJson, Execution as ExecutionRecord, ExecutionState, Gate, LibraryPart, Principal, Request,
        Text,
    },
    policy::Ruling,
};

/// The right to run a call once, not yet used: [`Authorization::begin`] uses it.
#[must_use = "nothing has run yet: begin() it"]
pub struct Authorization {
    manager: ApprovalManager,
    prepared: Prepared,
    right: Right,
}

enum Right {
    /// The policy allows it; this rule.
    Allowed(Text),
    /// People approved it.
    Approved(Approved),
    /// It ran before, and this is what it returned.
    Ran(About, CanonicalJson),
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let right = match &self.right {
            Right::Allowed(rule) => format!("allowed by {rule}"),
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
        let right = match self.core.rule(&prepared).await? {
            Ruling::Allow { rule } if !prepared.spec.needs_grant => {
                self.allow(&prepared, rule, preview).await?
            }
            Ruling::Deny { rule, reason } => {
                allowed::denied(self, &prepared, &rule, &reason).await?;
                return Err(ApprovalError::PolicyDenied {
                    action: prepared.spec.info.name.clone(),
                    rule,
                    reason,
                });
            }
            Ruling::Notify { rule, to } => {
                // On the heap: asking is much to keep, and a call that is allowed must not carry it.
                let asked = async {
                    let approved = self.open_allowed(&prepared, rule, to, preview).await?.await?;
                    self.usable(&prepared, approved).await
                };
                Box::pin(asked).await?
            }
            ruling @ (Ruling::Ask { .. } | Ruling::Allow { .. }) => {
                let gate = tightened(&prepared.spec, &ruling);
                Box::pin(self.approval(&prepared, gate, preview)).await?
            }
        };
        Ok(Authorization { manager: self.clone(), prepared, right })
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
        rule: Text,
        preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<Right, ApprovalError> {
        match self.core.count_allowed(prepared).await {
            Ok(None) => Ok(Right::Allowed(rule)),
            Ok(Some(limit)) => {
                let gate = Gate { rule: limit, ..Gate::clone(&prepared.spec.gate) };
                Box::pin(self.approval(prepared, Arc::new(gate), preview)).await
            }
            Err(error) => {
                if let ApprovalError::LimitReached { reached, .. } = &error {
                    allowed::denied(self, prepared, &reached.limit, &reached.why).await?;
                }
                Err(error)
            }
        }
    }

    /// Asks people, and waits for them.
    async fn approval(
        &self,
        prepared: &Prepared,
        gate: Arc<Gate>,
        preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<Right, ApprovalError> {
        let approved = self.open(prepared, gate, preview).await?.await?;
        self.usable(prepared, approved).await
    }

    /// What an approval is worth that may have been used before.
    async fn usable(&self, prepared: &Prepared, approved: Approved) -> Result<Right, ApprovalError> {
        let request = approved.request();
        let about = About::of(request);
        match request.execution.as_deref() {
            Some(ExecutionRecord::NotStarted) => Ok(Right::Approved(approved)),
            Some(ExecutionRecord::Succeeded { result: Some(result), .. }) if prepared.spec.replay => {
                lifecycle::intact(request)
                    .map_err(|refusal| ApprovalError::of_refusal(about.clone(), refusal))?;
                Ok(Right::Ran(about, result.clone()))
            }
            Some(ExecutionRecord::Unknown { .. }) if request.action.idempotent => {
                let command = Command {
                    actor: Principal::part(LibraryPart::Guard),
                    via: None,
                    operator: true,
                    act: Act::Reopen,
                };
                let stored = self.core.execute(request.id, command).await?;
                Ok(Right::Approved(Approved::new(self.clone(), stored.request, None)))
            }
            Some(ran) => Err(ApprovalError::of_refusal(about, Refusal::AlreadyRan(ran.state()))),
            None => Err(ApprovalError::of_refusal(about, Refusal::NotApproved)),
        }
    }
}

impl Authorization {
    /// The arguments as people approved them, secret ones redacted.
    #[must_use]
    pub fn arguments(&self) -> &CanonicalJson {
        match &self.right {
            Right::Approved(approved) => approved.arguments(),
            Right::Allowed(_) | Right::Ran(..) => &self.prepared.bound.arguments,
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
            Right::Allowed(_) | Right::Approved(_) => None,
        }
    }

    /// Uses the right. `actual` are the arguments that are about to run, encoded anew from their actual values: unless
    /// their digest is the approved one, nothing may run.
    ///
    /// # Errors
    /// When the arguments are not the approved ones, the grant was used, ran out or was revoked, or everything is halted.
    pub async fn begin(self, actual: CanonicalJson) -> Result<Running, ApprovalError> {
        let Self { manager, prepared, right } = self;
        let key = manager.core.settings.redaction_key.as_ref();
        let digest = prepared.bound.digest_of(actual, &prepared.spec, key)?;
        match right {
            Right::Approved(approved) => Ok(Running(Kind::Asked(
                approved.begin_claiming(prepared.caller().claim(&manager.core, digest)).await?,
            ))),
            Right::Allowed(rule) => {
                if digest != prepared.bound.digest {
                    let invalid = crate::error::Invalid::new(
                        "arguments",
                        prepared.spec.info.name.as_str(),
                        "changed between the policy's answer and the body",
                    );
                    return Err(invalid.into());
                }
                Ok(Running(Kind::Allowed(Box::new(Allowed::begin(&manager, prepared, rule).await?))))
            }
            Right::Ran(about, _) => {
                Err(ApprovalError::AlreadyRan { about, state: ExecutionState::Succeeded })
            }
        }
    }

    /// What is fixed about the action.
    #[must_use]
    pub fn records_result(&self) -> bool {
        self.prepared.spec.records_result()
    }
}

/// A call that may run now. Say how it ended; dropped before that, nobody knows.
#[must_use = "say how the body ended: succeeded(..) or failed(..)"]
pub struct Running(Kind);

enum Kind {
    Asked(Execution),
    Allowed(Box<Allowed>),
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Asked(execution) => f.debug_tuple("Running").field(execution).finish(),
            Kind::Allowed(_) => f.write_str("Running(allowed)"),
        }
    }
}

impl Running {
    /// The body begins.
    pub const fn start(&mut self) {
        match &mut self.0 {
            Kind::Asked(execution) => execution.start(),
            Kind::Allowed(allowed) => allowed.start(),
        }
    }

    /// The body begins, and whoever runs it tells of a panic: a drop without one is a drop.
    pub(super) fn watch(&mut self) {
        self.unwound(Unwound::No);
    }

    /// What is known of a panic of the body.
    pub(super) fn unwound(&mut self, unwound: Unwound) {
        match &mut self.0 {
            Kind::Asked(execution) => execution.watch(unwound),
            Kind::Allowed(allowed) => allowed.watch(unwound),
        }
    }

    /// The request that was approved; `None` for a call that the policy allowed without asking.
    #[must_use]
    pub fn request(&self) -> Option<&Arc<Request>> {
        match &self.0 {
            Kind::Asked(execution) => Some(execution.request()),
            Kind::Allowed(_) => None,
        }
    }

    /// The proof for inner functions: a [`Grant`] of the action that runs, or a `Grant<()>`. `None` for a call that the policy
    /// allowed without asking.
    ///
    /// # Errors
    /// When `A` names another action, or another version of it: [`Authorization::proves`] tells it before the grant is spent.
    pub fn grant<A: Provable + ?Sized>(&self) -> Result<Option<Grant<A>>, ApprovalError> {
        match &self.0 {
            Kind::Asked(execution) => execution.grant().map(Some),
            Kind::Allowed(_) => Ok(None),
        }
    }

    /// The body returned. `result` is kept for the same call later.
    pub async fn succeeded(self, result: Option<CanonicalJson>) {
        match self.0 {
            Kind::Asked(execution) => execution.succeeded(result).await,
            Kind::Allowed(allowed) => allowed.end("succeeded", None).await,
        }
    }

    /// The body returned an error.
    pub async fn failed(self, why: &str) {
        match self.0 {
            Kind::Asked(execution) => execution.failed(why).await,
            Kind::Allowed(allowed) => allowed.end("failed", Some(why)).await,
        }
    }
}
