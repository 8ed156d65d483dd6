//! The primary is killed, and its synchronous standby takes over.

use std::time::Duration;

use approval_core::model::Execution;
use approval_test_cluster::{Cluster, Settings};
use approval_tests::{
    machine::{Machine, Said},
    random::full,
};

use crate::common::{MACHINE, PATIENCE, Scene, failures, until, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_the_primary() {
    const AGENTS: usize = 2;
    let each = if full() { 5_000 } else { 600 };
    let cluster = Cluster::start(Settings::default().durable(true)).expect("a server");
    let standby = cluster.standby().expect("a standby");
    standby.make_synchronous().expect("commits wait for it");
    let scene = Scene::new(format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres",
        cluster.port(),
        standby.port()
    ));
    let decider = Machine::start(MACHINE, scene.decider()).await;
    up(&decider).await;
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        agents.push(Machine::start(MACHINE, scene.agent(&format!("s{number}"), (0, each), 32)).await);
    }
    until("a third of the calls are over", async || {
        agents.iter().map(Machine::over).sum::<usize>() >= AGENTS * each / 3
    })
    .await;
    tokio::task::block_in_place(|| cluster.kill()).expect("the primary can be killed");
    let acknowledged: Vec<Said> = agents.iter().flat_map(Machine::said).collect();
    tokio::task::block_in_place(|| standby.promote()).expect("the standby can be promoted");
    let mut said = Vec::new();
    for agent in agents {
        said.extend(agent.end(PATIENCE).await);
    }
    decider.end(Duration::from_mins(1)).await;
    let found = scene.requests().await;
    assert_eq!(failures(&said), Vec::<String>::new(), "calls outlast a fail-over");
    assert_eq!(found.len(), AGENTS * each, "one request for each call");
    for (key, request) in &found {
        let execution = request.execution.as_deref();
        assert!(matches!(execution, Some(Execution::Succeeded { .. })), "{key}: {execution:?}");
    }
    let ran = |said: &Said| matches!(said, Said::Ran(..));
    println!(
        "{} acknowledged before, {} in all",
        acknowledged.iter().filter(|said| ran(said)).count(),
        found.len()
    );
    assert!(acknowledged.iter().any(ran), "nothing was acknowledged before the primary died");
    for said in acknowledged {
        if let Said::Ran(key, id) = said {
            assert_eq!(found[&key].id, id, "{key} was acknowledged by the primary");
        }
    }
    scene.check_bodies(&found);
}
