//! What is copied, where to, and what is refused.

use std::sync::{Arc, Mutex, atomic::Ordering};

use approval_core::{
    ApprovalError,
    audit::{Sealer, last_seal},
    clock::Span,
    model::StatsQuery,
    store::{Commit, JournalEntry, RecordName, RecordWrite, Store, StoreError},
    transfer::{Difference, Step, Transfer, TransferError},
};

use crate::{
    cut::{Cut, Last},
    scene::{ANN, Place, Scene, call, empty, everything, manager, read_for, sealing, verified},
};

async fn a_copy_is_equal(from: Place, to: Place) {
    let scene = Scene::new(from).await;
    let (target, _folder) = empty(to, &scene.clock).await;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let transfer = scene.transfer(&target).on_progress(move |progress| seen.lock().unwrap().push(*progress));
    let copying = transfer.clone();
    // It can be spawned.
    let copied = tokio::spawn(async move { copying.copy().await }).await.unwrap().unwrap();

    let (source, copy) = (everything(&*scene.store).await, everything(&*target).await);
    assert_eq!(source, copy);
    assert!(source.len() > 180, "the scene has some of everything: {}", source.len());
    let requests = scene.store.list(&approval_core::store::Query::default()).await.unwrap().items.len();
    assert_eq!(copied.contents.requests, requests as u64);
    assert!(copied.contents.notices == 2 && copied.contents.journal > 0 && copied.contents.records > 5);
    assert!(!copied.before);
    let found = transfer.verify().await.unwrap();
    assert!(found.is_equal(), "{:?}", found.differences);
    assert_eq!((found.equal.events, found.equal.notices), (copied.contents.events, copied.contents.notices));
    assert_eq!(found.equal.journal, copied.contents.journal);

    // The same seals fit both; the same is sealed.
    let report = verified(&*scene.store, &scene.signer, &scene.held).await;
    assert_eq!(verified(&*target, &scene.signer, &scene.held).await, report);
    assert!(report.unsealed > 0 && report.pruned == 3 && report.journal > 0);
    assert_eq!((report.sources, report.without_text.len()), (1, 0), "the rules can be read there too");
    assert_eq!(copied.trail.unwrap().unwrap().events, report.events);

    // Figures but for what retention removed.
    let stats = target.stats(&StatsQuery::default()).await.unwrap().total;
    assert_eq!(stats.pending + stats.decided(), requests as u64);

    let steps = steps.lock().unwrap();
    for step in [Step::Requests, Step::Records, Step::Journal, Step::Comparing, Step::Trail] {
        assert!(steps.iter().any(|progress| progress.step == step), "{step}");
    }
    assert!(steps.iter().any(|progress| progress.step == Step::Requests && progress.done == requests as u64));
}

#[tokio::test]
async fn from_sqlite_to_sqlite_a_copy_is_equal() {
    a_copy_is_equal(Place::Sqlite, Place::Sqlite).await;
}

#[tokio::test]
async fn from_sqlite_to_memory_a_copy_is_equal() {
    a_copy_is_equal(Place::Sqlite, Place::Memory).await;
}

#[tokio::test]
async fn from_sqlite_to_postgres_a_copy_is_equal() {
    a_copy_is_equal(Place::Sqlite, Place::Postgres).await;
}

#[tokio::test]
async fn from_postgres_to_sqlite_a_copy_is_equal() {
    a_copy_is_equal(Place::Postgres, Place::Sqlite).await;
}

#[tokio::test]
async fn from_postgres_to_postgres_a_copy_is_equal() {
    a_copy_is_equal(Place::Postgres, Place::Postgres).await;
}

#[tokio::test]
async fn from_memory_to_sqlite_a_copy_is_equal() {
    a_copy_is_equal(Place::Memory, Place::Sqlite).await;
}

#[tokio::test]
async fn there_and_back_again_it_is_what_it_was() {
    let scene = Scene::new(Place::Memory).await;
    let (there, _folder) = empty(Place::Sqlite, &scene.clock).await;
    let (back, _) = empty(Place::Memory, &scene.clock).await;
    scene.transfer(&there).copy().await.unwrap();
    Transfer::new(Arc::clone(&there), Arc::clone(&back)).copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*back).await);
    verified(&*back, &scene.signer, &scene.held).await;
    // Only what no seal covered is sealed, wherever it went: three histories grew, and a limit let calls run.
    Sealer::new(Arc::clone(&back), sealing(&scene.signer)).seal().await.unwrap();
    assert_eq!(verified(&*back, &scene.signer, &scene.held).await.unsealed, 0);
}

#[tokio::test]
async fn an_empty_store_is_copied_too() {
    let scene = Scene::new(Place::Memory).await;
    let (source, _) = empty(Place::Memory, &scene.clock).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let copied = Transfer::new(Arc::clone(&source), Arc::clone(&target)).copy().await.unwrap();
    assert_eq!(copied.contents.requests, 0);
    assert_eq!(last_seal(&*target).await.unwrap(), None);
    let manager = manager(&target, &scene.clock);
    drop(manager.request(call("mail.send", 1)).await.unwrap());
}

