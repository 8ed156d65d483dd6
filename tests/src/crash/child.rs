//! The process that is killed: many requests at the same time, each led along its course.

use std::{collections::VecDeque, path::PathBuf, sync::Arc, sync::Mutex, time::Duration};

use anyhow::{Context as _, bail, ensure};
use approval_core::{
    ApprovalManager, Clock, RequestId,
    clock::Span,
    model::{Execution, ExecutionState, Request},
    notify::{Decider, HandlerReply},
};
use approval_store::SqliteStore;
use serde_json::Value;
use tokio::sync::Notify;

use super::{
    bodies::Bodies,
    clock::OffsetClock,
    kill::{Killer, say},
    ledger::Line,
    plan::{Plan, Step, call, person},
};
use crate::random::Random;

/// Name of the agent in every process: part of the scope of the keys.
pub const AGENT: &str = "crash";

/// How a child is to work. Handed over as one JSON text.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Orders {
    /// The store's file.
    pub store: PathBuf,
    /// The file of the bodies.
    pub bodies: PathBuf,
    /// How far the clock is off, in milliseconds.
    pub clock_off: i64,
    /// Chooses the courses.
    pub seed: u64,
    /// In front of every new key.
    pub prefix: String,
    /// New requests.
    pub requests: usize,
    /// Requests that are led along their courses at the same time.
    pub lanes: usize,
    /// Whether there is a channel: without, nothing is written but what the courses ask for.
    pub channel: bool,
    /// Requests of earlier processes to go on with: key, name of the course, steps done.
    pub unfinished: Vec<(String, String, usize)>,
    /// Where to kill itself.
    pub point: Option<String>,
    /// At which hit.
    pub hit: u64,
}

struct Work {
    manager: ApprovalManager,
    decider: Decider,
    bodies: Bodies,
    killer: Arc<Killer>,
    todo: Mutex<VecDeque<(String, Plan, usize)>>,
}

/// Opens a manager on the file of `orders`, as every process of this test does.
///
/// # Errors
/// If the store cannot be opened.
pub fn open(orders: &Orders, killer: &Arc<Killer>) -> anyhow::Result<ApprovalManager> {
    let clock: Arc<dyn Clock> = Arc::new(OffsetClock(Span::from_millis(orders.clock_off)));
    let reached = Arc::clone(killer);
    let store = SqliteStore::builder(&orders.store)
        .clock(Arc::clone(&clock))
        .failpoint(move |point| reached.reached(point))
        .open()?;
    let builder = ApprovalManager::builder().store(store).clock(clock).agent(AGENT).unattended();
    let builder =
        if orders.channel { builder.handler(|_| async { Ok(HandlerReply::Later) }) } else { builder };
    Ok(builder.build()?)
}

/// Does what the orders on the command line say.
///
/// # Errors
/// When something was refused that should not have been.
pub fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let orders: Orders = serde_json::from_str(&arguments.next().context("no orders")?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(work(orders))
}

