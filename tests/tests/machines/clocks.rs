//! Machines whose clocks are an hour off, either way: the server's clock decides.

use std::time::Duration;

use approval_core::{
    ApprovalError, ApprovalManager, Clock, SystemClock,
    clock::{Span, Timestamp},
    manager::ManagerBuilder,
    model::{Outcome, Request, Status},
};
use approval_test_cluster::Cluster;
use approval_tests::machine::{self, Machine, Orders};

use crate::common::{MACHINE, Scene, until, up};

const HOUR: i64 = 3_600_000;

fn off(mut orders: Orders, clock_off: i64) -> Orders {
    orders.clock_off = clock_off;
    orders
}

async fn manager(scene: &Scene, clock_off: i64) -> ApprovalManager {
    let orders = off(scene.caretaker(), clock_off);
    machine::manager(&orders, ManagerBuilder::unattended).await.expect("a manager")
}

async fn open(manager: &ApprovalManager, key: &str, timeout: Span) -> Request {
    let action = machine::call(key).describe(|action| Ok(action.timeout(timeout))).expect("a call");
    let pending = manager.request(action).await.expect("it is opened");
    let request = pending.request().await.expect("it is there");
    let _ = pending.detach();
    Request::clone(&request)
}

fn near(found: Timestamp, wanted: Timestamp) -> bool {
    found.duration_since(wanted).abs() < Span::from_mins(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_clock_of_a_machine_lets_a_late_vote_in_or_expires_anything_early() {
    let database = Cluster::shared().database().expect("a database");
    let scene = Scene::new(database.url());
    // Processes that look after what is due, one an hour ahead and one an hour behind.
    let mut caretakers = Vec::new();
    for clock_off in [HOUR, -HOUR] {
        let caretaker = Machine::start(MACHINE, off(scene.caretaker(), clock_off)).await;
        up(&caretaker).await;
        caretakers.push(caretaker);
    }
    for (asks, votes) in [(HOUR, -HOUR), (-HOUR, HOUR), (0, -HOUR), (-HOUR, 0)] {
        let (asking, voting) = (manager(&scene, asks).await, manager(&scene, votes).await);
        let key = format!("{asks} {votes}");
        let long = open(&asking, &format!("{key} long"), Span::from_mins(30)).await;
        let short = open(&asking, &format!("{key} short"), Span::from_secs(2)).await;
        assert!(near(long.created_at, SystemClock.now()), "{key}: opened at {}", long.created_at);

        // The short one expires when its time has come by the server's clock, whoever notices it.
        let expired = async || asking.get(short.id).await.expect("it is there").status == Status::Expired;
        until("the short one expires", expired).await;
        let ended = asking.get(short.id).await.expect("it is there");
        let decision = ended.decision.as_deref().expect("it is decided");
        let deadline = short.deadline.expect("it has a deadline");
        assert!(decision.at >= deadline, "{key}: it expired at {}, before {deadline}", decision.at);
        assert!(near(decision.at, deadline), "{key}: it expired at {}, long after {deadline}", decision.at);

        // To the voter's clock it may well be in time: it is late.
        let decider = voting.decider("test");
        let late = decider
            .approve(&short, &approval_core::Principal::new(machine::PERSON).expect("a person"), None)
            .await;
        match late {
            Err(ApprovalError::AlreadyDecided { decision, .. }) => {
                assert_eq!(decision.outcome, Outcome::Expired, "{key}");
            }
            other => panic!("{key}: a late vote came to {other:?}"),
        }
        // And the long one, over by the clock of one of them, is open, and can be approved.
        let seen = voting.get(long.id).await.expect("it is there");
        assert_eq!(seen.status, Status::Pending, "{key}");
        let person = approval_core::Principal::new(machine::PERSON).expect("a person");
        let approved = decider.approve(&seen, &person, None).await.expect("it is in time");
        assert_eq!(approved.status, Status::Approved, "{key}");
        for manager in [asking, voting] {
            manager.shutdown().await.expect("it ends");
            manager.store().close().await.expect("it is closed");
        }
    }
    for caretaker in caretakers {
        caretaker.end(Duration::from_mins(1)).await;
    }
}
