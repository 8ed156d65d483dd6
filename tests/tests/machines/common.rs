//! What these tests look at when all is over.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use approval_core::{
    audit::{VerifyOptions, verify_store},
    model::{EventKind, Execution, Request, Status},
    store::{Query, Store},
};
use approval_store::PostgresStore;
use approval_tests::{
    crash::bodies::Bodies,
    machine::{Machine, Orders, Role, Said},
};
use tempfile::TempDir;

/// How long something that must happen may take; far more than a slow machine needs.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// The program of a machine.
pub const MACHINE: &str = env!("CARGO_BIN_EXE_machine");

/// A database, and where bodies leave their marks.
pub struct Scene {
    pub url: String,
    folder: TempDir,
}

impl Scene {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn bodies(&self) -> PathBuf {
        self.folder.path().join("bodies")
    }

    fn orders(&self, role: Role) -> Orders {
        Orders { url: self.url.clone(), patience: 120, clock_off: 0, role }
    }

    pub fn agent(&self, prefix: &str, (first, count): (usize, usize), lanes: usize) -> Orders {
        let prefix = prefix.to_owned();
        self.orders(Role::Agent { prefix, first, count, lanes, bodies: self.bodies() })
    }

    pub fn decider(&self) -> Orders {
        self.orders(Role::Decider)
    }

    pub fn caretaker(&self) -> Orders {
        self.orders(Role::Caretaker)
    }

    /// The store, as one more process opens it.
    pub async fn store(&self) -> Arc<dyn Store> {
        let store = PostgresStore::builder(&self.url).patience(Duration::from_mins(2)).connect().await;
        Arc::new(store.expect("the store can be opened"))
    }

    /// Every request, by its key, each with a sound history in which it is opened, decided and begun once.
    pub async fn requests(&self) -> BTreeMap<String, Arc<Request>> {
        let store = self.store().await;
        let trail = verify_store(&*store, VerifyOptions::default()).await;
        trail.expect("a readable store").expect("a sound trail");
        let mut found = BTreeMap::new();
        let mut query = Query { limit: 1000, ..Query::default() };
        loop {
            let page = store.list(&query).await.expect("a readable store");
            for stored in page.items {
                let request = stored.request;
                check_history(&*store, &request).await;
                let key = argument(&request, "key");
                let twice = found.insert(key.clone(), request);
                assert!(twice.is_none(), "{key}: two requests for one key");
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        store.close().await.expect("it can be closed");
        found
    }

    /// Every body ran at most once, and only for a request whose grant is spent.
    pub fn check_bodies(&self, found: &BTreeMap<String, Arc<Request>>) {
        let runs = Bodies::new(&self.bodies()).runs();
        for (key, request) in found {
            let ran = runs.get(&request.id).copied().unwrap_or_default();
            assert!(ran <= 1, "{key}: the body ran {ran} times");
            if matches!(request.execution.as_deref(), Some(Execution::Succeeded { .. })) {
                assert_eq!(ran, 1, "{key} succeeded, and its body never ran");
            }
        }
        let known = found.values().filter(|request| runs.contains_key(&request.id)).count();
        assert_eq!(known, runs.len(), "a body ran for a request that is not there");
    }
}

/// A text among the arguments.
pub fn argument(request: &Request, name: &str) -> String {
    let arguments: serde_json::Value =
        serde_json::from_str(request.revision.arguments.as_str()).expect("arguments are JSON");
    arguments[name].as_str().unwrap_or_default().to_owned()
}

async fn check_history(store: &dyn Store, request: &Request) {
    let lines = store.history(request.id).await.expect("a readable store");
    let events: Vec<_> = lines.iter().map(|line| line.event().expect("a line is an event")).collect();
    let count = |matches: fn(&EventKind) -> bool| events.iter().filter(|event| matches(&event.what)).count();
    let id = request.id;
    assert_eq!(count(|what| matches!(what, EventKind::Created { .. })), 1, "{id}: {events:?}");
    let decided = count(|what| matches!(what, EventKind::Decided { .. }));
    assert_eq!(decided, usize::from(request.decision.is_some()), "{id}: {events:?}");
    let begun = count(|what| matches!(what, EventKind::Consumed { .. }));
    let spent = request.status == Status::Approved
        && !matches!(
            request.execution.as_deref(),
            Some(Execution::NotStarted | Execution::GrantExpired { .. } | Execution::Revoked { .. })
        );
    assert_eq!(begun, usize::from(spent), "{id}: {events:?}");
}

/// Waits until something holds, looking again and again.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}: that never came to be");
}

/// Waits until a machine is up.
pub async fn up(machine: &Machine) {
    until("the machine is up", async || machine.has_said(&Said::Up)).await;
}

/// What went wrong in between, and was tried again.
pub fn failures(said: &[Said]) -> Vec<String> {
    let failure = |said: &Said| match said {
        Said::Failed(key, error) => Some(format!("{key}: {error}")),
        _ => None,
    };
    said.iter().filter_map(failure).collect()
}
