//! Our side of the benchmarks: the whole manager, with nothing switched off. One approver, one channel that delivers at
//! once.

use std::{fmt, sync::Arc, time::Duration};

use approval_core::{
    Action, ActionSpec, ApprovalManager, Clock, PendingApproval, SystemClock,
    id::{ExecutorId, RequestId},
    model::{ArgumentsDigest, Ballot, Principal},
    notify::{Capabilities, Decider, Delivered, Notice, Notifier, NotifyError},
    store::{NoticeClaim, Store},
};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::load::Approvals;

/// A channel that delivers at once, to nowhere.
#[derive(Debug)]
pub struct Nowhere;

#[async_trait]
impl Notifier for Nowhere {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells()
    }

    async fn deliver(&self, _: &Notice) -> Result<Delivered, NotifyError> {
        Ok(Delivered::default())
    }
}

/// The person who approves everything.
pub const APPROVER: &str = "user:ann@example.com";

/// Arguments of about 300 bytes.
///
/// # Panics
/// If they are not.
#[must_use]
pub fn arguments() -> Value {
    let arguments = json!({
        "customer": {"id": "cus_9s6XKzkNRiz8i3", "name": "Katharina Example", "mail": "katharina@example.com"},
        "order": "2026-03-14-000817",
        "cents": 12_950,
        "currency": "EUR",
        "reason": "arrived broken; photographs came on 12 March",
        "lines": [{"sku": "LAMP-17-BRASS", "count": 1}, {"sku": "BULB-E27", "count": 2}],
    });
    assert!((280..=320).contains(&arguments.to_string().len()), "{} bytes", arguments.to_string().len());
    arguments
}

/// What is fixed about the action that is asked about: one approver, one hour.
///
/// # Panics
/// Never.
#[must_use]
pub fn spec() -> Arc<ActionSpec> {
    let spec = ActionSpec::new("payments.refund").expect("a name");
    let spec =
        spec.description("Refund {cents} cents of order {order}").approvers([APPROVER]).expect("a person");
    Arc::new(spec)
}

/// A manager on some store.
pub struct Ours {
    manager: ApprovalManager,
    decider: Decider,
    approver: Principal,
    spec: Arc<ActionSpec>,
    arguments: Value,
    digest: ArgumentsDigest,
}

impl fmt::Debug for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ours").field("manager", &self.manager).finish_non_exhaustive()
    }
}

impl Ours {
    /// A manager that is up and has seen its first approval.
    ///
    /// # Panics
    /// When anything fails.
    pub async fn new(store: Arc<dyn Store>) -> Self {
        let manager = manager(store);
        let spec = spec();
        let arguments = arguments();
        let pending = manager.request(call(&spec, &arguments)).await.expect("it is opened");
        let digest = pending.request().await.expect("it is there").revision.digest;
        let ours = Self {
            decider: manager.decider("bench"),
            approver: Principal::new(APPROVER).expect("a person"),
            manager,
            spec,
            arguments,
            digest,
        };
        ours.decide(pending.id()).await;
        Self::wait(pending).await;
        ours.quiet().await;
        ours
    }

    /// The manager.
    #[must_use]
    pub const fn manager(&self) -> &ApprovalManager {
        &self.manager
    }

    /// Looks at a request, as whoever is about to decide does.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn see(&self, id: RequestId) {
        self.decider.get(id).await.expect("it is there");
    }

    /// Stops the manager.
    ///
    /// # Panics
    /// When it cannot flush.
    pub async fn stop(&self) {
        self.manager.shutdown().await.expect("everything is written");
    }
}

/// A manager on this store with one channel.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn manager(store: Arc<dyn Store>) -> ApprovalManager {
    manager_on(store, Arc::new(SystemClock))
}

/// The same on this clock, which the store has too.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn manager_on(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> ApprovalManager {
    ApprovalManager::builder()
        .shared_store(store)
        .clock(clock)
        .agent("bench")
        .notifier(Nowhere)
        .unattended()
        .build()
        .expect("a manager")
}

/// One call; its arguments are encoded and hashed anew.
///
/// # Panics
/// Never.
#[must_use]
pub fn call(spec: &Arc<ActionSpec>, arguments: &Value) -> Action {
    Action::of(Arc::clone(spec)).arguments(arguments).expect("an object")
}

/// Returns once no notice waits in the outbox of this store.
///
/// # Panics
/// When the store fails, or a minute has passed.
pub async fn outbox_empty(store: &Arc<dyn Store>) {
    let look = NoticeClaim {
        namespace: "default".into(),
        owner: ExecutorId::generate(approval_core::clock::Timestamp::now()),
        channels: Arc::default(),
        lease: approval_core::clock::Span::ZERO,
        limit: 0,
    };
    let (mut looks, limit) = (0, 60_000);
    while store.claim_notices(&look).await.expect("the store answers").next.is_some() {
        looks += 1;
        assert!(looks < limit, "the outbox does not empty");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Approvals for Ours {
    type Ticket = RequestId;
    type Waiter = PendingApproval;

    async fn create(&self) -> (RequestId, PendingApproval) {
        let pending = self.manager.request(call(&self.spec, &self.arguments)).await.expect("it is opened");
        (pending.id(), pending)
    }

    async fn wait(waiter: PendingApproval) {
        waiter.await.expect("approved");
    }

    async fn decide(&self, ticket: RequestId) {
        let voted = self.decider.vote(ticket, &self.approver, self.digest, Ballot::Approve, None).await;
        voted.expect("the vote counts");
    }

    async fn quiet(&self) {
        outbox_empty(self.manager.store()).await;
    }
}
