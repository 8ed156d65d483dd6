//! What must be found in a store whose process was killed, and how life goes on in it.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use approval_core::{
    ApprovalError, ApprovalManager, Clock, RequestId, SystemClock,
    audit::{VerifyOptions, verify_store},
    clock::{Span, Timestamp, after},
    lifecycle::Settlement,
    model::{Event, EventKind, Execution, ExecutionState, Outcome, Request, Status},
    notify::HandlerReply,
    store::Query,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;
use serde_json::Value;

use super::{
    bodies::Bodies,
    child::AGENT,
    ledger::{Entry, Ledger},
    plan::{Plan, State, call, person},
};

/// How long a lease lasts, if nothing else is said.
const LEASE: Span = Span::from_secs(30);

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store that processes are killed on, and all that is known about it.
#[derive(Debug)]
pub struct Scene {
    folder: tempfile::TempDir,
    /// What the killed processes said.
    pub ledger: Ledger,
    /// How far the clock of all processes is ahead of the system's: time only ever leaps forward here.
    pub ahead: Span,
}

/// A manager of the process that looks after what the killed one left.
struct Successor {
    manager: ApprovalManager,
    clock: FakeClock,
    bodies: Bodies,
}

impl Scene {
    /// An empty store.
    ///
    /// # Panics
    /// If there is no place for it.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, ledger: Ledger::default(), ahead: Span::ZERO }
    }

    /// The store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("approvals.db")
    }

    /// The file of the bodies.
    #[must_use]
    pub fn bodies(&self) -> PathBuf {
        self.folder.path().join("bodies")
    }

    fn successor(&self) -> Successor {
        let clock = FakeClock::at(after(SystemClock.now(), self.ahead));
        let store = SqliteStore::builder(self.store())
            .clock(Arc::new(clock.clone()))
            .open()
            .expect("the store of a killed process can be opened");
        let manager = ApprovalManager::builder()
            .store(store)
            .clock(Arc::new(clock.clone()))
            .agent(AGENT)
            .handler(|_| async { Ok(HandlerReply::Later) })
            .build()
            .expect("a manager");
        Successor { manager, clock, bodies: Bodies::new(&self.bodies()) }
    }

    /// Looks at everything, and brings what was being executed to its end. `go_on`: of what can go on, this part (in
    /// percent of the keys) is led to its end here, the rest is left for the next process.
    ///
    /// # Panics
    /// If anything is not as it must be.
    pub async fn check(&mut self, go_on: u64, choose: &mut crate::random::Random) {
        let successor = self.successor();
        let found = successor.requests().await;
        self.compare(&found);
        self.compare_bodies(&successor.bodies.runs());
        for (key, request) in &found {
            successor.check_history(key, request).await;
        }
        let trail = verify_store(&**successor.manager.store(), VerifyOptions::default()).await;
        trail.expect("a readable store").expect("a sound trail");
        self.lose_leases(&successor).await;
        for (key, plan, done) in self.ledger.unfinished() {
            if matches!(self.ledger.entries[&key].plan.after(done), Some(state) if state.status == Status::Approved)
                && plan.begins_at() == Some(done)
                && choose.chance(go_on)
            {
                self.run_once(&successor, &key, plan).await;
            }
        }
        self.ahead = self.ahead.max(successor.clock.now().duration_since(SystemClock.now()));
        successor.close().await;
    }

    /// Lets so much time pass while no process runs, that every deadline and grant is past due; then starts one.
    ///
    /// # Panics
    /// If something that was due does not happen, or more than once, or anything else changes.
    pub async fn check_after_a_long_time(&mut self) {
        self.ahead += Span::from_hours(48);
        let due = |entry: &Entry| {
            entry.possible().last().and_then(|(_, state)| state.and_then(State::when_time_is_up))
        };
        let expected: BTreeMap<String, State> =
            self.ledger.entries.iter().filter_map(|(key, entry)| Some((key.clone(), due(entry)?))).collect();
        let successor = self.successor();
        for (key, state) in &expected {
            let entry = self.ledger.entries.get_mut(key).expect("it was listed");
            entry.ended = Some(*state);
            let id = entry.id.expect("a request that can expire was acknowledged or found");
            let request = successor.until(id, |request| State::of(request) == *state).await;
            let history = successor.check_history(key, &request).await;
            let ends = history
                .iter()
                .filter(|event| {
                    matches!(
                        event.what,
                        EventKind::Decided { outcome: Outcome::Expired, .. } | EventKind::GrantExpired
                    )
                })
                .count();
            assert_eq!(ends, 1, "{key}: time is up once: {history:?}");
        }
        let found = successor.requests().await;
        self.compare(&found);
        successor.close().await;
    }

    /// Holds what is found against what is known.
    fn compare(&mut self, found: &BTreeMap<String, Arc<Request>>) {
        for key in found.keys() {
            assert!(self.ledger.entries.contains_key(key), "{key}: nobody asked for this request");
        }
        for (key, entry) in &mut self.ledger.entries {
            let request = found.get(key);
            let state = request.map(|request| State::of(request));
            let possible = entry.possible();
            let Some((done, _)) = possible.iter().find(|(_, one)| *one == state) else {
                panic!(
                    "{key} ({}): {} steps were acknowledged and {} begun, so it must be one of {possible:?}, \
                     but it is {state:?}",
                    entry.plan, entry.done, entry.begun
                );
            };
            entry.done = *done;
            entry.begun = *done;
            if let Some(request) = request {
                assert!(
                    entry.id.is_none_or(|id| id == request.id),
                    "{key}: another id: {entry:?}, {request:?}"
                );
                entry.id = Some(request.id);
            }
        }
    }

    /// No body ran twice, none without its grant, and none that was acknowledged to have ended did not run.
    fn compare_bodies(&self, runs: &HashMap<RequestId, usize>) {
        let by_id: HashMap<RequestId, (&String, &Entry)> =
            self.ledger.entries.iter().filter_map(|(key, entry)| Some((entry.id?, (key, entry)))).collect();
        for (id, times) in runs {
            let (key, entry) =
                by_id.get(id).unwrap_or_else(|| panic!("a body ran for the unknown request {id}"));
            assert_eq!(*times, 1, "{key}: the body ran {times} times: {entry:?}");
            let begins = entry.plan.begins_at().expect("a course with a body");
            assert!(entry.done > begins, "{key}: the body ran, but its grant counts as unspent: {entry:?}");
        }
        for (key, entry) in &self.ledger.entries {
            let ends = entry.plan.begins_at().map(|begins| begins + 2);
            if entry.ended.is_none() && ends.is_some_and(|ends| entry.done == ends) {
                let ran = entry.id.and_then(|id| runs.get(&id));
                assert!(ran.is_some(), "{key}: its body is said to have ended, but never ran: {entry:?}");
            }
        }
    }

    /// What was being executed stays so until the lease of the killed process has run out, becomes unknown then, and a
    /// person can settle it.
    async fn lose_leases(&mut self, successor: &Successor) {
        let leases = successor.leases().await;
        let executing = self.executing(successor, &leases).await;
        if let Some(first) = executing.values().flatten().min()
            && successor.clock.now() < *first
        {
            successor.clock.set(after(*first, Span::from_micros(-1)));
            let still = self.executing(successor, &leases).await;
            assert_eq!(still, executing, "executions were given up before their leases ran out");
        }
        for (key, lost_at) in executing {
            let entry = self.ledger.entries.get_mut(&key).expect("it was listed");
            let id = entry.id.expect("it was found");
            if let Some(lost_at) = lost_at
                && successor.clock.now() < lost_at
            {
                successor.clock.set(lost_at);
            }
            let request = successor.until_unknown(id).await;
            if let (Some(lost_at), Some(Execution::Unknown { at, .. })) =
                (lost_at, request.execution.as_deref())
            {
                assert!(
                    *at >= lost_at,
                    "{key} became unknown at {at}, though the lease lasted until {lost_at}"
                );
            }
            assert_eq!(successor.refusal(&key, entry.plan).await, Some(ExecutionState::Unknown), "{key}");
            entry.ended = Some(successor.settle(&key, id).await);
            assert!(successor.refusal(&key, entry.plan).await.is_some(), "{key}: it never runs again");
        }
    }

    /// What is being executed, by its key, and until when its lease lasts; and what is in doubt, without a time. Called
    /// again, it does not run.
    async fn executing(
        &self,
        successor: &Successor,
        leases: &HashMap<String, Timestamp>,
    ) -> BTreeMap<String, Option<Timestamp>> {
        let mut found = BTreeMap::new();
        for (key, entry) in &self.ledger.entries {
            let (None, Some(_), Some(id)) = (entry.ended, entry.plan.begins_at(), entry.id) else { continue };
            let request = successor.manager.get(id).await.expect("a readable store");
            let until = match request.execution.as_deref() {
                Some(Execution::Executing { executor, .. }) => {
                    let until = leases.get(&executor.to_string()).copied();
                    Some(until.unwrap_or_else(|| panic!("{key} executes under a lease that nobody holds")))
                }
                Some(Execution::Unknown { .. }) => None,
                _ => continue,
            };
            let state = request.execution.as_deref().map(Execution::state);
            assert_eq!(successor.refusal(key, entry.plan).await, state, "{key}");
            found.insert(key.clone(), until);
        }
        found
    }

    /// An approved request that has not begun runs, when it is called again under its key, and runs once.
    async fn run_once(&mut self, successor: &Successor, key: &str, plan: Plan) {
        let entry = self.ledger.entries.get_mut(key).expect("it was listed");
        let id = entry.id.expect("it was found");
        let body = successor.manager.guard(call(key, plan)).run(async |_, _| {
            successor.bodies.mark(id)?;
            anyhow::Ok(Value::Null)
        });
        body.await.unwrap_or_else(|error| panic!("{key} is approved and has not begun: {error:#}"));
        let request =
            successor.until(id, |request| request.execution.as_deref().is_some_and(has_ended)).await;
        let mut state = State::of(&request);
        assert_eq!(state.execution, Some(ExecutionState::Succeeded), "{key}");
        assert_eq!(successor.refusal(key, plan).await, state.execution.take(), "{key}: it runs once");
        entry.ended = Some(State::of(&request));
        entry.done = plan.steps().len();
        entry.begun = entry.done;
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

fn has_ended(execution: &Execution) -> bool {
    matches!(execution.state(), ExecutionState::Succeeded | ExecutionState::Failed | ExecutionState::Unknown)
}

impl Successor {
    /// All requests, by their keys.
    async fn requests(&self) -> BTreeMap<String, Arc<Request>> {
        let mut found = BTreeMap::new();
        let mut query = Query { limit: 1000, ..Query::default() };
        loop {
            let page = self.manager.list(&query).await.expect("a readable store");
            for stored in page.items {
                let arguments: Value = serde_json::from_str(stored.request.revision.arguments.as_str())
                    .expect("arguments are JSON");
                let key = arguments["key"].as_str().expect("every call has a key").to_owned();
                let twice = found.insert(key.clone(), stored.request);
                assert!(twice.is_none(), "{key}: two requests for one key");
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return found,
            }
        }
    }

    /// When each process's lease runs out.
    async fn leases(&self) -> HashMap<String, Timestamp> {
        let records = self.manager.store().records("lease/", None, 10_000).await.expect("a readable store");
        let lease = |record: &approval_core::store::Record| {
            let value: Value = serde_json::from_slice(&record.value).expect("a lease is JSON");
            let until = value["expires_at"].as_str().expect("a lease ends").parse().expect("at a moment");
            (record.name.as_str().trim_start_matches("lease/").to_owned(), until)
        };
        records.iter().map(lease).collect()
    }

    /// Checks a history by itself and against its request.
    async fn check_history(&self, key: &str, request: &Request) -> Vec<Event> {
        if let Err(error) = self.manager.verify_history(request.id).await {
            panic!("{key}: {error}");
        }
        let lines = self.manager.history(request.id).await.expect("a readable store");
        let events: Vec<Event> = lines.iter().map(|line| line.event().expect("a line is an event")).collect();
        let count =
            |matches: fn(&EventKind) -> bool| events.iter().filter(|event| matches(&event.what)).count();
        let decided = count(|what| matches!(what, EventKind::Decided { .. }));
        let begun = count(|what| matches!(what, EventKind::Consumed { .. }));
        assert_eq!(count(|what| matches!(what, EventKind::Created { .. })), 1, "{key}: {events:?}");
        assert_eq!(decided, usize::from(request.decision.is_some()), "{key}: {events:?}");
        let spent = request
            .execution
            .as_ref()
            .is_some_and(|one| has_ended(one) || one.state() == ExecutionState::Executing);
        assert_eq!(begun, usize::from(spent), "{key}: {events:?}");
        let notices = self.manager.store().notices(request.id).await.expect("a readable store");
        assert!(
            notices.len() >= 3,
            "{key}: the notices to those who are asked came with the request: {notices:?}"
        );
        events
    }

    /// What the same call again comes to when it must not run.
    async fn refusal(&self, key: &str, plan: Plan) -> Option<ExecutionState> {
        let body = self.manager.guard(call(key, plan)).run(async |_, _| -> Result<Value, ApprovalError> {
            panic!("{key}: its grant is spent, and its body runs again");
        });
        match body.await {
            Err(ApprovalError::AlreadyRan { state, .. }) => Some(state),
            Err(ApprovalError::Unknown(_)) => Some(ExecutionState::Unknown),
            other => panic!("{key}: its grant is spent, but the call came to {other:?}"),
        }
    }

    /// A person looks whether the body left its mark, and settles.
    async fn settle(&self, key: &str, id: RequestId) -> State {
        let ran = self.bodies.runs().contains_key(&id);
        let settlement = if ran { Settlement::Succeeded } else { Settlement::Failed };
        let request = self
            .manager
            .settle(id, &person(0), settlement, Some("looked it up"))
            .await
            .unwrap_or_else(|error| panic!("{key} is in doubt, but cannot be settled: {error}"));
        let state = State::of(&request);
        let expected = if ran { ExecutionState::Succeeded } else { ExecutionState::Failed };
        assert_eq!(state.execution, Some(expected), "{key}");
        state
    }

    /// Waits until a request is as it must become.
    async fn until(&self, id: RequestId, reached: impl Fn(&Request) -> bool) -> Arc<Request> {
        let waiting = async {
            loop {
                let request = self.manager.get(id).await.expect("a readable store");
                if reached(&request) {
                    return request;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(request) => request,
            Err(_) => {
                let request = self.manager.get(id).await.expect("a readable store");
                panic!("it never came to that: {:?} {:?}", State::of(&request), request);
            }
        }
    }

    /// Lets time pass until an execution is in doubt: leases are looked after every now and then.
    async fn until_unknown(&self, id: RequestId) -> Arc<Request> {
        let unknown =
            |request: &Request| matches!(request.execution.as_deref(), Some(Execution::Unknown { .. }));
        let passing = async {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                self.clock.advance(LEASE / 6);
            }
        };
        tokio::select! {
            request = self.until(id, unknown) => request,
            () = passing => unreachable!("it passes for ever"),
        }
    }

    async fn close(self) {
        self.manager.shutdown().await.expect("it can be shut down");
        self.manager.store().close().await.expect("it can be closed");
    }
}
