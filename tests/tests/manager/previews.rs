//! What an action would do, worked out before people are asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use approval_core::{
    Action, ApprovalError,
    clock::{Clock as _, Span, Timestamp},
    manager::ManagerBuilder,
    model::{
        Attachment, Gate, HaltScope, PreviewOutcome, Request, StandingArguments, StandingReach, StandingTerms,
    },
    policy::Ruling,
    store::MemoryStore,
};
use approval_testkit::{ApproveAll, FakeClock, RejectAll, Scripted, TestManager};
use serde_json::Value;

use crate::common::{ANN, Runs, call, call_with, error, person, seconds, soon, unattended};

/// Counts how often a preview was worked out.
#[derive(Clone, Debug, Default)]
struct Previews(Arc<AtomicUsize>);

impl Previews {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A call whose preview counts.
    fn call(&self) -> Action {
        let count = Arc::clone(&self.0);
        let preview = move |arguments: Value| {
            let count = Arc::clone(&count);
            async move {
                tokio::task::yield_now().await;
                count.fetch_add(1, Ordering::SeqCst);
                format!("{} cents will be paid", arguments["cents"])
            }
        };
        call_with(move |action| Ok(action.preview(preview)))
    }
}

/// What people are told of it.
fn words(request: &Request) -> String {
    request.preview().unwrap().in_words(request.revision.number)
}

fn ruled(ruling: impl Fn() -> Ruling + Send + Sync + 'static) -> TestManager {
    let ruling = move |_: &approval_core::policy::Call<'_>| ruling();
    TestManager::with(|builder: ManagerBuilder| builder.unattended().policy_fn(ruling)).unwrap()
}

#[tokio::test]
async fn it_is_computed_from_the_arguments_and_stored() {
    let (manager, previews) = (unattended(), Previews::default());
    let action = previews.call().attach(Attachment::text("a", "b")).unwrap();
    let id = manager.request(action).await.unwrap().id();
    let request = manager.get(id).await.unwrap();
    assert_eq!((words(&request), previews.count()), ("500 cents will be paid".to_owned(), 1));
    assert_eq!((request.preview().unwrap().revision, request.attachments().len()), (1, 1));
    let stored = serde_json::to_string(&*request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), *request);

    let plain = call().attach(Attachment::text("a", "b")).unwrap();
    let plain = manager.get(manager.request(plain).await.unwrap().id()).await.unwrap();
    assert_eq!(plain.revision.digest, request.revision.digest, "it binds nothing");
    assert!(plain.preview().is_none());
}

#[tokio::test]
async fn people_are_told_of_a_failure_and_decide_all_the_same() {
    let fails = || call_with(|action| Ok(action.preview(async |_| Err::<String, _>("the database is away"))));
    let panics = || {
        call_with(|action| {
            Ok(action.preview(async |arguments| -> String { panic!("no table in {}", arguments["cents"]) }))
        })
    };
    let panics_at_once =
        || call_with(|action| Ok(action.preview(|_| -> std::future::Ready<String> { panic!("at once") })));
    let cases: [(&dyn Fn() -> Action, &str); 3] = [
        (&fails, "preview failed: the database is away"),
        (&panics, "preview failed: it panicked: no table in 500"),
        (&panics_at_once, "preview failed: it panicked: at once"),
    ];
    for (action, expected) in cases {
        let manager = unattended();
        let id = manager.request(action()).await.unwrap().id();
        let request = manager.get(id).await.unwrap();
        assert_eq!(words(&request), expected);
        assert!(request.status.is_open() && request.votes.is_empty(), "it approves nothing");

        let runs = Runs::default();
        let manager = TestManager::new(RejectAll::new("no")).unwrap();
        assert!(matches!(error(soon(runs.run(&manager, action())).await).0, ApprovalError::Rejected(_)));
        let manager = TestManager::new(ApproveAll::new()).unwrap();
        soon(runs.run(&manager, action())).await.unwrap();
        assert_eq!(runs.count(), 1);
    }
}

