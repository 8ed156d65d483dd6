//! A trail to tamper with.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalManager, Clock, Principal, RequestId,
    audit::{
        Breach, Ed25519Keys, Ed25519Signer, Exporter, Report, Sealer, Sealing, Verifier, VerifyOptions,
        read_seals, verify_file,
    },
    clock::Span,
    model::Source,
    policy::{Call, Policy, PolicyError, Ruling},
    store::{JournalLine, Store},
};
use async_trait::async_trait;
use serde_json::json;

pub const ANN: &str = "user:ann@example.com";

pub fn ann() -> Principal {
    Principal::new(ANN).unwrap()
}

/// Rules that ask, and have a text.
#[derive(Debug)]
pub struct Written(pub Arc<Source>);

impl Written {
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Source::new(text)))
    }
}

#[async_trait]
impl Policy for Written {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::ask())
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::clone(&self.0))
    }
}

pub const RULES: &str = "policy:\n  rules: [] # \"nothing\" but questions";

pub fn manager(store: &Arc<dyn Store>, clock: Arc<dyn Clock>) -> ApprovalManager {
    manager_under(store, clock, RULES)
}

/// The same under other rules.
pub fn manager_under(store: &Arc<dyn Store>, clock: Arc<dyn Clock>, rules: &str) -> ApprovalManager {
    ApprovalManager::builder()
        .policy(Written::new(rules))
        .shared_store(Arc::clone(store))
        .clock(clock)
        .agent("agent")
        .unattended()
        .build()
        .unwrap()
}

pub fn call(number: usize) -> Action {
    let action = Action::new("mail.send").unwrap();
    let action = action.describe(|action| action.approvers([ANN])).unwrap();
    action.arguments(&json!({ "to": "bob", "number": number })).unwrap()
}

/// A request that is decided, with a history of four lines.
pub async fn decided(manager: &ApprovalManager, number: usize) -> RequestId {
    let seen = manager.request(call(number)).await.unwrap().request().await.unwrap();
    let decider = manager.decider("slack");
    if number.is_multiple_of(3) {
        decider.comment(seen.id, &ann(), "is \"this\"\nright?").await.unwrap();
        decider.reject(&seen, &ann(), Some("too much")).await.unwrap();
    } else {
        decider.approve(&seen, &ann(), None).await.unwrap();
        manager.revoke(seen.id, &ann(), "after all not").await.unwrap();
    }
    assert_eq!(manager.history(seen.id).await.unwrap().len(), 4);
    seen.id
}

/// A line of the journal.
pub fn called(
    clock: &dyn Clock,
    digest: approval_core::model::ArgumentsDigest,
    number: usize,
) -> JournalLine {
    JournalLine::Call {
        at: clock.now(),
        action: "balance.read".into(),
        version: 1,
        digest,
        agent: Principal::agent("agent").unwrap(),
        run: None,
        rule: format!("rule {number}").into(),
        outcome: "allowed".into(),
        why: None,
        basis: None,
    }
}

/// A key and the means to check it.
#[derive(Clone)]
pub struct Key {
    pub signer: Ed25519Signer,
    pub keys: Arc<Ed25519Keys>,
}

impl Key {
    pub fn new() -> Self {
        let signer = Ed25519Signer::generate().unwrap();
        let keys = Ed25519Keys::new().with_pem(&signer.public_pem().unwrap()).unwrap();
        Self { signer, keys: Arc::new(keys) }
    }

    pub fn sealing(&self) -> Sealing {
        Sealing::new().signer(self.signer.clone())
    }

    /// Everything must be signed by this key, and sealed unless it is younger than the last seal.
    pub fn options(&self) -> VerifyOptions {
        VerifyOptions { keys: Some(Arc::clone(&self.keys) as _), ..lenient() }
    }
}

/// Nothing is known but the trail itself.
pub fn lenient() -> VerifyOptions {
    VerifyOptions { grace: Span::ZERO, ..VerifyOptions::default() }
}

/// Requests with four lines of history each, and lines of the journal, sealed now and then. Some histories grow between
/// two seals.
pub async fn fill(store: &Arc<dyn Store>, clock: Arc<dyn Clock>, key: &Key, requests: usize) -> Sealer {
    let manager = manager(store, Arc::clone(&clock));
    let sealer = Sealer::new(Arc::clone(store), key.sealing());
    for number in 0..requests {
        if number % 7 == 0 {
            let open = manager.request(call(number)).await.unwrap().request().await.unwrap();
            sealer.seal().await.unwrap();
            manager.decider("mail").approve(&open, &ann(), Some("fine")).await.unwrap();
            manager.revoke(open.id, &ann(), "no").await.unwrap();
            store
                .append_journal(vec![
                    called(&*clock, open.original, number),
                    called(&*clock, open.original, number + 1),
                ])
                .await
                .unwrap();
        } else {
            decided(&manager, number).await;
        }
    }
    sealer.seal().await.unwrap();
    sealer
}

pub async fn export(store: &dyn Store) -> String {
    let mut exporter = Exporter::new(store);
    let mut trail = String::new();
    while let Some(page) = exporter.next().await.unwrap() {
        trail.push_str(&page);
    }
    trail
}

pub fn verify(trail: &str, options: VerifyOptions) -> Result<Report, Breach> {
    verify_file(trail.as_bytes(), options).unwrap()
}

/// All seals of a store.
pub async fn seals(store: &dyn Store) -> Vec<approval_core::audit::Seal> {
    read_seals(store, 0, usize::MAX >> 1).await.unwrap()
}

pub fn verifier(options: VerifyOptions) -> Verifier {
    Verifier::new(options).unwrap()
}