#[tokio::test]
async fn done_twice_it_does_nothing_the_second_time() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let first = scene.transfer(&target).copy().await.unwrap();
    // The target is at work by now; a second copy must not touch it.
    let people = manager(&target, &scene.clock);
    people.reject(scene.pending, ANN, "no").await.unwrap();
    people.shutdown().await.unwrap();
    let before = everything(&*target).await;
    let again = scene.transfer(&target).copy().await.unwrap();
    assert_eq!((again.before, again.at), (true, first.at));
    assert_eq!(everything(&*target).await, before);
    // Comparing them tells what has changed since.
    let found = scene.transfer(&target).verify().await.unwrap();
    assert_eq!(found.differences.first(), Some(&Difference::History(scene.pending, 2)), "{found:?}");
}

#[tokio::test]
async fn a_target_that_holds_anything_is_refused_and_left_as_it_is() {
    let scene = Scene::new(Place::Memory).await;
    let record = RecordWrite { name: RecordName::new("limit/x"), value: Some(b"1".to_vec()) };
    let journal = scene.store.read_journal(0, 1).await.unwrap().remove(0);
    for what in ["requests", "records", "lines of a journal"] {
        let (target, _) = empty(Place::Memory, &scene.clock).await;
        match what {
            "requests" => drop(manager(&target, &scene.clock).request(call("a.b", 1)).await.unwrap()),
            "records" => {
                let writes = vec![record.clone()];
                target.commit(Commit { writes, ..Commit::default() }).await.unwrap();
            }
            _ => target.append_journal(vec![journal.line.clone()]).await.unwrap(),
        }
        let before = everything(&*target).await;
        let error = scene.transfer(&target).copy().await.unwrap_err();
        assert!(matches!(&error, TransferError::NotEmpty { what: found } if *found == what), "{error}");
        assert!(error.to_string().contains(what) && !error.can_resume(), "{error}");
        assert_eq!(everything(&*target).await, before);
        assert!(target.record(&RecordName::new("copy/target")).await.unwrap().is_none());
    }
    let error = scene.transfer(&scene.store).copy().await.unwrap_err();
    assert!(matches!(error, TransferError::SameStore), "{error}");
}

#[tokio::test]
async fn half_a_copy_goes_on_from_its_own_source_alone() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let line: Arc<dyn Store> = Cut::after(&target, 5, Last::Lost);
    let error = scene.transfer(&line).copy().await.unwrap_err();
    assert!(matches!(error, TransferError::Target(_)) && error.can_resume(), "{error}");
    let other = Transfer::new(Arc::clone(&scene.store), Arc::clone(&target)).source("another source");
    let error = other.copy().await.unwrap_err();
    assert!(matches!(error, TransferError::OtherSource { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("the source") && text.contains("another source"), "{text}");
    // Nor is half a copy something to copy from, or to compare with.
    let (third, _) = empty(Place::Memory, &scene.clock).await;
    let half = Transfer::new(Arc::clone(&target), third);
    assert!(matches!(half.copy().await, Err(TransferError::Source(StoreError::HalfCopied { .. }))));
    let found = scene.transfer(&target).verify().await;
    assert!(matches!(found, Err(TransferError::Target(StoreError::HalfCopied { .. }))));
}

#[tokio::test]
async fn half_a_copy_lets_nothing_happen() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let all = {
        let (other, _) = empty(Place::Memory, &scene.clock).await;
        let counted = Cut::counting(&other);
        scene.transfer(&(Arc::clone(&counted) as Arc<dyn Store>)).copy().await.unwrap();
        counted.writes()
    };
    // Everything but the last write.
    let line: Arc<dyn Store> = Cut::after(&target, all - 1, Last::Lost);
    scene.transfer(&line).copy().await.unwrap_err();
    let before = what_stands(&*target).await;

    let people = manager(&target, &scene.clock);
    let refused = |error: ApprovalError| {
        let text = error.to_string();
        assert!(text.contains("half a copy of the source"), "{text}");
        assert!(text.contains("approvals store copy"), "{text}");
    };
    refused(people.request(call("mail.send", 40)).await.unwrap_err());
    refused(people.approve(scene.pending, ANN).await.unwrap_err());
    refused(people.request(call("payments.refund", 13).key("paid")).await.unwrap_err());
    refused(
        people.guard(read_for(3, "0.10 USD")).run(async |_, _| Ok::<_, ApprovalError>(())).await.unwrap_err(),
    );
    assert!(Sealer::new(Arc::clone(&target), sealing(&scene.signer)).seal().await.is_err());
    people.advance(Span::from_secs(120)).await;
    people.shutdown().await.unwrap();
    assert_eq!(what_stands(&*target).await, before, "not even a lease was taken away");

    scene.transfer(&target).copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
}

