//! What `approvals.yaml` says of budgets holds for calls, also when the file changes.

use std::{fs, sync::Arc};

use approval_core::{ApprovalError, Context, file::WatchedFile, model::Limit, store::MemoryStore};
use approval_testkit::{FakeClock, TestManager};
use tempfile::TempDir;

use crate::common::{Runs, call, call_with, error, seconds};

/// A manager whose policy is a watched file.
fn following(text: &str) -> (TestManager, WatchedFile, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.yaml");
    fs::write(&path, text).unwrap();
    let clock = FakeClock::new();
    let file = WatchedFile::load(&path, &clock).unwrap();
    let store = MemoryStore::with_clock(Arc::new(clock.clone()));
    let policy = file.clone();
    let manager =
        TestManager::on(Arc::new(store), &clock, |builder| builder.unattended().policy(policy)).unwrap();
    (manager, file, folder)
}

/// Rules that let everything run, as far as the attribute of the action does not ask.
fn limited(calls: u32) -> String {
    format!(
        "policy:\n  defaults: {{outcome: allow}}\n  rules:\n  - {{name: all, allow: true, may_relax: true}}\n  \
         limits:\n  - {{name: few, calls: {calls}, over: deny}}\n"
    )
}

#[tokio::test]
async fn limits_of_a_watched_file_hold_and_follow_it() {
    let (manager, file, folder) = following(&limited(1));
    let runs = Runs::default();
    runs.run(&manager, call()).await.unwrap();
    let (refused, text) = error(runs.run(&manager, call()).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }) && text.contains("few"), "{text}");
    fs::write(folder.path().join("approvals.yaml"), limited(2)).unwrap();
    assert!(file.reload(manager.time()).unwrap());
    runs.run(&manager, call()).await.unwrap();
    assert!(runs.run(&manager, call()).await.is_err());
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn a_condition_knows_what_the_run_has_spent() {
    let rules = "policy:\n  defaults: {outcome: allow}\n  rules:\n  - {name: spent enough, when: spent_usd + cost_usd > 12, \
                 deny: that is enough for a day}\n  - {name: all, allow: true, may_relax: true}\n";
    let (manager, _file, _folder) = following(rules);
    let runs = Runs::default();
    // Five dollars each.
    let costly = || call_with(|action| Ok(action.cost("{cents} / 100 USD")));
    let run = |name: &str| Context::new().run(name);
    for _ in 0..2 {
        run("a").scope(runs.run(&manager, costly())).await.unwrap();
    }
    let (refused, text) = error(run("a").scope(runs.run(&manager, costly())).await);
    assert!(
        matches!(refused, ApprovalError::PolicyDenied { .. }) && text.contains("that is enough"),
        "{text}"
    );
    run("b").scope(runs.run(&manager, costly())).await.unwrap();
    runs.run(&manager, costly()).await.unwrap();
    // Another currency does not count.
    let euros = || call_with(|action| Ok(action.cost("{cents} EUR")));
    assert!(runs.run(&manager, euros()).await.is_err(), "the condition cannot compare it");
    manager.advance(seconds(25 * 3600)).await;
    run("a").scope(runs.run(&manager, costly())).await.unwrap();
    assert_eq!(runs.count(), 5);
}

#[tokio::test]
async fn what_is_counted_twice_over_is_counted_once() {
    let rules = "policy:\n  rules:\n  - {name: little, when: spent_usd < 6, allow: true, may_relax: true}\n  \
                 - {name: more, deny: that is enough for a day}\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.yaml");
    fs::write(&path, rules).unwrap();
    let clock = FakeClock::new();
    let policy = WatchedFile::load(&path, &clock).unwrap();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    // The file has it counted too, for its condition.
    let manager = TestManager::on(store, &clock, |builder| {
        builder.unattended().policy(policy).limit(Limit::spending()).unwrap()
    })
    .unwrap();
    let runs = Runs::default();
    for _ in 0..2 {
        let call = call_with(|action| Ok(action.cost("{cents} / 100 USD")));
        runs.run(&manager, call).await.unwrap();
    }
    let third = call_with(|action| Ok(action.cost("{cents} / 100 USD")));
    let (refused, text) = error(runs.run(&manager, third).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    assert_eq!(runs.count(), 2);
}
