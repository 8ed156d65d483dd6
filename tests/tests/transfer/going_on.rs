//! A manager on the target goes on where the source stopped.

use std::sync::Arc;

use approval_core::{
    ApprovalError,
    audit::{Sealer, read_seals},
    clock::Span,
    model::{Delivery, ExecutionState, Status},
    notify::HandlerReply,
};
use approval_testkit::TestManager;

use crate::scene::{
    ANN, BOB, Place, Scene, call, configure, empty, in_doubt, manager, read, sealing, verified,
};

async fn the_target_goes_on(from: Place, to: Place) {
    let scene = Scene::new(from).await;
    let (target, _folder) = empty(to, &scene.clock).await;
    scene.transfer(&target).copy().await.unwrap();
    let people = manager(&target, &scene.clock);

    // What waits is decided, by the same key it is the same request, and other arguments are an error.
    let again = people.request(call("mail.send", 19).key("asked")).await.unwrap();
    assert_eq!(again.detach(), scene.pending);
    let other = people.request(call("mail.send", 20).key("asked")).await.unwrap_err();
    assert!(matches!(other, ApprovalError::KeyConflict { .. }), "{other}");
    assert_eq!(people.approve(scene.pending, ANN).await.unwrap().status, Status::Approved);

    // A grant is spent once, and what ran does not run again.
    let approved = people.request(call("payments.refund", 13).key("paid")).await.unwrap();
    assert_eq!(approved.id(), scene.approved);
    let execution = approved.await.unwrap().begin().await.unwrap();
    execution.succeeded(None).await;
    let spent = people.request(call("payments.refund", 13).key("paid")).await.unwrap().await;
    assert!(spent.unwrap().begin().await.is_err());
    let state = async |id| people.get(id).await.unwrap().execution.as_ref().unwrap().state();
    assert_eq!(state(scene.approved).await, ExecutionState::Succeeded);
    assert_eq!(state(scene.succeeded).await, ExecutionState::Succeeded);

    // The standing approval has three uses left, the budget room for no third read, and the halt holds.
    let covered = people.request(call("reports.send", 50)).await.unwrap();
    assert_eq!(covered.request().await.unwrap().status, Status::Approved);
    let standing = people.standing_approvals().await.unwrap().remove(0);
    assert_eq!((standing.used, standing.left()), (2, Some(3)));
    let over = people.guard(read(5)).run(async |_, _| Ok::<_, ApprovalError>(())).await.unwrap_err();
    assert!(matches!(over, ApprovalError::LimitReached { .. }), "{over}");
    let halted = people.request(call("tables.drop", 1)).await.unwrap_err();
    assert!(matches!(halted, ApprovalError::Halted { .. }), "{halted}");

    // The process that ran something is not here: its lease runs out by itself.
    assert_eq!(state(scene.executing).await, ExecutionState::Executing);
    in_doubt(&people, scene.executing).await;

    // Sealing goes on: nothing is passed over, and little is sealed twice.
    let sealer = Sealer::new(Arc::clone(&target), sealing(&scene.signer));
    sealer.seal().await.unwrap();
    let report = verified(&*target, &scene.signer, &scene.held).await;
    assert_eq!(report.unsealed, 0);
    let seals = read_seals(&*target, 0, 100).await.unwrap();
    assert_eq!(seals.len(), scene.held.len() + 1);
    assert_eq!(seals[..scene.held.len()], scene.held);
    for id in [scene.pending, scene.approved, scene.executing] {
        people.verify_history(id).await.unwrap();
        assert!(seals.last().unwrap().leaves.iter().any(|leaf| leaf.request == id));
    }
    people.shutdown().await.unwrap();
}

#[tokio::test]
async fn from_sqlite_to_sqlite_the_target_goes_on() {
    the_target_goes_on(Place::Sqlite, Place::Sqlite).await;
}

#[tokio::test]
async fn from_memory_to_sqlite_the_target_goes_on() {
    the_target_goes_on(Place::Memory, Place::Sqlite).await;
}

#[tokio::test]
async fn from_sqlite_to_postgres_the_target_goes_on() {
    the_target_goes_on(Place::Sqlite, Place::Postgres).await;
}

#[tokio::test]
async fn from_postgres_to_sqlite_the_target_goes_on() {
    the_target_goes_on(Place::Postgres, Place::Sqlite).await;
}

#[tokio::test]
async fn from_sqlite_to_memory_the_target_goes_on() {
    the_target_goes_on(Place::Sqlite, Place::Memory).await;
}

#[tokio::test]
async fn what_seals_cover_is_not_sealed_again() {
    let scene = Scene::new(Place::Sqlite).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let mut many = Vec::new();
    let people = manager(&scene.store, &scene.clock);
    for number in 0..600 {
        many.push(people.request(call("mail.send", 1000 + number)).await.unwrap().detach());
    }
    let sealer = Sealer::new(Arc::clone(&scene.store), sealing(&scene.signer));
    sealer.seal().await.unwrap();
    // One of the oldest grows once more.
    people.reject(many[3], ANN, "no").await.unwrap();
    people.shutdown().await.unwrap();
    scene.transfer(&target).copy().await.unwrap();
    let before = read_seals(&*target, 0, 100).await.unwrap();
    Sealer::new(Arc::clone(&target), sealing(&scene.signer)).seal().await.unwrap();
    let after = read_seals(&*target, 0, 100).await.unwrap();
    assert_eq!(after.len(), before.len() + 1);
    let leaves = &after.last().unwrap().leaves;
    assert!(leaves.iter().any(|leaf| leaf.request == many[3]));
    assert!(leaves.len() <= 257, "{}", leaves.len());
    assert_eq!(verified(&*target, &scene.signer, &before).await.unsealed, 0);
}

#[tokio::test]
async fn a_notice_that_was_claimed_can_be_claimed_in_the_target() {
    let scene = Scene::new(Place::Sqlite).await;
    let store = &scene.store;
    let waits = {
        let found = store.list(&approval_core::store::Query::default()).await.unwrap().items;
        let mut waits = None;
        for stored in found {
            let notices = store.notices(stored.request.id).await.unwrap();
            if notices.iter().any(|notice| matches!(notice.delivery, Delivery::Waiting { .. })) {
                waits = Some(stored.request.id);
            }
        }
        waits.unwrap()
    };
    // A process holds it for an hour.
    scene.clock.advance(Span::from_secs(60));
    let claim = approval_core::store::NoticeClaim {
        namespace: "default".into(),
        owner: approval_core::id::ExecutorId::generate(approval_core::Clock::now(&scene.clock)),
        channels: Arc::new([]),
        lease: Span::from_hours(1),
        limit: 10,
    };
    assert_eq!(store.claim_notices(&claim).await.unwrap().notices.len(), 1);
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    scene.transfer(&target).copy().await.unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let people = TestManager::on(Arc::clone(&target), &scene.clock, |builder| {
        let post = approval_core::notify::handler("post", move |notice| {
            heard.lock().unwrap().push((notice.request.id, notice.to.clone(), notice.attempts));
            async { Ok(HandlerReply::Later) }
        });
        configure(builder).shared_notifier(post)
    })
    .unwrap();
    let mut done = false;
    for _ in 0..2000 {
        done = !told.lock().unwrap().is_empty();
        if done {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(done, "it was delivered");
    assert_eq!(*told.lock().unwrap(), [(waits, crate::scene::person(BOB), 1)]);
    people.shutdown().await.unwrap();
}