/// Records and where requests stand, the counters of limits aside: a call that is not let run counts all the same, and the
/// copy puts that right.
async fn what_stands(store: &dyn Store) -> String {
    let records = store.records("", None, 10_000).await.unwrap().into_iter();
    let records = records.filter(|record| !record.name.as_str().starts_with("limit/"));
    let records: Vec<_> = records.map(|record| (record.name, record.version)).collect();
    let requests = store.list(&approval_core::store::Query::default()).await.unwrap().items;
    let versions: Vec<_> = requests.iter().map(|stored| (stored.request.id, stored.version)).collect();
    format!("{records:?} {versions:?} {:?}", store.read_journal(0, 1000).await.unwrap())
}

#[tokio::test]
async fn time_does_not_go_back() {
    let scene = Scene::new(Place::Memory).await;
    let slow = approval_testkit::FakeClock::at("2026-03-01T00:00:00Z");
    let (target, _) = empty(Place::Memory, &slow).await;
    let error = scene.transfer(&target).copy().await.unwrap_err();
    assert!(matches!(error, TransferError::ClockBehind { .. }) && error.can_resume(), "{error}");
    // A little behind is behind too, in the end.
    slow.set(approval_core::clock::after(approval_core::Clock::now(&scene.clock), -Span::from_secs(5)));
    let error = scene.transfer(&target).copy().await.unwrap_err();
    assert!(matches!(error, TransferError::ClockBehind { .. }), "{error}");
    slow.advance(Span::from_secs(5));
    scene.transfer(&target).copy().await.unwrap();
    assert_eq!(everything(&*scene.store).await, everything(&*target).await);
}

#[tokio::test]
async fn no_commit_takes_more_rows_than_a_key_value_service_does() {
    let scene = Scene::new(Place::Memory).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let line = Cut::whole(&target);
    scene.transfer(&(Arc::clone(&line) as Arc<dyn Store>)).copy().await.unwrap();
    let most = line.most_rows.load(Ordering::SeqCst);
    assert!((40..=64).contains(&most), "{most}");
    assert_eq!(target.history(scene.long).await.unwrap().len(), 131);
}

#[tokio::test]
async fn a_journal_keeps_its_numbers_or_is_not_copied() {
    let scene = Scene::new(Place::Memory).await;
    let (source, _) = empty(Place::Memory, &scene.clock).await;
    let line = scene.store.read_journal(0, 1).await.unwrap().remove(0).line;
    let entries = [3, 4, 9].map(|number| JournalEntry { number, line: line.clone() });
    source.import_journal(entries.to_vec()).await.unwrap();
    assert!(source.import_journal(entries.to_vec()).await.is_err(), "numbers count up");
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    Transfer::new(Arc::clone(&source), Arc::clone(&target)).copy().await.unwrap();
    assert_eq!(target.read_journal(0, 10).await.unwrap(), entries);
    target.append_journal(vec![line]).await.unwrap();
    assert_eq!(target.read_journal(9, 10).await.unwrap()[0].number, 10);
}

#[tokio::test]
async fn every_difference_is_told() {
    let scene = Scene::new(Place::Sqlite).await;
    let (target, _) = empty(Place::Memory, &scene.clock).await;
    let transfer = scene.transfer(&target);
    transfer.copy().await.unwrap();
    let first = async || {
        let found = transfer.verify().await.unwrap();
        assert_eq!(found.different, found.differences.len() as u64);
        found.differences
    };
    let put = async |name: &str, value: Option<&str>| {
        let name = RecordName::new(name);
        let writes = vec![RecordWrite { name, value: value.map(|value| value.as_bytes().to_vec()) }];
        target.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    };
    assert_eq!(first().await, []);
    put("zzz", Some("1")).await;
    put("halt/default", Some("[]")).await;
    let names = ["halt/default", "zzz"].map(|name| Difference::Record(RecordName::new(name)));
    assert_eq!(first().await, names);
    put("zzz", None).await;
    let halts = scene.store.record(&RecordName::new("halt/default")).await.unwrap().unwrap().value;
    put("halt/default", Some(std::str::from_utf8(&halts).unwrap())).await;
    assert_eq!(first().await, []);

    let stored = target.load(scene.pending).await.unwrap().unwrap();
    let removal = approval_core::store::Removal { request: scene.pending, version: stored.version };
    target.remove(removal).await.unwrap();
    assert_eq!(first().await, [Difference::Missing(scene.pending)]);
    let mut changed = (*stored.request).clone();
    changed.priority = approval_core::Priority::Critical;
    let lines = scene.store.history(scene.pending).await.unwrap();
    let row = approval_core::store::RowWrite {
        expect: approval_core::store::Expect::Absent,
        document: approval_core::store::Document::new(Arc::new(changed)),
    };
    target.commit(Commit { row: Some(row), events: lines, ..Commit::default() }).await.unwrap();
    assert_eq!(first().await, [Difference::Document(scene.pending)]);
    let line = scene.store.read_journal(0, 1).await.unwrap().remove(0).line;
    target.append_journal(vec![line]).await.unwrap();
    let next = scene.store.read_journal(0, 100).await.unwrap().len() as u64 + 1;
    assert_eq!(first().await, [Difference::Document(scene.pending), Difference::Journal(next)]);
    for difference in first().await {
        assert!(difference.to_string().contains("another one in the copy"), "{difference}");
    }
}
