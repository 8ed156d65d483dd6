//! What operators of a store do to all of it, whatever namespaces it holds.

use std::sync::Arc;

use super::halts;
use crate::{
    error::Invalid,
    model::{Halt, HaltScope, Halts, Principal, Text},
    store::{ClockReading, JournalLine, Store, StoreError},
};

/// Who operates a store, rather than one namespace in it. An [`ApprovalManager`](super::ApprovalManager) sees and halts only its
/// own namespace; this halts all of them. Not for agents, and not for those who operate one namespace.
///
/// # Example
/// ```
/// # async fn example(store: std::sync::Arc<dyn approval_core::store::Store>) -> Result<(), Box<dyn std::error::Error>> {
/// use approval_core::{Principal, manager::StoreOperator, model::HaltScope};
///
/// let operator = StoreOperator::new(store);
/// operator.halt(HaltScope::Everything, &Principal::user("olga@example.com")?, "the mail server is down").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct StoreOperator {
    store: Arc<dyn Store>,
}

impl StoreOperator {
    /// Operates this store.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The halts that hold in every namespace. Halts of one namespace are not among them.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn halts(&self) -> Result<Halts, StoreError> {
        halts::read(&*self.store, &halts::of_store()).await
    }

    /// Halts what `scope` covers in every namespace: from the write on nothing of it is opened, approved or begun. The
    /// managers of each namespace cancel what is pending and revoke what is unspent, as soon as they notice or are started.
    /// On record in the journal.
    ///
    /// # Errors
    /// When the store failed. The halt may hold then.
    pub async fn halt(&self, scope: HaltScope, by: &Principal, reason: &str) -> Result<(), StoreError> {
        let at = self.store.now().await?;
        let halt = Halt { scope, reason: reason.into(), by: by.clone(), at };
        halts::change(&*self.store, &halts::of_store(), |halts| {
            halts.0.retain(|one| one.scope != halt.scope);
            halts.0.push(halt.clone());
        })
        .await?;
        self.record(by, format!("halted in every namespace: {}: {reason}", halt.scope)).await
    }

    /// Lifts the halt of exactly `scope` that holds in every namespace. Halts of one namespace stay; what was cancelled or
    /// revoked stays so. On record in the journal.
    ///
    /// # Errors
    /// [`Invalid`] inside when no such halt holds; when the store failed.
    pub async fn resume(&self, scope: &HaltScope, by: &Principal) -> Result<(), StoreError> {
        if !self.halts().await?.0.iter().any(|halt| halt.scope == *scope) {
            let none = Invalid::new("halt", scope.to_string(), "does not hold in every namespace")
                .hint("list the halts; a halt of one namespace is lifted by its manager");
            return Err(StoreError::caused_by("nothing was lifted", none));
        }
        // On record first: a halt is never lifted without a trace.
        self.record(by, format!("lifted the halt in every namespace: {scope}")).await?;
        halts::change(&*self.store, &halts::of_store(), |halts| halts.0.retain(|one| one.scope != *scope))
            .await
    }

    /// The store's clock, and the latest moment that it gave out.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn clock(&self) -> Result<ClockReading, StoreError> {
        self.store.clock().await
    }

    /// Confirms that the clock is right: the mark is set to it, ahead or back. What expired by a mark that was wrong can be decided
    /// once more where its end is not written yet. Stop the other processes on the store before a mark is set back: they go on with
    /// the one that they know. On record in the journal. The reading before, and after.
    ///
    /// # Errors
    /// When the store cannot do it, or failed.
    pub async fn confirm_clock(&self, by: &Principal) -> Result<(ClockReading, ClockReading), StoreError> {
        let before = self.store.clock().await?;
        self.store.set_clock_mark(before.clock).await?;
        let what = format!("confirmed the clock: the mark was {}, and is {}", before.mark, before.clock);
        self.record(by, what).await?;
        Ok((before, self.store.clock().await?))
    }

    async fn record(&self, by: &Principal, what: impl Into<Text>) -> Result<(), StoreError> {
        let at = self.store.now().await?;
        self.store.append_journal(vec![JournalLine::Operated { at, by: by.clone(), what: what.into() }]).await
    }
}