async fn work(orders: Orders) -> anyhow::Result<()> {
    let killer = Arc::new(Killer::new(orders.point.clone(), orders.hit));
    let manager = open(&orders, &killer)?;
    say(&Line::Open);
    let mut random = Random::new(orders.seed);
    let mut todo = VecDeque::new();
    for (key, plan, done) in &orders.unfinished {
        todo.push_back((key.clone(), Plan::named(plan).context("no such plan")?, *done));
    }
    for number in 0..orders.requests {
        todo.push_back((format!("{}-{number}", orders.prefix), *random.one(Plan::ALL), 0));
    }
    let work = Arc::new(Work {
        decider: manager.decider("test"),
        manager,
        bodies: Bodies::new(&orders.bodies),
        killer,
        todo: Mutex::new(todo),
    });
    let lanes: Vec<_> = (0..orders.lanes)
        .map(|_| {
            let work = Arc::clone(&work);
            tokio::spawn(async move {
                while let Some((key, plan, done)) = work.next() {
                    work.lead(&key, plan, done).await.with_context(|| format!("{key} {plan} from {done}"))?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for lane in lanes {
        lane.await??;
    }
    say(&Line::End);
    work.manager.shutdown().await?;
    work.manager.store().close().await?;
    Ok(())
}

impl Work {
    fn next(&self) -> Option<(String, Plan, usize)> {
        self.todo.lock().expect("nobody panics with it").pop_front()
    }

    /// Leads a request along the rest of its course.
    async fn lead(&self, key: &str, plan: Plan, done: usize) -> anyhow::Result<()> {
        let mut id = None;
        if done > 0 {
            // The same call again: the same request.
            id = Some(self.manager.request(call(key, plan)).await?.detach());
        }
        let mut step = done;
        while step < plan.steps().len() {
            say(&Line::Try { key: key.to_owned(), plan, step });
            let taken = self.take(key, plan, step, id).await?;
            id = Some(taken.0);
            step += taken.1;
            say(&Line::Done { key: key.to_owned(), step: step - 1, id: taken.0 });
        }
        Ok(())
    }

    /// Takes one step, or the two of a body. Gives back how many.
    async fn take(
        &self,
        key: &str,
        plan: Plan,
        step: usize,
        id: Option<RequestId>,
    ) -> anyhow::Result<(RequestId, usize)> {
        if plan.steps()[step] == Step::Open {
            return Ok((self.manager.request(call(key, plan)).await?.detach(), 1));
        }
        let id = id.context("it is open")?;
        let seen = self.manager.get(id).await?;
        match plan.steps()[step] {
            Step::Approve(number) => drop(self.decider.approve(&seen, &person(number), None).await?),
            Step::Reject => drop(self.decider.reject(&seen, &person(1), Some("no")).await?),
            Step::Cancel => drop(self.manager.requester().cancel(id, "not needed").await?),
            Step::Revoke => drop(self.manager.revoke(id, &person(2), "after all not").await?),
            Step::Begin => {
                self.guarded(key, plan, step, id).await?;
                return Ok((id, 2));
            }
            other @ (Step::Open | Step::Succeed | Step::Fail | Step::Drop) => {
                bail!("{other:?} is no step by itself")
            }
        }
        Ok((id, 1))
    }

    /// Runs the guarded body. Says itself that the grant was spent, and that the end is tried.
    async fn guarded(&self, key: &str, plan: Plan, step: usize, id: RequestId) -> anyhow::Result<()> {
        let dropped = Notify::new();
        let body = self.manager.guard(call(key, plan)).run(async |_, grant| {
            let grant = grant.context("people were asked")?;
            ensure!(grant.request().id == id, "the grant is for {}, not for {id}", grant.request().id);
            say(&Line::Done { key: key.to_owned(), step, id });
            self.killer.reached("the body begins");
            self.bodies.mark(id)?;
            self.killer.reached("the body is about to return");
            say(&Line::Try { key: key.to_owned(), plan, step: step + 1 });
            match plan.steps()[step + 1] {
                Step::Succeed => Ok(Value::Null),
                Step::Fail => bail!("the other side refused"),
                _ => {
                    dropped.notify_one();
                    std::future::pending().await
                }
            }
        });
        let expected = tokio::select! {
            ended = body => match (ended, plan.steps()[step + 1]) {
                (Ok(_), Step::Succeed) => ExecutionState::Succeeded,
                (Err(_), Step::Fail) => ExecutionState::Failed,
                (ended, wanted) => bail!("the body should have come to {wanted:?}, but {ended:?}"),
            },
            () = dropped.notified() => ExecutionState::Unknown,
        };
        // The guard gives the body's value even if its end could not be recorded: what counts is what can be read.
        self.until(id, expected).await
    }

    async fn until(&self, id: RequestId, expected: ExecutionState) -> anyhow::Result<()> {
        let reached = async {
            loop {
                let request = self.manager.get(id).await?;
                if state(&request) == Some(expected) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached)
            .await
            .with_context(|| format!("never {expected:?}"))?
    }
}

fn state(request: &Request) -> Option<ExecutionState> {
    request.execution.as_deref().map(Execution::state)
}
