//! Trying again what failed.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, ApprovalManager, Principal, RequestId,
    lifecycle::Edit,
    model::{Status, canonical::to_canonical},
    store::{Commit, CommitOutcome, Document, Expect, MemoryStore, RowWrite, Store},
};
use serde_json::{Value, json};

fn call() -> Action {
    Action::new("payments.refund")
        .unwrap()
        .describe(|action| Ok(action.approvers(["user:ann@example.com"])?.editable("cents", None).suspend()))
        .unwrap()
        .arguments(&json!({"cents": 900}))
        .unwrap()
        .key("order-7")
}

async fn fails(manager: &ApprovalManager) -> ApprovalError {
    let body = async |_, _| Err::<Value, _>(ApprovalError::NoManager("the bank is closed".into()));
    manager.guard(call()).run(body).await.unwrap_err()
}

#[tokio::test]
async fn a_successor_asks_for_what_was_approved_and_is_found_under_the_same_key() {
    let manager =
        ApprovalManager::builder().agent("a").store(MemoryStore::new()).unattended().build().unwrap();
    let ann = Principal::user("ann@example.com").unwrap();
    let decider = manager.decider("test");

    let first = fails(&manager).await.request().unwrap();
    let edit = Edit { path: "cents".into(), value: to_canonical(&500).unwrap() };
    decider.approve_edited(&manager.get(first).await.unwrap(), &ann, vec![edit], None).await.unwrap();
    assert!(fails(&manager).await.to_string().contains("the bank is closed"));
    let ran = fails(&manager).await;
    assert!(matches!(ran, ApprovalError::AlreadyRan { .. }), "{ran}");

    let second = manager.retry(first).await.unwrap().detach();
    assert_eq!(
        manager.retry(first).await.unwrap().detach(),
        second,
        "one successor, however often it is asked for"
    );
    let request = manager.get(second).await.unwrap();
    assert_eq!((request.status, request.predecessor), (Status::Pending, Some(first)));
    assert_eq!(manager.get(first).await.unwrap().successor, Some(second));
    decider.approve(&request, &ann, None).await.unwrap();
    let paid =
        manager.guard(call()).run(async |arguments, _| Ok::<Value, ApprovalError>(arguments)).await.unwrap();
    assert_eq!(paid, json!({"cents": 500}), "the edited amount is what people approved");
}

/// Makes one request the successor of another, behind the back of the lifecycle.
async fn link(store: &MemoryStore, request: RequestId, successor: RequestId) {
    let stored = store.load(request).await.unwrap().unwrap();
    let mut changed = (*stored.request).clone();
    changed.successor = Some(successor);
    let expect = Expect::Version(stored.version);
    let row = RowWrite { expect, document: Document::new(Arc::new(changed)) };
    let outcome = store.commit(Commit { row: Some(row), ..Commit::default() }).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed { .. }));
}

#[tokio::test]
async fn successors_that_lead_in_a_circle_are_an_error() {
    for length in [1_usize, 2, 3] {
        let store = Arc::new(MemoryStore::new());
        let manager = ApprovalManager::builder()
            .agent("a")
            .shared_store(Arc::<MemoryStore>::clone(&store))
            .unattended()
            .build()
            .unwrap();
        let mut ids = vec![fails(&manager).await.request().unwrap()];
        for n in 1..length {
            ids.push(manager.request(call().key(format!("other-{n}"))).await.unwrap().detach());
        }
        for (at, id) in ids.iter().enumerate() {
            link(&store, *id, ids[(at + 1) % length]).await;
        }
        let text = fails(&manager).await.to_string();
        assert!(text.contains("circle"), "{length}: {text}");
        let again =
            tokio::time::timeout(std::time::Duration::from_secs(20), manager.retry(ids[0])).await.unwrap();
        let text = again.map(drop).unwrap_err().to_string();
        assert!(text.contains("circle"), "{length}: {text}");
    }
}
