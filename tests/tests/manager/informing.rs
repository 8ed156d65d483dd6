//! Calls that the policy lets run, and of which people are told afterwards.

use approval_core::{
    ApprovalError, Invalid,
    model::{ExecutionState, Limit, NoticeKind, OverLimit, Status},
    policy::Ruling,
    store::{JournalEntry, JournalLine, Query},
};
use approval_testkit::{Scripted, TestManager};

use crate::common::{ANN, Runs, call, error, person, soon};

fn telling() -> Ruling {
    Ruling::notify([person(ANN)]).named("small ones")
}

#[tokio::test]
async fn it_runs_at_once_and_is_told_and_recorded() {
    let manager =
        TestManager::with(|builder| builder.notifier(Scripted::new()).policy_fn(|_| telling())).unwrap();
    let runs = Runs::default();
    soon(runs.run(&manager, call())).await.unwrap();
    assert_eq!(runs.count(), 1);
    let page = manager.list(&Query::default()).await.unwrap();
    let [stored] = page.items.as_slice() else { panic!("{page:?}") };
    let request = &stored.request;
    let decision = request.decision.as_ref().unwrap();
    assert_eq!((request.status, decision.by_policy, decision.by.len()), (Status::Approved, true, 0));
    let state = request.execution.as_ref().map(|execution| execution.state());
    assert_eq!((state, &*request.gate.rule), (Some(ExecutionState::Succeeded), "small ones"));
    let told: Vec<_> = manager.store().notices(request.id).await.unwrap();
    let informed: Vec<_> = told.iter().filter(|notice| notice.kind == NoticeKind::Informed).collect();
    assert_eq!(informed.iter().map(|notice| notice.to.as_str()).collect::<Vec<_>>(), [ANN]);
    assert!(told.iter().all(|notice| !notice.kind.asks()), "nobody is asked: {told:?}");
    manager.verify_history(request.id).await.unwrap();
}

#[tokio::test]
async fn a_body_that_needs_a_proof_of_approval_is_asked_about() {
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(|_| telling())).unwrap();
    let needing = || call().describe(|action| Ok::<_, Invalid>(action.needs_grant())).unwrap();
    let runs = Runs::default();
    let waiting = runs.spawn(&manager, needing());
    let asked = manager.next_request().await.unwrap();
    assert_eq!((asked.status, runs.count()), (Status::Pending, 0));
    manager.approve(asked.id, ANN).await.unwrap();
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn over_a_limit_people_are_asked_or_it_is_denied() {
    let with = |over| {
        let limit = Limit::new("one").calls(1).over(over);
        TestManager::with(|builder| builder.unattended().policy_fn(|_| telling()).limit(limit).unwrap())
            .unwrap()
    };
    let runs = Runs::default();
    let manager = with(OverLimit::Ask);
    soon(runs.run(&manager, call())).await.unwrap();
    assert_eq!(manager.next_request().await.unwrap().status, Status::Approved);
    let second = runs.spawn(&manager, call());
    let asked = manager.next_request().await.unwrap();
    assert_eq!(asked.status, Status::Pending);
    manager.approve(asked.id, ANN).await.unwrap();
    soon(second).await.unwrap().unwrap();
    assert_eq!(runs.count(), 2);

    let manager = with(OverLimit::Deny);
    soon(runs.run(&manager, call())).await.unwrap();
    let (refused, text) = error(soon(runs.run(&manager, call())).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(runs.count(), 3);
    let journal = manager.store().read_journal(0, 10).await.unwrap();
    let denied = |entry: &&JournalEntry| matches!(&entry.line, JournalLine::Call { outcome, rule, .. } if (&**outcome, &**rule) == ("denied", "one"));
    assert_eq!(journal.iter().filter(denied).count(), 1, "a line tells of what the limit denied");
}
