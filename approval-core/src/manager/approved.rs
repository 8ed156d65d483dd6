//! An approved request, and the way from it to a body.

use std::sync::Arc;

use serde::Serialize;

use super::{
    ApprovalManager, Execution, GuardedAction, Runner,
    action::{not_encodable, object},
    runner::Caller,
};
use crate::{
    approval_error::{About, ApprovalError},
    clock::Timestamp,
    error::{Internal, Invalid},
    id::{GrantId, RequestId},
    lifecycle::{Act, Agents, Claim, Command, Refusal},
    model::{ArgumentsDigest, CanonicalJson, Decision, Principal, Request, canonical::to_canonical},
};

/// Under how many leases it is tried to spend one grant.
const LEASES_TRIED: u32 = 5;

/// An approved request. [`Approved::begin`] spends its grant.
#[derive(Clone, Debug)]
pub struct Approved {
    manager: ApprovalManager,
    request: Arc<Request>,
    caller: Option<Arc<Caller>>,
}

impl Approved {
    pub(crate) const fn new(
        manager: ApprovalManager,
        request: Arc<Request>,
        caller: Option<Arc<Caller>>,
    ) -> Self {
        Self { manager, request, caller }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// Who decided, when and why.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.request.decision.as_deref()
    }

    /// The arguments that were approved: after an edit not those that were asked for.
    #[must_use]
    pub fn arguments(&self) -> &CanonicalJson {
        &self.request.revision.arguments
    }

    /// The same as the store has it now.
    pub(crate) async fn reloaded(&self) -> Result<Self, ApprovalError> {
        let stored = self.manager.core.load(self.request.id).await?;
        Ok(Self { manager: self.manager.clone(), request: stored.request, caller: self.caller.clone() })
    }

    /// Whether the approval proves one of the action `A`, so that [`Execution::grant`] gives a proof of it. Spends nothing.
    ///
    /// # Errors
    /// When it is for another action, or another version of it, or the policy let it run without asking.
    pub fn proves<A: GuardedAction + ?Sized>(&self) -> Result<(), ApprovalError> {
        super::proves::<A>(&self.request)
    }

    /// Spends the grant of a request that this code opened with [`ApprovalManager::request`]: from now on the action may be
    /// run, once, by the caller, with the arguments of [`Execution::arguments`] (or, where these are redacted, with those of
    /// its call).
    ///
    /// # Errors
    /// When the request was found by its id (use [`Approved::begin_as`]); when what is stored is not what was approved; when
    /// namespace, agent, person behind, action or its version are not the caller's; when the grant was spent, ran out or was
    /// revoked, or everything is halted.
    pub async fn begin(&self) -> Result<Execution, ApprovalError> {
        let Some(caller) = &self.caller else {
            let id = self.request.id.to_string();
            return Err(Invalid::new("request to begin", id, "was found by its id, not opened by this code")
                .hint("declare the action that this code would run: begin_as(ActionSpec::new(..)?)")
                .into());
        };
        self.begin_stored(caller).await
    }

    /// Spends the grant of a request that was found by its id ([`ApprovalManager::attach`], [`ApprovalManager::retry`]).
    /// `runner` is what this code would run: the action as it is declared here, and the agents that it runs for; its own
    /// agent, unless others are named. Where the [`crate::Context`] names a person, the request must be on behalf of that
    /// person.
    ///
    /// # Errors
    /// As [`Approved::begin`]; and when arguments are redacted, which are not in the store: see [`Approved::begin_with`].
    pub async fn begin_as(&self, runner: impl Into<Runner>) -> Result<Execution, ApprovalError> {
        self.begin_stored(&Caller::attached(runner.into(), &self.manager.core)).await
    }

    /// [`Approved::begin_as`] with arguments that the caller has at hand, redacted ones in the clear: nothing runs unless they
    /// are those that were approved.
    ///
    /// # Errors
    /// As [`Approved::begin_as`]; and when the arguments cannot be encoded, or are not the approved ones.
    pub async fn begin_with<T: Serialize + ?Sized>(
        &self,
        runner: impl Into<Runner>,
        arguments: &T,
    ) -> Result<Execution, ApprovalError> {
        let core = &self.manager.core;
        let caller = Caller::attached(runner.into(), core);
        let actual = object(to_canonical(arguments).map_err(|error| not_encodable(&error))?)?;
        let attachments = self.request.attachments().to_vec();
        let bound = caller.spec.bind(actual, attachments, core.settings.redaction_key.as_ref())?;
        self.begin_claiming(caller.claim(core, bound.digest)).await
    }

