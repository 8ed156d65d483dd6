//! The server is restarted every few seconds under load.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use approval_core::model::Execution;
use approval_test_cluster::{Cluster, Mode, Settings};
use approval_tests::{
    machine::{Machine, Said},
    random::full,
};

use crate::common::{MACHINE, PATIENCE, Scene, failures, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_every_few_seconds_loses_no_wait_and_doubles_none() {
    const AGENTS: usize = 4;
    let waits = if full() { 100_000 } else { 5_000 };
    let cluster = Cluster::start(Settings::default().durable(true)).expect("a server");
    let scene = Scene::new(cluster.url());
    let mut deciders = Vec::new();
    for _ in 0..2 {
        let decider = Machine::start(MACHINE, scene.decider()).await;
        up(&decider).await;
        deciders.push(decider);
    }
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        let share = (0, waits / AGENTS);
        agents.push(Machine::start(MACHINE, scene.agent(&format!("a{number}"), share, 32)).await);
    }
    let over = AtomicBool::new(false);
    let (restarts, said) = tokio::join!(
        async {
            let mut restarts = 0;
            while !over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_secs(3)).await;
                let mode = if restarts % 2 == 0 { Mode::Immediate } else { Mode::Fast };
                tokio::task::block_in_place(|| cluster.restart(mode)).expect("it can be restarted");
                restarts += 1;
            }
            restarts
        },
        async {
            let mut said = Vec::new();
            for agent in agents {
                said.extend(agent.end(PATIENCE * if full() { 12 } else { 1 }).await);
            }
            over.store(true, Ordering::Relaxed);
            said
        },
    );
    for decider in deciders {
        decider.end(PATIENCE).await;
    }
    let found = scene.requests().await;
    println!("{restarts} restarts, {} requests", found.len());
    assert!(restarts > 0, "the server was never restarted");
    assert_eq!(failures(&said), Vec::<String>::new(), "calls outlast a restart");
    let ran = said.iter().filter(|said| matches!(said, Said::Ran(..))).count();
    assert_eq!(ran, waits, "every call ran");
    assert_eq!(found.len(), waits, "one request for each call");
    for (key, request) in &found {
        let execution = request.execution.as_deref();
        assert!(matches!(execution, Some(Execution::Succeeded { .. })), "{key}: {execution:?}");
    }
    scene.check_bodies(&found);
}
