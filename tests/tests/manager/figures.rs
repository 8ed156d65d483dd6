//! Figures over requests that really were decided, and alerts about time-outs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use approval_core::{
    clock::Span,
    manager::ManagerBuilder,
    model::{
        Dimension, StandingArguments, StandingReach, StandingTerms, StatsQuery, Status, TimeoutSpike,
        TimeoutWatch,
    },
    store::JournalLine,
};
use approval_testkit::TestManager;

use crate::common::{ANN, BOB, Runs, call, call_with, person, seconds, soon, unattended};

#[tokio::test]
async fn every_end_is_counted_where_it_belongs() {
    let manager = unattended();
    let open = async |timeout: i64| {
        manager.request(call_with(|action| Ok(action.timeout(seconds(timeout))))).await.unwrap().detach()
    };
    let (approved, rejected, cancelled) = (open(3600).await, open(3600).await, open(3600).await);
    let expired = open(50).await;
    manager.advance(seconds(10)).await;
    manager.approve(approved, ANN).await.unwrap();
    manager.advance(seconds(20)).await;
    manager.reject(rejected, BOB, "no").await.unwrap();
    manager.cancel(cancelled, &person(ANN), "not needed").await.unwrap();
    manager.advance(seconds(30)).await;
    assert_eq!(manager.get(expired).await.unwrap().status, Status::Expired);
    let _ = open(3600).await;

    let stats = manager.stats(&StatsQuery::in_full()).await.unwrap();
    let total = &stats.total;
    assert_eq!(
        (total.pending, total.approved, total.rejected, total.expired, total.cancelled, total.unasked),
        (1, 1, 1, 1, 1, 0)
    );
    let times = total.time_to_decision.unwrap();
    assert_eq!((times.p50, times.p90, times.p99), (seconds(10), seconds(30), seconds(30)));
    assert_eq!((total.answerable(), total.decided(), total.timeouts()), (3, 4, 1));
    for rate in [total.approval_rate(), total.rejection_rate(), total.timeout_rate()] {
        assert!((rate.unwrap() - 1.0 / 3.0).abs() < 1e-9, "{rate:?}");
    }
    assert_eq!(stats.by_action.keys().map(|name| &**name).collect::<Vec<_>>(), ["payments.refund"]);
    let by_approver: BTreeMap<&str, (u64, u64)> = stats
        .by_approver
        .iter()
        .map(|(name, votes)| (&**name, (votes.approvals, votes.rejections)))
        .collect();
    assert_eq!(by_approver, BTreeMap::from([(ANN, (1, 0)), (BOB, (0, 1))]));
    assert_eq!(stats.by_approver[BOB].time_to_vote.unwrap().p50, seconds(30));
    assert_eq!(stats.votes.cast(), 2);
}

#[tokio::test]
async fn what_nobody_was_asked_about_is_set_apart() {
    let manager = unattended();
    let pending = manager.request(call()).await.unwrap();
    let ann = manager.decider("test");
    let seen = pending.request().await.unwrap();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    ann.approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
    soon(pending).await.unwrap();
    manager.advance(seconds(1)).await;
    soon(Runs::default().run(&manager, call())).await.unwrap();
    let total = manager.stats(&StatsQuery::default()).await.unwrap().total;
    assert_eq!((total.approved, total.unasked, total.answerable()), (1, 1, 1));
    assert_eq!(total.time_to_decision.unwrap().p99, Span::ZERO, "the one that was asked about, at once");
}

type Seen = Arc<Mutex<Vec<TimeoutSpike>>>;

fn watching(seen: &Seen) -> impl FnOnce(ManagerBuilder) -> ManagerBuilder {
    let seen = Arc::clone(seen);
    let watch = TimeoutWatch { at_least: 3, ..TimeoutWatch::default() };
    move |builder| {
        builder
            .unattended()
            .alert_on_timeouts(watch, move |spike: &TimeoutSpike| seen.lock().unwrap().push(spike.clone()))
    }
}

/// Opens calls, and lets their time pass.
async fn ignored(manager: &TestManager, count: usize) {
    for _ in 0..count {
        let _ = manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap().detach();
    }
    manager.advance(seconds(60)).await;
    // The worker looks within a minute.
    manager.advance(seconds(60)).await;
}

#[tokio::test]
async fn a_spike_of_time_outs_is_told_once_a_window_by_one_process() {
    let seen = Seen::default();
    let manager = TestManager::with(watching(&seen)).unwrap();
    let other = manager.another(watching(&seen)).unwrap();
    ignored(&manager, 2).await;
    assert_eq!(seen.lock().unwrap().len(), 0, "too few");
    ignored(&manager, 1).await;
    ignored(&manager, 1).await;
    other.time().settle().await;
    let told = seen.lock().unwrap().clone();
    let [spike] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&*spike.action, spike.timeouts, spike.of), ("payments.refund", 3, 3));
    let lines = manager.journal().await.unwrap();
    let spikes: Vec<_> = lines.iter().filter(|line| matches!(line, JournalLine::TimeoutSpike(_))).collect();
    assert_eq!(spikes, [&JournalLine::TimeoutSpike(spike.clone())]);

    // An hour later it is told again, if it goes on: but by then it is what is usual.
    manager.advance(Span::from_hours(2)).await;
    ignored(&manager, 3).await;
    assert_eq!(seen.lock().unwrap().len(), 1, "nothing new: nobody ever decides");
    let stats =
        manager.stats(&StatsQuery { by: vec![Dimension::Action], ..StatsQuery::default() }).await.unwrap();
    assert_eq!(stats.by_action["payments.refund"].expired, 7);
}

#[tokio::test]
async fn a_listener_that_panics_does_not_end_the_watch() {
    let seen = Seen::default();
    let listener = Arc::clone(&seen);
    let watch = TimeoutWatch { at_least: 1, ..TimeoutWatch::default() };
    let manager = TestManager::with(|builder| {
        builder.unattended().alert_on_timeouts(watch, move |spike: &TimeoutSpike| {
            listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(spike.clone());
            panic!("on purpose");
        })
    })
    .unwrap();
    ignored(&manager, 1).await;
    let other = approval_core::Action::new("mail.send")
        .unwrap()
        .describe(|action| action.approvers([ANN]).map(|action| action.timeout(seconds(60))))
        .unwrap()
        .arguments(&serde_json::json!({}))
        .unwrap();
    let _ = manager.request(other).await.unwrap().detach();
    manager.advance(seconds(60)).await;
    manager.advance(seconds(60)).await;
    let told = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let actions: Vec<&str> = told.iter().map(|spike| &*spike.action).collect();
    assert_eq!(actions, ["payments.refund", "mail.send"]);
}
