//! What operators do: look, halt and resume, cancel, revoke, settle.

use std::sync::Arc;

use super::{ApprovalManager, halts};
use crate::{
    approval_error::ApprovalError,
    error::Invalid,
    id::RequestId,
    lifecycle::{Act, Command, Settlement},
    model::{EventLine, Halt, HaltScope, Halts, Principal, Priority, Request, Stats, StatsQuery},
    store::{Page, Query, StoreError},
};

/// How often a history is read again when others write at the same time.
const ROUNDS: usize = 100;

impl ApprovalManager {
    /// The request as it stands.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        Ok(self.core.load(request).await?.request)
    }

    /// Requests of this namespace that match, a page at a time.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        Ok(self.core.list(query).await?)
    }

    /// The history of a request, oldest line first.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn history(&self, request: RequestId) -> Result<Vec<EventLine>, ApprovalError> {
        self.core.load(request).await?;
        Ok(self.core.store.history(request).await?)
    }

    /// Checks that the history of a request is whole and unchanged.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] with what is wrong with it.
    pub async fn verify_history(&self, request: RequestId) -> Result<(), ApprovalError> {
        let mut stored = self.core.load(request).await?;
        for _ in 0..ROUNDS {
            let lines = self.core.store.history(request).await?;
            let verified = crate::model::verify_chain(request, &lines, &stored.request.chain);
            let Err(error) = verified else { return Ok(()) };
            // Two reads: what was written between them is no fault of the history.
            let again = self.core.load(request).await?;
            if again.version == stored.version {
                return Err(StoreError::unreadable(error.to_string()).into());
            }
            stored = again;
        }
        Err(StoreError::unavailable("others kept changing the same request; try again").into())
    }

    /// Figures over many requests of this namespace: how many are pending, how they were decided, how long people took. Counted in the store.
    ///
    /// # Errors
    /// When the store failed.
    ///
    /// # Example
    /// ```
    /// # async fn example(manager: approval_core::ApprovalManager) -> Result<(), approval_core::ApprovalError> {
    /// use approval_core::model::{Dimension, StatsQuery};
    ///
    /// let stats = manager.stats(&StatsQuery { by: vec![Dimension::Action], ..StatsQuery::default() }).await?;
    /// for (action, figures) in &stats.by_action {
    ///     println!("{action}: {} pending, {:?} approved", figures.pending, figures.approval_rate());
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn stats(&self, query: &StatsQuery) -> Result<Stats, ApprovalError> {
        let namespace = &self.core.settings.namespace;
        if query.namespace.as_ref().is_some_and(|wanted| wanted != namespace) {
            return Ok(Stats::default());
        }
        let query = StatsQuery { namespace: Some(Arc::clone(namespace)), ..query.clone() };
        Ok(self.core.store.stats(&query).await?)
    }

    async fn operate(
        &self,
        request: RequestId,
        by: &Principal,
        act: Act,
    ) -> Result<Arc<Request>, ApprovalError> {
        let command = Command { actor: by.clone(), via: None, operator: true, act };
        Ok(self.core.execute(request, command).await?.request)
    }

    /// Takes any open request back.
    ///
    /// # Errors
    /// Why it could not be taken back.
    pub async fn cancel(
        &self,
        request: RequestId,
        by: &Principal,
        reason: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::Cancel { reason: Some(reason.into()) }).await
    }

    /// Takes an approval back whose grant is unspent. Of an idempotent action that failed or is in doubt, takes the right to run
    /// again back: what became of the run stays on record.
    ///
    /// # Errors
    /// Why it could not be taken back: the grant was spent first, for instance.
    pub async fn revoke(
        &self,
        request: RequestId,
        by: &Principal,
        reason: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::Revoke { reason: reason.into() }).await
    }

    /// Says how an execution in doubt had ended.
    ///
    /// # Errors
    /// When it is not in doubt.
    pub async fn settle(
        &self,
        request: RequestId,
        by: &Principal,
        settlement: Settlement,
        note: Option<&str>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::Settle { settlement, note: note.map(Into::into) }).await
    }

    /// Asks more people about an open request, as an operator: for any requirement, and anyone. The history says that an
    /// operator did it.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn escalate(
        &self,
        request: RequestId,
        by: &Principal,
        requirement: usize,
        to: Vec<Principal>,
        priority: Option<Priority>,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::Escalate { requirement, to, priority }).await
    }

    /// Hands the seat of `from` on. The caller answers for `from` having wanted it.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn delegate(
        &self,
        request: RequestId,
        from: &Principal,
        to: &Principal,
    ) -> Result<Arc<Request>, ApprovalError> {
        let command = Command {
            actor: from.clone(),
            via: None,
            operator: false,
            act: Act::Delegate { to: to.clone() },
        };
        Ok(self.core.execute(request, command).await?.request)
    }

    /// Adds a remark.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn comment(
        &self,
        request: RequestId,
        by: &Principal,
        text: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::Comment { text: text.into() }).await
    }

    /// Answers what an approver asked the agent, in the agent's place.
    ///
    /// # Errors
    /// Why the answer does not count.
    pub async fn provide_info(
        &self,
        request: RequestId,
        by: &Principal,
        answer: &str,
    ) -> Result<Arc<Request>, ApprovalError> {
        self.operate(request, by, Act::ProvideInfo { answer: answer.into() }).await
    }

    /// The halts in force in this namespace, those of the whole store among them.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn halts(&self) -> Result<Halts, ApprovalError> {
        self.core.halts.forget();
        Ok(self.core.halts.view(&self.core).await?.halts().clone())
    }

    /// Pulls the brake: no body of this namespace starts any more that `scope` covers, in any process on this store; what is
    /// pending is cancelled, and approvals that are unspent are revoked. What has begun goes on. Returns how many requests it
    /// ended. All namespaces at once are halted by [`super::StoreOperator::halt`].
    ///
    /// # Errors
    /// When the store failed, or a request could not be ended: the others are. The brake may be on then, and requests left to
    /// end: call again.
    pub async fn halt(&self, scope: HaltScope, by: &Principal, reason: &str) -> Result<u64, ApprovalError> {
        let at = self.core.now().await?;
        let halt = Halt { scope: scope.clone(), reason: reason.into(), by: by.clone(), at };
        let core = &self.core;
        halts::change(&*core.store, core.halts.own(), |halts| {
            halts.0.retain(|one| one.scope != halt.scope);
            halts.0.push(halt.clone());
        })
        .await?;
        core.halts.forget();
        core.end_halted(&halt).await
    }

    /// Releases the brake for exactly `scope`. What was cancelled or revoked stays so: it needs a new decision.
    ///
    /// # Errors
    /// When the same halt holds in the whole store, which [`super::StoreOperator::resume`] lifts; when the store failed.
    pub async fn resume(&self, scope: &HaltScope, by: &Principal) -> Result<(), ApprovalError> {
        let core = &self.core;
        core.halts.forget();
        tracing::warn!(?scope, %by, "a halt is lifted");
        halts::change(&*core.store, core.halts.own(), |halts| halts.0.retain(|one| one.scope != *scope))
            .await?;
        core.halts.forget();
        let view = core.halts.view(core).await?;
        if view.of_store().iter().any(|halt| halt.scope == *scope) {
            return Err(Invalid::new("halt", scope.to_string(), "holds in every namespace of the store")
                .hint("operators of the store lift it: approvals store resume")
                .into());
        }
        Ok(())
    }
}