    async fn begin_stored(&self, caller: &Caller) -> Result<Execution, ApprovalError> {
        let digest = self.digest_to_run(caller)?;
        self.begin_claiming(caller.claim(&self.manager.core, digest)).await
    }

    /// Digest of what the caller would run.
    fn digest_to_run(&self, caller: &Caller) -> Result<ArgumentsDigest, ApprovalError> {
        let revision = &self.request.revision;
        match caller.given {
            Some(given) if self.request.original == given && revision.editor.is_none() => Ok(given),
            _ if revision.arguments.is_redacted() => {
                let id = self.request.id.to_string();
                Err(Invalid::new(
                    "arguments of the request",
                    id,
                    "are redacted, and not in the store in the clear",
                )
                .hint("hand in the actual arguments: begin_with(spec, &arguments)")
                .into())
            }
            _ => Ok(caller.digest_of_stored(&self.request)),
        }
    }

    /// The same for what a caller says about itself; the digest was computed from the actual values.
    pub(crate) async fn begin_claiming(&self, claim: Claim) -> Result<Execution, ApprovalError> {
        let core = &self.manager.core;
        core.at_work()?;
        let Some(grant) = self.request.grant.as_ref().map(|grant| grant.id) else {
            return Err(ApprovalError::of_refusal(About::of(&self.request), Refusal::NotApproved));
        };
        // On a task of its own: a caller that goes away meanwhile must not leave a spent grant without a report.
        let (manager, request) = (self.manager.clone(), Arc::clone(&self.request));
        let spent = core.runtime.spawn(async move {
            manager.core.link_before_begin(&request).await?;
            Self::spend(manager, request.id, grant, claim).await
        });
        match spent.await {
            Ok(spent) => spent,
            Err(error) if error.is_panic() => {
                Err(Internal::new("the task that spends a grant panicked").into())
            }
            // The runtime ended.
            Err(_) => Err(ApprovalError::ShutDown),
        }
    }

    async fn spend(
        manager: ApprovalManager,
        request: RequestId,
        grant: GrantId,
        claim: Claim,
    ) -> Result<Execution, ApprovalError> {
        let core = &manager.core;
        let actor = actor(&claim, &core.settings.agent);
        let mut tries = 0;
        loop {
            tries += 1;
            let executor = core.lease.executor(core).await?;
            let act = Act::Consume { executor, grant, claim: Box::new(claim.clone()) };
            let command = Command { actor: actor.clone(), via: None, operator: false, act };
            match core.execute(request, command).await {
                Ok(stored) => return Ok(Execution::new(manager, stored.request)?),
                // The lease was lost meanwhile, and under its name nothing can begin any more: take a new one.
                Err(ApprovalError::Store(_)) if tries < LEASES_TRIED && !core.lease.is_held(executor) => {}
                Err(ApprovalError::DefinitionChanged { about, what, .. }) => {
                    let revoked = core.supersede(request, &about.action, what).await?;
                    if revoked {
                        tracing::warn!(%request, action = %about.action, what, "revoked an approval: the action is declared with more demands now");
                    }
                    return Err(ApprovalError::DefinitionChanged { about, what, revoked });
                }
                Err(error @ ApprovalError::PolicyAsks { .. }) => {
                    core.uncover(request).await?;
                    return Err(error);
                }
                Err(ApprovalError::StandingWithdrawn { about, standing, by, why }) => {
                    core.revoke_withdrawn(request, standing, &by).await;
                    return Err(ApprovalError::StandingWithdrawn { about, standing, by, why });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The time at which the grant runs out; `None` for a question.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.request.grant.as_ref().map(|grant| grant.expires_at)
    }
}

/// In whose name the history tells of it.
fn actor(claim: &Claim, own: &Principal) -> Principal {
    match &claim.agents {
        Agents::These(agents) => match agents.as_slice() {
            [only] => only.clone(),
            _ => own.clone(),
        },
        Agents::Any => own.clone(),
    }
}