#[tokio::test]
async fn one_that_takes_too_long_is_given_up() {
    for (limit, told) in [(None, "10s"), (Some(seconds(3)), "3s")] {
        let manager = Arc::new(unattended());
        let (begun, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let action = call_with(|action| {
            let action = action.preview(move |_| {
                begun.send(()).unwrap();
                std::future::pending::<String>()
            });
            Ok(limit.map_or(action.clone(), |limit| action.preview_timeout(limit)))
        });
        let asking = tokio::spawn({
            let manager = Arc::clone(&manager);
            async move { manager.request(action).await.unwrap().detach() }
        });
        soon(hears.recv()).await.unwrap();
        manager.advance(limit.unwrap_or(seconds(10)) - Span::from_millis(1)).await;
        assert!(!asking.is_finished());
        manager.advance(Span::from_millis(1)).await;
        let request = manager.get(soon(asking).await.unwrap()).await.unwrap();
        assert_eq!(words(&request), format!("preview failed: it took longer than {told}"));
        let whole = request.deadline.unwrap().duration_since(manager.time().now());
        assert_eq!(whole, Span::from_hours(1), "people have their whole time");
    }
}

#[tokio::test]
async fn after_an_edit_people_are_told_that_it_is_of_the_arguments_before() {
    let (manager, previews) = (unattended(), Previews::default());
    let waiting = manager.request(previews.call()).await.unwrap();
    let edited = TestManager::new(Scripted::new().edit(ANN, "cents", 7)).unwrap();
    let runs = Runs::default();
    soon(runs.run(&edited, previews.call())).await.unwrap();
    let request = edited.list(&approval_core::store::Query::default()).await.unwrap().items.remove(0).request;
    assert_eq!((request.revision.number, request.preview().unwrap().revision), (2, 1));
    assert_eq!(words(&request), "500 cents will be paid (this preview is of the arguments before the edit)");
    manager.reject(waiting.id(), ANN, "no").await.unwrap();
    let again = manager.retry(waiting.id()).await.unwrap().id();
    assert_eq!(
        words(&manager.get(again).await.unwrap()),
        "500 cents will be paid",
        "kept, not computed again"
    );
    assert_eq!(previews.count(), 2);
}

#[tokio::test]
async fn what_is_too_long_is_cut() {
    let manager = unattended();
    let action = call_with(|action| Ok(action.preview(async |_| "x".repeat(5_000))));
    let request = manager.get(manager.request(action).await.unwrap().id()).await.unwrap();
    let preview = request.preview().unwrap();
    assert!(matches!(&preview.outcome, PreviewOutcome::Computed(text) if text.len() == 4_096));
    assert!(words(&request).ends_with("(cut: 904 bytes more are not shown)"));
}

#[tokio::test]
async fn it_runs_only_where_people_are_asked_about_something_new() {
    let previews = Previews::default();
    let runs = Runs::default();
    let allowed = ruled(|| Ruling::allow().named("free"));
    runs.run(&allowed, previews.call()).await.unwrap();
    let denied = ruled(|| Ruling::Deny { rule: "closed".into(), reason: "no".into() });
    assert!(runs.run(&denied, previews.call()).await.is_err());
    let told = ruled(|| Ruling::notify([person(ANN)]).named("told"));
    soon(runs.run(&told, previews.call())).await.unwrap();
    assert_eq!((runs.count(), previews.count()), (2, 0), "nobody was asked");

    let keyed = unattended();
    let first = keyed.request(previews.call().key("k")).await.unwrap().id();
    assert_eq!(keyed.request(previews.call().key("k")).await.unwrap().id(), first);
    assert_eq!(previews.count(), 1, "the same call again");

    let gate = Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
    let joining =
        ruled(move || Ruling::Ask { rule: "joined".into(), gate: Some(Arc::clone(&gate)), whole: false });
    let first = joining.request(previews.call()).await.unwrap().id();
    assert_eq!(joining.request(previews.call()).await.unwrap().id(), first);
    assert_eq!(previews.count(), 2, "a call that joins another");
}

#[tokio::test]
async fn what_a_standing_approval_covers_is_not_previewed() {
    let (manager, previews) = (unattended(), Previews::default());
    let pending = manager.request(previews.call()).await.unwrap();
    let seen = pending.request().await.unwrap();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    manager.decider("test").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    soon(Runs::default().run(&manager, previews.call())).await.unwrap();
    assert_eq!(previews.count(), 1);
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_previewed() {
    let previews = Previews::default();
    let manager = unattended();
    manager.halt(HaltScope::Everything, &person(ANN), "fire").await.unwrap();
    assert!(matches!(error(manager.request(previews.call()).await).0, ApprovalError::Halted { .. }));
    assert_eq!(previews.count(), 0);
}

/// A clock whose timers end early, as [`approval_core::Clock`] allows.
#[derive(Clone, Debug)]
struct Hasty(FakeClock);

#[async_trait::async_trait]
impl approval_core::Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, _: Timestamp) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_timer_that_ends_early_does_not_cut_a_preview_short() {
    let clock: Arc<dyn approval_core::Clock> = Arc::new(Hasty(FakeClock::new()));
    let manager = approval_core::ApprovalManager::builder()
        .store(MemoryStore::with_clock(Arc::clone(&clock)))
        .clock(clock)
        .unattended()
        .build()
        .unwrap();
    let slow = async |_| {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        "slow, and in time"
    };
    let action = call_with(move |action| Ok(action.preview(slow).preview_timeout(seconds(60))));
    let request = manager.get(manager.request(action).await.unwrap().id()).await.unwrap();
    assert_eq!(words(&request), "slow, and in time");
}
