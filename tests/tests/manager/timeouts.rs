//! Deadlines and all else that time brings about (invariants 2 and 8).

use std::sync::Arc;

use approval_core::{
    ApprovalError, ApprovalManager, Clock as _, RequestId, Risk,
    clock::Span,
    manager::ManagerBuilder,
    model::{Event, EventKind, NoticeKind, OnTimeout, Outcome, Request, Status},
};
use approval_testkit::{Scripted, TestManager};

use crate::common::{
    ANN, BOB, CAT, Runs, call, call_with, error, on_outage, person, seconds, soon, unattended,
};
use crate::outage::{Op, Outage};

async fn events(manager: &TestManager, id: RequestId) -> Vec<Event> {
    let history = manager.history(id).await.unwrap();
    history.iter().map(|line| line.event().unwrap()).collect()
}

#[tokio::test]
async fn an_undecided_request_expires_at_its_deadline() {
    let manager = unattended();
    let runs = Runs::default();
    let running = runs.spawn(&manager, call_with(|action| Ok(action.timeout(seconds(60)))));
    let id = manager.next_request().await.unwrap().id;
    manager.advance(seconds(59)).await;
    assert_eq!(manager.get(id).await.unwrap().status, Status::Pending);
    manager.advance(seconds(1)).await;
    let (expired, text) = error(soon(running).await.unwrap());
    assert!(matches!(expired, ApprovalError::Expired(_)), "{text}");
    assert!(text.contains("expired undecided; nothing was run"), "{text}");
    assert_eq!(runs.count(), 0);
    let request = manager.get(id).await.unwrap();
    assert_eq!(
        request.decision.as_ref().unwrap().at,
        request.deadline.unwrap(),
        "at its deadline, to the moment"
    );
}

#[tokio::test]
async fn a_request_can_wait_for_ever() {
    let manager = unattended();
    let waiting = manager.request(call_with(|action| Ok(action.no_timeout()))).await.unwrap();
    manager.advance(seconds(400 * 24 * 3600)).await;
    manager.approve(waiting.id(), ANN).await.unwrap();
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn a_vote_after_the_deadline_does_not_count_even_if_nobody_noted_the_deadline() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap();
    // The worker that would note it is down.
    store.fail(&[Op::Due]);
    manager.time().advance(seconds(60));
    let (late, text) = error(manager.approve(waiting.id(), ANN).await);
    assert!(
        matches!(&late, ApprovalError::AlreadyDecided { decision, .. } if decision.outcome == Outcome::Expired),
        "{text}"
    );
    store.heal();
    manager.advance(seconds(60)).await;
    assert!(matches!(error(soon(waiting).await).0, ApprovalError::Expired(_)));
}

#[tokio::test]
async fn a_vote_one_microsecond_before_the_deadline_counts() {
    let manager = unattended();
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap();
    manager.time().advance(seconds(60) - approval_core::clock::Span::from_micros(1));
    manager.approve(waiting.id(), ANN).await.unwrap();
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn the_store_refuses_a_vote_that_was_cast_in_time_and_written_too_late() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap();
    let (id, commits) = (waiting.id(), store.calls(Op::Commit));
    store.hold(Op::Commit);
    let voting = {
        let (decider, seen) = (manager.decider("test"), waiting.request().await.unwrap());
        tokio::spawn(async move { decider.approve(&seen, &person(ANN), None).await })
    };
    store.until_called(Op::Commit, commits + 1).await;
    manager.time().advance(seconds(60));
    store.heal();
    let (late, text) = error(soon(voting).await.unwrap());
    assert!(matches!(late, ApprovalError::Refused { .. } | ApprovalError::AlreadyDecided { .. }), "{text}");
    assert!(matches!(error(soon(waiting).await).0, ApprovalError::Expired(_)));
    assert_eq!(manager.get(id).await.unwrap().status, Status::Expired);
}

/// A manager that has read an open request when its time ends, another on the same store that did something in time, and
/// the first one's answer to what it does then.
async fn read_before_the_end<T: Send + 'static>(
    prepare: impl AsyncFnOnce(&TestManager, RequestId),
    in_time: impl AsyncFnOnce(&TestManager, RequestId),
    end: Span,
    late: impl AsyncFnOnce(ApprovalManager, Arc<Request>) -> Result<T, ApprovalError>,
) -> String {
    let (first, store) = on_outage(ManagerBuilder::unattended);
    let elsewhere = TestManager::on(store.inner(), first.time(), ManagerBuilder::unattended).unwrap();
    let waiting = elsewhere.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap();
    prepare(&elsewhere, waiting.id()).await;
    let seen = elsewhere.get(waiting.id()).await.unwrap();
    // One that remembers nothing.
    let manager =
        TestManager::on(Arc::<Outage>::clone(&store), first.time(), ManagerBuilder::unattended).unwrap();
    let loads = store.calls(Op::Load);
    store.hold_after(Op::Load);
    let meanwhile = async {
        store.until_called(Op::Load, loads + 1).await;
        in_time(&elsewhere, waiting.id()).await;
        elsewhere.time().advance(end);
        store.heal();
    };
    let (late, ()) = soon(async { tokio::join!(late((*manager).clone(), seen), meanwhile) }).await;
    late.err().expect("it is too late").to_string()
}

