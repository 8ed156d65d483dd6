//! Several managers on one store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use approval_core::{
    ApprovalManager, Principal, RequestId,
    model::{Decision, NoticeKind},
    notify::{Capabilities, Delivered, Notice, Notifier, NotifyError},
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;
use approval_tests::random::Random;
use async_trait::async_trait;

/// The decision that the latest notice of a kind told, by request.
type Told = HashMap<RequestId, Vec<(NoticeKind, Option<Arc<Decision>>)>>;

/// A channel that takes everything down.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Told>);

#[async_trait]
impl Notifier for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells()
    }

    fn reaches(&self, _: &Principal) -> bool {
        true
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        if matches!(notice.kind, NoticeKind::Outcome | NoticeKind::Closed) {
            let mut told = self.0.lock().expect("nobody panics with it");
            told.entry(notice.request.id).or_default().push((notice.kind, notice.request.decision.clone()));
        }
        Ok(Delivered::default())
    }
}

/// Several managers on one store, one clock for all, and what they sent.
#[derive(Debug)]
pub struct House {
    pub managers: Vec<ApprovalManager>,
    pub clock: FakeClock,
    recorder: Arc<Recorder>,
    /// What was decided, for comparing with the notices at the end.
    decided: Mutex<HashMap<RequestId, Arc<Decision>>>,
    _folder: Option<tempfile::TempDir>,
}

impl House {
    /// Managers that share a store in memory.
    pub fn in_memory(managers: usize) -> Self {
        let clock = FakeClock::new();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
        Self::new((0..managers).map(|_| Arc::clone(&store)), clock, None)
    }

    /// Managers with a store each, all on one file.
    pub fn in_one_file(managers: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = FakeClock::new();
        let open = |_| -> Arc<dyn Store> {
            let store = SqliteStore::builder(folder.path().join("approvals.db"));
            Arc::new(store.clock(Arc::new(clock.clone())).open().expect("an SQLite store"))
        };
        let stores: Vec<_> = (0..managers).map(open).collect();
        Self::new(stores, clock.clone(), Some(folder))
    }

    /// Managers with a store each, all on one schema of a server.
    pub async fn in_one_schema(managers: usize) -> Self {
        let (place, clock) = (approval_tests::postgres::Place::new(), FakeClock::new());
        let open = || place.open(Arc::new(clock.clone()));
        let stores = futures_util::future::join_all((0..managers).map(|_| open())).await;
        Self::new(stores, clock.clone(), None)
    }

    fn new(
        stores: impl IntoIterator<Item = Arc<dyn Store>>,
        clock: FakeClock,
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        let recorder = Arc::new(Recorder::default());
        let manager = |store| {
            ApprovalManager::builder()
                .shared_store(store)
                .clock(Arc::new(clock.clone()))
                .agent("contest")
                .shared_notifier(Arc::clone(&recorder) as _)
                .unattended()
                .build()
                .expect("a manager")
        };
        let managers = stores.into_iter().map(manager).collect();
        Self { managers, clock, recorder, decided: Mutex::default(), _folder: folder }
    }

    /// One of the managers.
    pub fn any(&self, random: &mut Random) -> &ApprovalManager {
        random.one(&self.managers)
    }

    /// This is how a request was decided.
    pub fn decided(&self, id: RequestId, decision: &Arc<Decision>) {
        self.decided.lock().expect("nobody panics with it").insert(id, Arc::clone(decision));
    }

    /// Waits until the notices of every decided request were sent, and holds them against the decisions.
    pub async fn notices_agree(&self) {
        let decided = self.decided.lock().expect("nobody panics with it").clone();
        let all_sent = async {
            for id in decided.keys() {
                while !self.outcome_told(*id) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), all_sent)
            .await
            .expect("every requester is told the outcome");
        let told = self.recorder.0.lock().expect("nobody panics with it");
        for (id, notices) in &*told {
            let decision = decided.get(id).expect("nothing else was decided");
            for (kind, told) in notices {
                assert_eq!(told.as_ref(), Some(decision), "{id}: a notice ({kind:?}) tells something else");
            }
        }
    }

    fn outcome_told(&self, id: RequestId) -> bool {
        let told = self.recorder.0.lock().expect("nobody panics with it");
        told.get(&id).is_some_and(|notices| notices.iter().any(|(kind, _)| *kind == NoticeKind::Outcome))
    }

    pub async fn close(self) {
        for manager in &self.managers {
            manager.shutdown().await.expect("it can be shut down");
        }
        for manager in &self.managers {
            manager.store().close().await.expect("it can be closed");
        }
    }
}
