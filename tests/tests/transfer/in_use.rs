//! A source that changes while it is copied.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use approval_core::{
    audit::{Retention, Sealer, prune},
    clock::{Clock, Span},
    model::HaltScope,
    store::Store,
    transfer::{Difference, Step, TransferError},
};
use futures_util::FutureExt;

use crate::{
    cut::{Cut, Last},
    scene::{ANN, BOB, Place, Scene, call, empty, everything, manager, person, sealing, verified},
};

#[tokio::test]
async fn what_changed_between_two_runs_is_copied_again() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let writes = {
        let (other, _) = empty(Place::Memory, &scene.clock).await;
        let counted = Cut::counting(&other);
        scene.transfer(&(Arc::clone(&counted) as Arc<dyn Store>)).copy().await.unwrap();
        counted.writes()
    };
    // Everything was copied but the last words.
    let line: Arc<dyn Store> = Cut::after(&target, writes - 1, Last::Lost);
    scene.transfer(&line).copy().await.unwrap_err();

    // The service ran on for a while.
    let people = manager(&scene.store, &scene.clock);
    people.approve(scene.pending, ANN).await.unwrap();
    people.comment(scene.long, &person(BOB), "and then").await.unwrap();
    drop(people.request(call("mail.send", 77).key("new")).await.unwrap());
    people.resume(&people.halts().await.unwrap().0[0].scope.clone(), &person(ANN)).await.unwrap();
    people.halt(HaltScope::Everything, &person(ANN), "moving").await.unwrap();
    people
        .guard(crate::scene::read(9))
        .run(async |_, _| Ok::<_, approval_core::ApprovalError>(()))
        .await
        .unwrap_err();
    scene.clock.advance(Span::from_secs(60));
    people.shutdown().await.unwrap();
    let sealer = Sealer::new(Arc::clone(&scene.store), sealing(&scene.signer));
    sealer.seal().await.unwrap();
    let pruned = prune(&*scene.store, &sealer, Retention { before: scene.clock.now() }).await.unwrap();
    assert!(pruned.removed > 0);

    scene.transfer(&target).copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
    verified(&*target, &scene.signer, &scene.held).await;
}

#[tokio::test]
async fn what_changes_while_it_is_copied_is_copied_again() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let line = scene.store.read_journal(0, 1).await.unwrap().remove(0).line;
    let (source, once) = (Arc::clone(&scene.store), AtomicBool::new(false));
    let transfer = scene.transfer(&target).on_progress(move |progress| {
        if progress.step == Step::Comparing && !once.swap(true, Ordering::SeqCst) {
            source.append_journal(vec![line.clone()]).now_or_never().unwrap().unwrap();
        }
    });
    transfer.copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
}

#[tokio::test]
async fn a_source_that_keeps_changing_is_told() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let people = manager(&scene.store, &scene.clock);
    let (source, numbers) = (people.clone(), AtomicUsize::new(100));
    // A request is opened each time that the copy thinks that it has seen them all.
    let transfer = scene.transfer(&target).on_progress(move |progress| {
        if progress.step == Step::Comparing {
            let number = numbers.fetch_add(1, Ordering::SeqCst);
            drop(source.request(call("mail.send", number)).now_or_never().unwrap().unwrap());
        }
    });
    let error = transfer.copy().await.unwrap_err();
    assert!(matches!(error, TransferError::SourceInUse) && error.can_resume(), "{error}");
    assert!(error.to_string().contains("stop what works with it"), "{error}");
    people.shutdown().await.unwrap();
    // Once it is still, it can be finished.
    scene.transfer(&target).copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
}

#[tokio::test]
async fn a_history_that_was_changed_is_not_copied_over() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let line: Arc<dyn Store> = Cut::after(&target, 12, Last::Lost);
    scene.transfer(&line).copy().await.unwrap_err();
    // Somebody rewrites the source: the second line of a request that was copied.
    let page = target.list(&approval_core::store::Query::default()).await.unwrap();
    let id = page.items.iter().find(|stored| stored.request.chain.count > 1).unwrap().request.id;
    rewrite(&*scene.store, id).await;
    let error = scene.transfer(&target).copy().await.unwrap_err();
    assert!(
        matches!(&error, TransferError::Differs(Difference::History(found, 2)) if *found == id),
        "{error}"
    );
    assert!(!error.can_resume(), "{error}");
}

#[tokio::test]
async fn a_breach_is_copied_and_told() {
    let scene = Scene::new(Place::Memory).await;
    rewrite(&*scene.store, scene.long).await;
    let (target, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let copied = scene.transfer(&target).copy().await.unwrap();
    let breach = copied.trail.unwrap().unwrap_err();
    assert!(breach.to_string().contains(&scene.long.to_string()), "{breach}");
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
}

/// Somebody puts other words into the second line of a history.
async fn rewrite(store: &dyn Store, id: approval_core::RequestId) {
    let stored = store.load(id).await.unwrap().unwrap();
    let mut lines = store.history(id).await.unwrap();
    lines[1].text = lines[1].text.replace(ANN, BOB).into();
    store.remove(approval_core::store::Removal { request: id, version: stored.version }).await.unwrap();
    let row = approval_core::store::RowWrite {
        expect: approval_core::store::Expect::Absent,
        document: approval_core::store::Document::new(stored.request),
    };
    let commit = approval_core::store::Commit { row: Some(row), events: lines, ..Default::default() };
    store.commit(commit).await.unwrap();
}