#[tokio::test]
async fn whoever_is_late_is_told_what_was_done_in_time_even_if_it_was_not_to_be_seen_yet() {
    let vote = async |manager: ApprovalManager, seen: Arc<Request>| {
        manager.decider("test").approve(&seen, &person(BOB), None).await
    };
    let reject = async |manager: &TestManager, id| drop(manager.reject(id, ANN, "no").await.unwrap());
    let text = read_before_the_end(async |_, _| {}, reject, seconds(60), vote).await;
    assert!(text.contains("rejected"), "{text}");

    let approve = async |manager: &TestManager, id| drop(manager.approve(id, ANN).await.unwrap());
    let revoke = async |manager: ApprovalManager, seen: Arc<Request>| {
        manager.revoke(seen.id, &person(BOB), "after all not").await
    };
    let take_back = async |manager: &TestManager, id| {
        drop(manager.revoke(id, &person(ANN), "too much").await.unwrap());
    };
    let text = read_before_the_end(approve, take_back, seconds(15 * 60), revoke).await;
    assert!(text.contains("too much"), "{text}");
}

#[tokio::test]
async fn low_risk_may_be_approved_by_time_once_somebody_was_told() {
    let people = Scripted::new();
    let manager = TestManager::new(people.clone()).unwrap();
    let runs = Runs::default();
    let lenient =
        || call_with(|action| Ok(action.risk(Risk::Low).timeout(seconds(60)).on_timeout(OnTimeout::Approve)));
    let running = runs.spawn(&manager, lenient());
    let request = manager.next_request().await.unwrap();
    manager.time().settle().await;
    assert!(!people.notices().is_empty());
    manager.advance(seconds(60)).await;
    assert!(soon(running).await.unwrap().is_ok());
    let decision = manager.get(request.id).await.unwrap().decision.clone().unwrap();
    assert!(decision.by_timeout && decision.by.is_empty());

    // Nobody was told: nothing is approved.
    let alone = unattended();
    let running = runs.spawn(&alone, lenient());
    alone.next_request().await.unwrap();
    alone.advance(seconds(60)).await;
    let (expired, text) = error(soon(running).await.unwrap());
    assert!(matches!(expired, ApprovalError::Expired(_)), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn higher_risks_are_never_approved_by_time() {
    let manager = unattended();
    for risk in [Risk::Medium, Risk::High, Risk::Critical] {
        let action = call_with(|action| Ok(action.risk(risk).on_timeout(OnTimeout::Approve)));
        let (refused, text) = error(manager.request(action).await);
        assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
        assert!(text.contains("too high a risk to approve on timeout"), "{text}");
    }
}

#[tokio::test]
async fn stages_ask_more_people_in_time_and_at_the_deadline() {
    let people = Scripted::new();
    let manager = TestManager::new(people.clone()).unwrap();
    let action = call_with(|action| {
        action
            .timeout(seconds(60))
            .on_timeout(OnTimeout::Escalate)
            .escalate(seconds(30), 0, [CAT], Some(approval_core::Priority::Critical))?
            .escalate(seconds(600), 0, ["user:dan@example.com"], None)
    });
    let waiting = manager.request(action).await.unwrap();
    let id = waiting.id();
    let told = |who: &str| {
        let who = person(who);
        people.notices().iter().any(|notice| notice.kind == NoticeKind::Escalated && notice.to == who)
    };
    manager.advance(seconds(29)).await;
    assert!(!told(CAT));
    manager.advance(seconds(1)).await;
    assert!(told(CAT) && !told("user:dan@example.com"));
    assert_eq!(manager.get(id).await.unwrap().priority, approval_core::Priority::Critical);
    manager.advance(seconds(30)).await;
    assert!(told("user:dan@example.com"), "what had not fired yet fires at the deadline");
    let extended = manager.get(id).await.unwrap();
    assert_eq!((extended.status, extended.extended), (Status::Pending, true));
    manager.advance(seconds(59)).await;
    manager.approve(id, "user:dan@example.com").await.unwrap();
    assert!(soon(waiting).await.is_ok());
}

#[tokio::test]
async fn people_who_have_not_voted_are_reminded() {
    let people = Scripted::new();
    let manager = TestManager::new(people.clone()).unwrap();
    let waiting = manager.request(call_with(|action| Ok(action.remind(seconds(600), 2)))).await.unwrap();
    manager.time().settle().await;
    let reminded = || people.notices().iter().filter(|notice| notice.kind == NoticeKind::Reminder).count();
    for (minutes, wanted) in [(9, 0), (1, 2), (9, 2), (1, 4), (30, 4)] {
        manager.advance(seconds(60 * minutes)).await;
        assert_eq!(reminded(), wanted, "two people, at ten and at twenty minutes");
    }
    manager.approve(waiting.id(), BOB).await.unwrap();
}

#[tokio::test]
async fn an_unused_approval_runs_out() {
    let manager = unattended();
    let waiting = manager.request(call_with(|action| Ok(action.grant_ttl(seconds(60))))).await.unwrap();
    let id = waiting.id();
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(waiting).await.unwrap();
    manager.time().advance(seconds(60));
    let (late, text) = error(approved.begin().await);
    assert!(matches!(late, ApprovalError::GrantExpired { .. }), "{text}");
    manager.time().settle().await;
    assert!(matches!(
        error(soon(manager.attach(id).await.unwrap()).await).0,
        ApprovalError::GrantExpired { .. }
    ));
    assert!(matches!(events(&manager, id).await.last().unwrap().what, EventKind::GrantExpired));
}

#[tokio::test]
async fn a_clock_set_back_revives_nothing() {
    let manager = unattended();
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap();
    let id = waiting.id();
    manager.time().advance(seconds(61));
    assert!(manager.approve(id, ANN).await.is_err());
    manager.time().advance(seconds(-3600));
    let (late, text) = error(manager.approve(id, ANN).await);
    assert!(matches!(late, ApprovalError::Refused { .. } | ApprovalError::AlreadyDecided { .. }), "{text}");
}

#[tokio::test]
async fn after_a_restart_everything_is_armed_again_and_what_is_past_due_happens_once() {
    let manager = unattended();
    let action = || {
        call_with(|action| {
            action.timeout(seconds(3600)).remind(seconds(600), 5).escalate(seconds(1200), 0, [CAT], None)
        })
    };
    let id = manager.request(action()).await.unwrap().detach();
    manager.shutdown().await.unwrap();
    let time = manager.time().clone();
    // Down for half an hour: three reminders and a stage came due meanwhile.
    time.advance(seconds(1800));
    let people = Scripted::new();
    let next = manager.another(|builder| builder.notifier(people.clone())).unwrap();
    drop(manager);
    next.time().settle().await;
    let what = || async {
        let mut kinds = (0, 0, 0);
        for event in events(&next, id).await {
            match event.what {
                EventKind::Reminded { number } => {
                    kinds.0 += 1;
                    assert_eq!(number, 3, "the newest stands for all");
                }
                EventKind::Escalated { .. } => kinds.1 += 1,
                EventKind::Decided { .. } => kinds.2 += 1,
                _ => {}
            }
        }
        kinds
    };
    assert_eq!(what().await, (1, 1, 0));
    // A second process that starts now finds nothing left to do.
    let other = next.another(ManagerBuilder::unattended).unwrap();
    other.time().settle().await;
    assert_eq!(what().await, (1, 1, 0));
    time.set(next.get(id).await.unwrap().created_at + seconds(3600));
    next.time().settle().await;
    let request = next.until(id, |request| !request.status.is_open()).await.unwrap();
    assert_eq!(request.status, Status::Expired);
    assert_eq!(time.now(), request.decision.as_ref().unwrap().at);
}

#[tokio::test]
async fn many_deadlines_at_once_are_all_kept() {
    let manager = unattended();
    let mut all = Vec::new();
    for _ in 0..1_000 {
        all.push(tokio::spawn(
            manager.request(call_with(|action| Ok(action.timeout(seconds(60))))).await.unwrap(),
        ));
    }
    manager.advance(seconds(60)).await;
    for waiting in all {
        assert!(matches!(soon(waiting).await.unwrap(), Err(ApprovalError::Expired(_))));
    }
}

#[tokio::test]
async fn a_call_that_is_decided_is_not_due_any_more() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.reject(id, ANN, "no").await.unwrap();
    let before = manager.get(id).await.unwrap();
    manager.advance(seconds(24 * 3600)).await;
    assert_eq!(manager.get(id).await.unwrap(), before);
    assert!(matches!(error(soon(waiting).await).0, ApprovalError::Rejected(_)));
}
