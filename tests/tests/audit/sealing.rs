//! Sealing as it goes on: in time, by one of several, into places that fail.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use approval_core::{
    ApprovalManager, SystemClock,
    audit::{
        AuditError, Breach, FileSink, Seal, SealRef, SealSink, Sealer, Sealing, SinkError, VerifyOptions,
        verify_store,
    },
    clock::Span,
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;
use async_trait::async_trait;

use crate::common::{Key, decided, fill, lenient, manager, seals};

/// A place that can be made to fail.
#[derive(Clone, Debug, Default)]
struct Flaky {
    broken: Arc<AtomicBool>,
    held: Arc<Mutex<Vec<Seal>>>,
}

impl Flaky {
    fn held(&self) -> Vec<Seal> {
        self.held.lock().unwrap().clone()
    }

    fn check(&self) -> Result<(), SinkError> {
        if self.broken.load(Ordering::SeqCst) { Err(SinkError::new("no such bucket")) } else { Ok(()) }
    }
}

#[async_trait]
impl SealSink for Flaky {
    fn name(&self) -> &str {
        "bucket"
    }

    async fn last(&self) -> Result<Option<SealRef>, SinkError> {
        self.check()?;
        Ok(self.held.lock().unwrap().last().map(Seal::reference))
    }

    async fn write(&self, seals: &[Seal]) -> Result<(), SinkError> {
        self.check()?;
        self.held.lock().unwrap().extend_from_slice(seals);
        Ok(())
    }
}

fn sealing_manager(store: &Arc<dyn Store>, clock: &FakeClock, sealing: Sealing) -> ApprovalManager {
    ApprovalManager::builder()
        .shared_store(Arc::clone(store))
        .clock(Arc::new(clock.clone()))
        .agent("agent")
        .seal(sealing)
        .unattended()
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_event_is_sealed_within_the_interval_and_the_rest_when_the_manager_stops() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let key = Key::new();
    let sink = Flaky::default();
    let manager = sealing_manager(&store, &clock, key.sealing().sink(sink.clone()));
    let mut expected = 0;
    for number in 1..=3 {
        decided(&manager, number).await;
        expected += 4;
        // One interval, in two steps: the seal before may have been made a moment ago.
        for _ in 0..2 {
            clock.advance_and_settle(Span::from_secs(30)).await;
        }
        let report = verify_store(&*store, key.options()).await.unwrap().unwrap();
        assert_eq!((report.events, report.unsealed), (expected, 0));
    }
    decided(&manager, 4).await;
    assert_eq!(verify_store(&*store, key.options()).await.unwrap().unwrap().unsealed, 4);
    manager.shutdown().await.unwrap();
    let report = verify_store(&*store, key.options()).await.unwrap().unwrap();
    assert_eq!((report.events, report.unsealed), (16, 0));
    assert_eq!(sink.held(), seals(&*store).await);
}

#[tokio::test]
async fn a_place_for_seals_that_fails_changes_nothing_and_gets_them_later() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let sink = Flaky::default();
    sink.broken.store(true, Ordering::SeqCst);
    let manager = sealing_manager(&store, &clock, Sealing::new().sink(sink.clone()));
    decided(&manager, 1).await;
    let sealer = Sealer::new(Arc::clone(&store), Sealing::new().sink(sink.clone()));
    let sealed = sealer.seal().await.unwrap();
    assert_eq!(sealed.behind.len(), 1);
    assert!(sealed.behind[0].1.to_string().contains("no such bucket"));
    decided(&manager, 2).await;
    assert_eq!(verify_store(&*store, lenient()).await.unwrap().unwrap().events, 8);
    sink.broken.store(false, Ordering::SeqCst);
    // A failed place is tried again after ten seconds.
    clock.advance_and_settle(Span::from_secs(10)).await;
    assert!(!sink.held().is_empty());
    assert_eq!(sink.held(), seals(&*store).await);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_begins_to_sign_later_signs_for_what_was_before_and_cannot_stop_unnoticed() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = manager(&store, Arc::new(SystemClock));
    let key = Key::new();
    let verify = async || verify_store(&*store, key.options()).await.unwrap();
    let unsigned = Sealer::new(Arc::clone(&store), Sealing::new());
    for number in 1..=2 {
        decided(&manager, number).await;
        unsigned.seal().await.unwrap();
    }
    assert_eq!(verify().await.unwrap_err(), Breach::NotSigned { number: 1 });
    decided(&manager, 3).await;
    Sealer::new(Arc::clone(&store), key.sealing()).seal().await.unwrap();
    let report = verify().await.unwrap();
    assert_eq!((report.seals, report.signed), (3, 1));
    decided(&manager, 4).await;
    let error = unsigned.seal().await.unwrap_err();
    assert!(matches!(error, AuditError::KeyMissing { .. }), "{error}");
    assert_eq!(seals(&*store).await.len(), 3);
}

