//! What operators do: look, halt and resume, cancel, revoke, settle.

use std::sync::Arc;

use super::ApprovalManager;
use crate::{
    approval_error::ApprovalError,
    id::RequestId,
    lifecycle::{Act, Command, Settlement},
    model::{
        EventLine, ExecutionState, Halt, HaltScope, Halts, Principal, Priority, Request, Stats, StatsQuery,
        Status,
    },
    store::{Commit, CommitOutcome, Condition, Page, Query, RecordWrite, StoreError},
};

/// How often a halt is written, or a history read again, when others write at the same time.
const ROUNDS: usize = 100;

impl ApprovalManager {
    /// The request as it stands.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn get(&self, request: RequestId) -> Result<Arc<Request>, ApprovalError> {
        Ok(self.core.load(request).await?.request)
    }

    /// Requests that match, a page at a time.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, query: &Query) -> Result<Page, ApprovalError> {
        Ok(self.core.store.list(query).await?)
    }

    /// The history of a request, oldest line first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn history(&self, request: RequestId) -> Result<Vec<EventLine>, ApprovalError> {
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

    /// Figures over many requests: how many are pending, how they were decided, how long people took. Counted in the store.
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
        Ok(self.core.store.stats(query).await?)
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

    /// Takes an approval back whose grant is unspent.
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

    /// The halts in force.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn halts(&self) -> Result<Halts, ApprovalError> {
        self.core.halts.forget();
        Ok(self.core.halts.view(&self.core).await?.halts().clone())
    }

    /// Pulls the brake: no body starts any more that `scope` covers, in any process on this store; what is pending is
    /// cancelled, and approvals that are unspent are revoked. What has begun goes on. Returns how many requests it ended.
    ///
    /// # Errors
    /// When the store failed. The brake may be on then, and requests left to end: call again.
    pub async fn halt(&self, scope: HaltScope, by: &Principal, reason: &str) -> Result<u64, ApprovalError> {
        let at = self.core.now().await?;
        let halt = Halt { scope: scope.clone(), reason: reason.into(), by: by.clone(), at };
        self.change_halts(|halts| {
            halts.0.retain(|one| one.scope != halt.scope);
            halts.0.push(halt.clone());
        })
        .await?;
        let mut ended = 0;
        for (status, execution) in [
            (vec![Status::Pending, Status::InfoRequested], Vec::new()),
            (vec![Status::Approved], vec![ExecutionState::NotStarted]),
        ] {
            ended += self.end_halted(Query { status, execution, ..Query::default() }, &halt).await?;
        }
        Ok(ended)
    }

    async fn end_halted(&self, mut query: Query, halt: &Halt) -> Result<u64, ApprovalError> {
        let mut ended = 0;
        let one = Halts(vec![halt.clone()]);
        loop {
            let page = self.core.store.list(&query).await?;
            for stored in &page.items {
                let request = &stored.request;
                if one.covering(&request.requester, &request.action.name).is_none() {
                    continue;
                }
                match self.operate(request.id, &halt.by, Act::Halt { reason: Arc::clone(&halt.reason) }).await
                {
                    Ok(_) => ended += 1,
                    Err(ApprovalError::Store(error)) => return Err(error.into()),
                    // It ended or began by itself meanwhile.
                    Err(_) => {}
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(ended),
            }
        }
    }

    /// Releases the brake for exactly `scope`. What was cancelled or revoked stays so: it needs a new decision.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn resume(&self, scope: &HaltScope, by: &Principal) -> Result<(), ApprovalError> {
        tracing::warn!(?scope, %by, "a halt is lifted");
        self.change_halts(|halts| halts.0.retain(|one| one.scope != *scope)).await
    }

    async fn change_halts(&self, change: impl Fn(&mut Halts)) -> Result<(), ApprovalError> {
        let name = self.core.halts.name().clone();
        for _ in 0..ROUNDS {
            let record = self.core.store.record(&name).await?;
            let mut halts = record.as_ref().map(super::halts::parse).transpose()?.unwrap_or_default();
            change(&mut halts);
            let value = serde_json::to_vec(&halts)
                .map_err(|e| StoreError::unreadable(format!("halts cannot be written: {e}")))?;
            let condition = match &record {
                Some(record) => Condition::Version(name.clone(), record.version),
                None => Condition::Absent(name.clone()),
            };
            let commit = Commit {
                conditions: vec![condition],
                writes: vec![RecordWrite { name: name.clone(), value: Some(value) }],
                ..Commit::default()
            };
            if let CommitOutcome::Committed { .. } = self.core.store.commit(commit).await? {
                self.core.halts.forget();
                return Ok(());
            }
        }
        Err(StoreError::unavailable("others kept changing the halts; try again").into())
    }
}
