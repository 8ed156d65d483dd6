//! The imperative shell around the lifecycle: loads, applies, commits with compare-and-set, wakes, tells.

mod action;
mod admin;
mod alerts;
mod approved;
mod approved_worker;
mod attempts;
mod basis;
mod bell;
mod builder;
mod cache;
mod call_line;
mod context;
mod delivery;
mod due;
mod engine;
mod execution;
mod grant;
mod halts;
mod halts_of_store;
mod handover;
mod id_hasher;
mod join;
mod journal;
mod keyed;
mod keys;
mod kinds;
mod lease;
mod limits;
mod listener;
mod of_many;
mod open;
mod other_run;
mod outbox;
mod pending;
mod people;
mod preview;
mod put_off;
mod question;
mod requester;
mod requests;
mod reruns;
mod retry;
mod ruling;
mod runner;
mod runtime;
mod seal;
mod secret_key;
mod sink;
mod spec;
mod standing;
mod store_operator;
mod successor;
mod waiters;
#[cfg(test)]
mod waiters_tests;

use std::{fmt, sync::Arc};

pub(crate) use action::attached;
pub use action::{Action, CallOf};
pub use approved::Approved;
pub use approved_worker::ApprovedWorker;
pub(crate) use basis::{Ruled, RuledBy};
pub use builder::{BuildError, ManagerBuilder};
pub use context::Context;
pub use execution::Execution;
pub(crate) use execution::Unwound;
pub use grant::{Grant, GuardedAction, Provable};
pub(crate) use grant::{proves, proves_action};
pub(crate) use keys::{KeyScope, scoped_key};
pub(crate) use limits::Count;
pub(crate) use open::{Prepared, tightened};
pub use pending::PendingApproval;
pub(crate) use pending::sleep_until;
pub use question::{Answer, AskBuilder};
pub use requester::Requester;
pub(crate) use ruling::HeldBack;
pub use runner::Runner;
pub use spec::ActionSpec;
pub use store_operator::StoreOperator;

use crate::{
    approval_error::ApprovalError,
    audit::Sealer,
    clock::Clock,
    directory::Directory,
    id::RequestId,
    model::{Limit, Principal, Text, canonical::DigestKey},
    notify::{Decider, DecisionSink, Notifier, TokenKey},
    policy::Policy,
    store::{Store, Stored},
};

/// Opens requests, waits for people, hands out grants, and keeps all of it in a store. Cheap to clone; when the last clone
/// is gone its workers stop (prefer [`ApprovalManager::shutdown`], which flushes).
#[derive(Clone)]
pub struct ApprovalManager {
    pub(crate) core: Arc<Core>,
    _alive: Arc<Alive>,
}

/// Stops the workers when the last manager is gone.
struct Alive(Arc<Core>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.stop.stop();
        self.0.outbox_bell.ring();
        self.0.due_bell.ring();
    }
}

/// What the manager and its workers share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) notifiers: Vec<(Text, Arc<dyn Notifier>)>,
    /// Those of them that another process serves.
    pub(crate) elsewhere: Vec<Text>,
    pub(crate) settings: Settings,
    pub(crate) waiters: waiters::Waiters<RequestId, Stored>,
    pub(crate) cache: cache::RowCache,
    pub(crate) halts: halts::HaltWatch,
    pub(crate) reruns: reruns::Reruns,
    pub(crate) standing: standing::StandingWatch,
    pub(crate) lease: lease::Lease,
    pub(crate) journal: journal::Journal,
    pub(crate) attempts: attempts::RefusedAttempts,
    pub(crate) sources: basis::Sources,
    pub(crate) sealer: Option<Sealer>,
    /// Held by what ends one request after the other, while it gives a place in the limits back.
    pub(crate) giving_back: tokio::sync::Mutex<()>,
    pub(crate) due_bell: bell::Bell,
    pub(crate) halts_bell: bell::Bell,
    pub(crate) outbox_bell: bell::Bell,
    pub(crate) handover: handover::Handover,
    pub(crate) approved_bells: crate::sync::Mutex<Vec<std::sync::Weak<bell::Bell>>>,
    pub(crate) stop: bell::Stop,
    pub(crate) runtime: runtime::Workers,
}

/// What the builder fixed.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) namespace: Text,
    pub(crate) agent: Principal,
    pub(crate) token_key: TokenKey,
    pub(crate) redaction_key: Option<DigestKey>,
    pub(crate) info: Option<open::InfoAnswerer>,
    pub(crate) limits: Vec<Arc<Limit>>,
}

impl Core {
    /// The channels that this process serves.
    pub(crate) fn served_here(&self) -> impl Iterator<Item = &(Text, Arc<dyn Notifier>)> {
        self.notifiers.iter().filter(|(name, _)| !self.elsewhere.contains(name))
    }

    /// Nothing new is begun after a shutdown.
    pub(crate) fn at_work(&self) -> Result<(), ApprovalError> {
        if self.stop.is_stopped() { Err(ApprovalError::ShutDown) } else { Ok(()) }
    }
}

impl fmt::Debug for ApprovalManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<&str> = self.core.notifiers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("ApprovalManager")
            .field("store", &self.core.store.info().name)
            .field("agent", &self.core.settings.agent)
            .field("channels", &channels)
            .finish_non_exhaustive()
    }
}

impl ApprovalManager {
    /// Settings of a new manager.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use approval_core::{ApprovalManager, store::MemoryStore};
    /// let manager = ApprovalManager::builder().store(MemoryStore::new()).unattended().build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> ManagerBuilder {
        ManagerBuilder::new()
    }

    /// What an agent may hold: opens requests and waits for them, and cannot decide.
    #[must_use]
    pub fn requester(&self) -> Requester {
        Requester::new(self.clone())
    }

    /// What a channel may hold: hands in what people decided. Not for agents.
    #[must_use]
    pub fn decider(&self, channel: impl Into<Text>) -> Decider {
        Decider::new(channel, self.sink())
    }

    fn sink(&self) -> Arc<dyn DecisionSink> {
        Arc::new(sink::Sink(Arc::downgrade(&self.core)))
    }

    /// The store, of all namespaces: not for those who may see this one alone.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    /// The agent that asks when no [`crate::guard::Context`] names another.
    #[must_use]
    pub fn agent(&self) -> &Principal {
        &self.core.settings.agent
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.core.clock
    }

    /// Callers that wait at the moment.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.core.waiters.len()
    }

    /// Stops the workers, flushes the journal and the record of refused attempts, seals the trail, gives the lease back if nothing executes,
    /// and stops the channels. A task that waits or calls afterwards gets [`ApprovalError::ShutDown`], and no decision is taken
    /// any more; what runs already runs to its end, and is recorded. Pending requests live on in the store. The store
    /// stays open: the code that opened it closes it.
    ///
    /// # Errors
    /// When something could not be flushed. It is kept, and the call can be repeated.
    pub async fn shutdown(&self) -> Result<(), ApprovalError> {
        let core = &self.core;
        core.stop.stop();
        core.outbox_bell.ring();
        core.due_bell.ring();
        core.waiters.tell_all();
        core.runtime.finished().await;
        core.journal.close();
        let reloads = core.flush_reloads().await;
        core.attempts.flush(&*core.store).await?;
        core.journal.flush().await?;
        reloads?;
        seal::last(core).await?;
        core.lease.give_back(core).await?;
        for (_, notifier) in &core.notifiers {
            notifier.stop().await;
        }
        Ok(())
    }
}