/// A place that takes seals and never says so.
#[derive(Debug)]
struct Hanging;

#[async_trait]
impl SealSink for Hanging {
    fn name(&self) -> &str {
        "a dead machine"
    }

    async fn last(&self) -> Result<Option<SealRef>, SinkError> {
        Ok(None)
    }

    async fn write(&self, _: &[Seal]) -> Result<(), SinkError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_place_for_seals_that_hangs_keeps_nothing_waiting() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let sink = Flaky::default();
    let manager = sealing_manager(&store, &clock, Sealing::new().sink(Hanging).sink(sink.clone()));
    for number in 1..=2 {
        decided(&manager, number).await;
        for _ in 0..2 {
            clock.advance_and_settle(Span::from_secs(30)).await;
        }
        let report = verify_store(&*store, lenient()).await.unwrap().unwrap();
        assert_eq!(report.unsealed, 0);
        assert_eq!(sink.held(), seals(&*store).await);
    }
    let (done, ()) = futures_util::join!(manager.shutdown(), async {
        clock.settle().await;
        clock.advance(Span::from_secs(10));
    });
    done.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_seal_one_store_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let copy = folder.path().join("seals.jsonl");
    let key = Key::new();
    let mut tasks = Vec::new();
    for of in 0..4 {
        // As processes of their own would.
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).unwrap());
        let sealer = Sealer::new(Arc::clone(&store), key.sealing().sink(FileSink::new(&copy)));
        tasks.push(tokio::spawn(async move {
            let manager = manager(&store, Arc::new(SystemClock));
            for number in 0..6 {
                decided(&manager, of * 10 + number).await;
                let sealed = sealer.seal().await.unwrap();
                assert!(sealed.behind.is_empty(), "{:?}", sealed.behind);
            }
            // The line that says by which rules it started may come late.
            manager.shutdown().await.unwrap();
            sealer.seal().await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).unwrap());
    let held = FileSink::read(&copy).unwrap();
    assert_eq!(held, seals(&*store).await);
    let report = verify_store(&*store, VerifyOptions { held, ..key.options() }).await.unwrap().unwrap();
    assert_eq!((report.requests, report.events, report.unsealed), (24, 96, 0));
}

#[tokio::test]
async fn a_file_of_seals_goes_on_after_a_kill_in_the_middle_of_a_line_and_after_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("seals.jsonl");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let key = Key::new();
    fill(&store, Arc::new(SystemClock), &key, 20).await;
    // The process that made these seals was killed before it wrote them elsewhere, or in the middle of it.
    let all = seals(&*store).await;
    let whole: Vec<String> = all.iter().map(|seal| seal.line().unwrap() + "\n").collect();
    for kept in [0, 1, all.len() - 1] {
        for torn in [0, 1, whole[kept].len() - 1] {
            std::fs::write(&copy, whole[..kept].concat() + &whole[kept][..torn]).unwrap();
            let sealer = Sealer::new(Arc::clone(&store), key.sealing().sink(FileSink::new(&copy)));
            let sealed = sealer.seal().await.unwrap();
            assert!(sealed.behind.is_empty(), "{:?}", sealed.behind);
            assert_eq!(FileSink::read(&copy).unwrap(), all, "{kept} whole, {torn} bytes of the next");
        }
    }
}

#[tokio::test]
async fn a_store_that_was_rolled_back_is_not_written_over_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("seals.jsonl");
    let key = Key::new();
    let sealer =
        |store: &Arc<dyn Store>| Sealer::new(Arc::clone(store), key.sealing().sink(FileSink::new(&copy)));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    fill(&store, Arc::new(SystemClock), &key, 10).await;
    sealer(&store).seal().await.unwrap();
    let before = std::fs::read(&copy).unwrap();

    let empty: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new());
    fill(&other, Arc::new(SystemClock), &key, 30).await;
    for (store, found) in [(empty, "no such seal"), (other, "another one")] {
        let sealed = sealer(&store).seal().await.unwrap();
        let error = sealed.behind[0].1.to_string();
        assert!(error.contains(found) && error.contains("rolled back, emptied or rewritten"), "{error}");
        assert_eq!(std::fs::read(&copy).unwrap(), before);
    }
}
