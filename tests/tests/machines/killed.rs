//! Machines are killed at random: others take over what was theirs.

use std::time::Duration;

use approval_core::{
    model::{EventKind, Execution, Outcome, Status},
    store::Query,
};
use approval_test_cluster::Cluster;
use approval_tests::{
    machine::{self, Machine, Said},
    random::{Random, full, seed},
};

use crate::common::{MACHINE, PATIENCE, Scene, argument, until, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_is_replaced_and_nothing_runs_twice() {
    const AGENTS: usize = 3;
    let (each, kills) = if full() { (4_000, 200) } else { (300, 12) };
    let mut random = Random::new(seed("killed machines"));
    let database = Cluster::shared().database().expect("a database");
    let scene = Scene::new(database.url());
    let mut deciders =
        vec![Machine::start(MACHINE, scene.decider()).await, Machine::start(MACHINE, scene.decider()).await];
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        agents.push(Machine::start(MACHINE, scene.agent(&format!("k{number}"), (0, each), 16)).await);
    }
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(100 + random.below(400))).await;
        let victim = usize::try_from(random.below(5)).expect("small");
        let all = deciders.len();
        let machine = if victim < all { &mut deciders[victim] } else { &mut agents[victim - all] };
        machine.kill().await;
        // In its place comes another one, which begins from the beginning: what has run is not run again.
        *machine = Machine::start(MACHINE, machine.orders.clone()).await;
    }
    let mut said = Vec::new();
    for agent in agents {
        said.extend(agent.end(PATIENCE).await);
    }
    for decider in deciders {
        decider.end(PATIENCE).await;
    }
    let found = scene.requests().await;
    assert_eq!(found.len(), AGENTS * each, "one request for each call");
    let mut in_doubt = 0;
    for (key, request) in &found {
        assert_eq!(request.status, Status::Approved, "{key} was decided");
        match request.execution.as_deref() {
            Some(Execution::Succeeded { .. }) => {}
            // Its process was killed between the grant and the word that it is done.
            Some(Execution::Executing { .. } | Execution::Unknown { .. }) => in_doubt += 1,
            other => panic!("{key}: {other:?}"),
        }
    }
    println!("{kills} kills, {} calls, {in_doubt} in doubt", found.len());
    assert!(in_doubt <= kills * 16, "only what was running when its process was killed is in doubt");
    assert!(
        said.iter().all(|said| !matches!(said, Said::Failed(..))),
        "{:?}",
        crate::common::failures(&said)
    );
    scene.check_bodies(&found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_done_once_though_those_who_look_after_it_are_killed() {
    let requests = if full() { 3_000 } else { 300 };
    let database = Cluster::shared().database().expect("a database");
    let scene = Scene::new(database.url());
    // Opened by a machine that is gone before anything is due.
    let orders = scene.caretaker();
    let opener =
        machine::manager(&orders, approval_core::manager::ManagerBuilder::unattended).await.expect("up");
    for number in 0..requests {
        let key = format!("due-{number}");
        let action = machine::call(&key)
            .describe(|action| Ok(action.timeout(approval_core::clock::Span::from_secs(3))));
        let _ = opener.request(action.expect("a call")).await.expect("it is opened").detach();
    }
    opener.shutdown().await.expect("it ends");
    opener.store().close().await.expect("it is closed");
    let mut caretakers = vec![
        Machine::start(MACHINE, orders.clone()).await,
        Machine::start(MACHINE, orders.clone()).await,
        Machine::start(MACHINE, orders.clone()).await,
    ];
    for caretaker in &caretakers {
        up(caretaker).await;
    }
    let store = scene.store().await;
    let open = async || {
        let query = Query { status: vec![Status::Pending], limit: 10_000, ..Query::default() };
        store.list(&query).await.expect("a readable store").items.len()
    };
    // In the middle of the work two of three are killed, one after the other.
    for left in [requests * 9 / 10, requests / 2] {
        until("requests expire", async || open().await <= left).await;
        caretakers.pop().expect("one more").kill().await;
    }
    until("every request expires", async || open().await == 0).await;
    for caretaker in caretakers {
        caretaker.end(PATIENCE).await;
    }
    let found = scene.requests().await;
    assert_eq!(found.len(), requests);
    for (key, request) in &found {
        assert_eq!(request.status, Status::Expired, "{key}");
        assert_eq!(argument(request, "key"), *key);
        let history = store.history(request.id).await.expect("a readable store");
        let expired = history
            .iter()
            .map(|line| line.event().expect("an event"))
            .filter(|event| matches!(event.what, EventKind::Decided { outcome: Outcome::Expired, .. }));
        assert_eq!(expired.count(), 1, "{key} expires once");
    }
    store.close().await.expect("it is closed");
}
