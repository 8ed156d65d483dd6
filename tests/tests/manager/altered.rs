//! A row that another program changed: nothing approves it, edits it, tries it again or runs it.

use std::sync::Arc;

use approval_core::{
    ApprovalError, RequestId,
    lifecycle::{Edit, Refusal},
    model::{
        ArgumentsDigest, Attachment, CanonicalJson, Enclosed, ExecutionState, Request, Status,
        canonical::{parse_canonical, to_canonical},
    },
    store::{Commit, Document, Expect, RowWrite},
};
use approval_testkit::TestManager;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::common::{ANN, BOB, Runs, call, call_with, error, person, seconds, soon, unattended};

/// Changes a row behind the back of the manager.
pub async fn alter(manager: &TestManager, id: RequestId, change: impl FnOnce(&mut Request)) {
    let stored = manager.store().load(id).await.unwrap().unwrap();
    let mut request = Request::clone(&stored.request);
    change(&mut request);
    let row =
        RowWrite { expect: Expect::Version(stored.version), document: Document::new(Arc::new(request)) };
    manager.store().commit(Commit { row: Some(row), ..Commit::default() }).await.unwrap();
}

fn more() -> CanonicalJson {
    parse_canonical(r#"{"cents":999999}"#).unwrap()
}

fn other_digest() -> ArgumentsDigest {
    ArgumentsDigest::from_bytes([7; 32])
}

type Change = fn(&mut Request);

/// What another program may do to a row, each of which must keep it from running.
fn changes() -> [(&'static str, Change); 6] {
    [
        ("arguments", |request| request.revision.arguments = more()),
        ("arguments and their digest", |request| {
            request.revision.arguments = more();
            request.revision.digest = request.digest_again();
        }),
        ("digest", |request| request.revision.digest = other_digest()),
        ("attachments", |request| {
            let file = Attachment::text("terms.txt", "net 90").unwrap();
            request.enclosed = Some(Arc::new(Enclosed::from(vec![file])));
        }),
        ("version of the action", |request| Arc::make_mut(&mut request.action).version = 2),
        ("digest of the grant", |request| request.grant.as_mut().unwrap().digest = other_digest()),
    ]
}

async fn approved(manager: &TestManager) -> RequestId {
    let id = manager.request(call()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    id
}

async fn state(manager: &TestManager, id: RequestId) -> ExecutionState {
    manager.get(id).await.unwrap().execution.as_ref().unwrap().state()
}

fn is_refused(error: &ApprovalError) -> bool {
    matches!(error, ApprovalError::Refused { refusal, .. } if matches!(**refusal, Refusal::Altered | Refusal::WrongGrant(_)))
}

#[derive(Debug, Deserialize)]
struct Refund {
    #[expect(dead_code, reason = "only its type matters")]
    cents: u64,
}

#[tokio::test]
async fn an_altered_row_begins_neither_for_its_opener_nor_for_who_attaches() {
    for (what, change) in changes() {
        let manager = unattended();
        let waiting = manager.request(call()).await.unwrap();
        let id = waiting.id();
        manager.approve(id, ANN).await.unwrap();
        let before = soon(waiting).await.unwrap();
        alter(&manager, id, change).await;
        let found = soon(manager.attach(id).await.unwrap()).await.unwrap();
        let spec = call().spec().clone();
        for refused in [
            before.begin().await,
            found.begin_as(&spec).await,
            found.begin_with(&spec, &json!({"cents": 500})).await,
            found.begin_with(&spec, &json!({"cents": 999_999})).await,
        ] {
            let (refused, text) = error(refused);
            assert!(is_refused(&refused), "{what}: {text}");
        }
        assert_eq!(state(&manager, id).await, ExecutionState::NotStarted, "{what}");
    }
}

#[tokio::test]
async fn an_altered_row_is_handed_to_no_worker() {
    let manager = unattended();
    let mut altered = Vec::new();
    for (_, change) in changes() {
        let id = approved(&manager).await;
        alter(&manager, id, change).await;
        altered.push(id);
    }
    let (ran, mut runs) = mpsc::unbounded_channel();
    let worker = manager.on_approved(call().spec(), move |_: Refund, grant| {
        ran.send(grant.request().id).unwrap();
        async { Ok::<_, String>(()) }
    });
    let good = approved(&manager).await;
    assert_eq!(soon(runs.recv()).await, Some(good));
    manager.advance(seconds(10)).await;
    soon(worker.stop()).await;
    assert!(runs.try_recv().is_err());
    for id in altered {
        assert_eq!(state(&manager, id).await, ExecutionState::NotStarted);
    }
}

#[tokio::test]
async fn a_call_under_the_key_of_an_altered_row_does_not_run() {
    for (what, change) in changes() {
        let manager = unattended();
        let id = manager.request(call().key("A-17")).await.unwrap().detach();
        manager.approve(id, ANN).await.unwrap();
        alter(&manager, id, change).await;
        let runs = Runs::default();
        let (_, text) = error(soon(runs.run(&manager, call().key("A-17"))).await);
        assert_eq!(runs.count(), 0, "{what}: {text}");
    }
}

#[tokio::test]
async fn an_altered_row_is_not_approved_edited_or_tried_again() {
    let manager = unattended();
    let open = async || manager.request(call()).await.unwrap().detach();
    let (voted, edited, rejected) = (open().await, open().await, open().await);
    manager.reject(rejected, ANN, "too much").await.unwrap();
    for id in [voted, edited, rejected] {
        alter(&manager, id, |request| {
            request.revision.arguments = parse_canonical(r#"{"cents":500,"to":"mallory"}"#).unwrap();
        })
        .await;
    }
    let (refused, text) = error(manager.approve(voted, ANN).await);
    assert!(is_refused(&refused), "{text}");
    let seen = manager.get(edited).await.unwrap();
    let edit = Edit { path: "cents".into(), value: to_canonical(&400).unwrap() };
    let (refused, text) =
        error(manager.decider("test").approve_edited(&seen, &person(BOB), vec![edit], None).await);
    assert!(is_refused(&refused), "{text}");
    let (refused, text) = error(manager.retry(rejected).await);
    assert!(is_refused(&refused), "{text}");
    assert!(text.contains("changed by another program"), "{text}");
    // What stops it still works.
    assert_eq!(manager.reject(voted, ANN, "altered").await.unwrap().status, Status::Rejected);
    assert_eq!(manager.cancel(edited, &person(ANN), "altered").await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn the_result_of_an_altered_row_is_not_replayed() {
    let manager = unattended();
    let replaying = || call_with(|action| Ok(action.replay())).key("A-17");
    let id = manager.request(replaying()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let runs = Runs::default();
    let first: Value = soon(runs.run(&manager, replaying())).await.unwrap();
    assert_eq!(soon(runs.run(&manager, replaying())).await.unwrap(), first);
    alter(&manager, id, |request| request.revision.arguments = more()).await;
    let (refused, text) = error(soon(runs.run(&manager, replaying())).await);
    assert!(is_refused(&refused), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn a_call_does_not_follow_an_altered_row() {
    let manager = unattended();
    let short = || call_with(|action| Ok(action.timeout(seconds(60)))).key("k");
    let id = manager.request(short()).await.unwrap().detach();
    manager.advance(seconds(61)).await;
    assert_eq!(manager.get(id).await.unwrap().status, Status::Expired);
    alter(&manager, id, |request| request.revision.arguments = more()).await;
    for _ in 0..2 {
        let (refused, text) = error(manager.request(short()).await);
        assert!(is_refused(&refused), "{text}");
    }
    assert_eq!(manager.list(&approval_core::store::Query::default()).await.unwrap().items.len(), 1);
}
