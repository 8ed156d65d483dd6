//! Machines that share one database: agents that ask and run, and deciders that approve. Each is a process of its own, which
//! can be killed.

use std::{
    io::Write as _,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use approval_core::{
    Action, ApprovalError, ApprovalManager, RequestId, clock::Span, manager::ManagerBuilder,
    notify::HandlerReply,
};
use approval_store::PostgresStore;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{crash::bodies::Bodies, crash::clock::OffsetClock};

/// Who is asked.
pub const PERSON: &str = "user:ann@example.com";
/// Name of the agent on every machine: part of the scope of the keys.
pub const AGENT: &str = "machine";
/// The channel that deciders serve.
pub const CHANNEL: &str = "handler";

/// What a machine is to do. Handed over as one JSON text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// The database.
    pub url: String,
    /// Seconds for which the store waits for a database that cannot be reached.
    pub patience: u64,
    /// How far the clock of the machine is off, in milliseconds.
    pub clock_off: i64,
    /// Its part.
    pub role: Role,
}

/// The part of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Role {
    /// Asks, waits, and runs what is approved.
    Agent {
        /// Its keys begin with this.
        prefix: String,
        /// Numbers of the keys, those from here on.
        first: usize,
        /// How many calls.
        count: usize,
        /// How many at the same time.
        lanes: usize,
        /// Where bodies leave their mark.
        bodies: PathBuf,
    },
    /// Approves whatever it is told of, until it is killed or its input ends.
    Decider,
    /// Looks after what is due, and nothing else, until it is killed or its input ends.
    Caretaker,
}

/// What a machine says, a line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It is up.
    Up,
    /// The call of this key ran and returned.
    Ran(String, RequestId),
    /// The call of this key had run before.
    HadRun(String),
    /// It is not known whether the call of this key ran.
    InDoubt(String),
    /// The call of this key failed, and is made again.
    Failed(String, String),
    /// All calls are over.
    Over,
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).unwrap_or_default();
    // Whoever listened may be gone: then this process is about to be killed.
    drop(std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()));
}

/// The call of a key.
///
/// # Panics
/// Never, unless the library refuses what it should take.
#[must_use]
pub fn call(key: &str) -> Action {
    let action = Action::new("machine.run").and_then(|action| action.arguments(&json!({ "key": key })));
    let action = action.and_then(|action| action.describe(|action| action.approvers([PERSON])));
    action.expect("a call").key(key)
}

/// A manager as every machine opens it.
///
/// # Errors
/// When the store or the manager cannot be opened.
pub async fn manager(
    orders: &Orders,
    more: impl FnOnce(ManagerBuilder) -> ManagerBuilder,
) -> anyhow::Result<ApprovalManager> {
    let store = PostgresStore::builder(&orders.url)
        .patience(Duration::from_secs(orders.patience))
        .due_lease(Duration::from_secs(2))
        .pool_size(4)
        .connect()
        .await?;
    let clock = Arc::new(OffsetClock(Span::from_millis(orders.clock_off)));
    let builder = ApprovalManager::builder().store(store).clock(clock).agent(AGENT).lease(Span::from_secs(5));
    Ok(more(builder).build()?)
}

/// The program of a machine.
///
/// # Errors
/// If its orders cannot be read, or the store cannot be opened.
pub fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let orders: Orders = serde_json::from_str(&arguments.next().unwrap_or_default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(work(orders))
}

async fn work(orders: Orders) -> anyhow::Result<()> {
    let manager = match &orders.role {
        Role::Agent { .. } => manager(&orders, |builder| builder.channel_elsewhere(CHANNEL)).await?,
        Role::Decider => {
            manager(&orders, |builder| builder.handler(|_| async { Ok(HandlerReply::Approve) })).await?
        }
        Role::Caretaker => manager(&orders, ManagerBuilder::unattended).await?,
    };
    say(&Said::Up);
    match orders.role {
        Role::Agent { prefix, first, count, lanes, bodies } => {
            let next = Arc::new(AtomicUsize::new(first));
            let mut working = tokio::task::JoinSet::new();
            for _ in 0..lanes {
                let (manager, next) = (manager.clone(), Arc::clone(&next));
                let (prefix, bodies) = (prefix.clone(), Bodies::new(&bodies));
                working.spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= first + count {
                            return;
                        }
                        until_over(&manager, &format!("{prefix}-{number}"), &bodies).await;
                    }
                });
            }
            while let Some(worked) = working.join_next().await {
                worked?;
            }
            say(&Said::Over);
        }
        Role::Decider | Role::Caretaker => {
            let ended = tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop));
            ended.await?;
        }
    }
    manager.shutdown().await?;
    manager.store().close().await?;
    Ok(())
}

/// Makes the call of a key, again if it fails, until it has run or cannot run any more.
async fn until_over(manager: &ApprovalManager, key: &str, bodies: &Bodies) {
    loop {
        let ran = manager.guard(call(key)).run(async |_: Value, grant| {
            let id = grant.context("people are asked")?.request().id;
            bodies.mark(id)?;
            anyhow::Ok(json!(id))
        });
        match ran.await {
            Ok(id) => return say(&Said::Ran(key.to_owned(), serde_json::from_value(id).expect("an id"))),
            Err(error) => match ApprovalError::find(error.as_ref()) {
                Some(ApprovalError::AlreadyRan { .. }) => return say(&Said::HadRun(key.to_owned())),
                Some(ApprovalError::Unknown(_)) => return say(&Said::InDoubt(key.to_owned())),
                _ => say(&Said::Failed(key.to_owned(), format!("{error:#}"))),
            },
        }
    }
}

/// A machine that runs.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    said: Arc<Mutex<Vec<Said>>>,
    /// What it is to do.
    pub orders: Orders,
}

impl Machine {
    /// Starts one and waits until it is up.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(program: &str, orders: Orders) -> Self {
        let mut child = Command::new(program)
            .arg(serde_json::to_string(&orders).expect("orders are JSON"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the machine starts");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // The last line of one that is killed may be cut off.
                if let Ok(said) = serde_json::from_str(&line) {
                    heard.lock().expect("nobody panics with it").push(said);
                }
            }
        });
        Self { child, said, orders }
    }

    /// What it has said.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().expect("nobody panics with it").clone()
    }

    /// Whether it has said this.
    #[must_use]
    pub fn has_said(&self, wanted: &Said) -> bool {
        self.said().contains(wanted)
    }

    /// How many calls are over, so far.
    #[must_use]
    pub fn over(&self) -> usize {
        let over = |said: &&Said| matches!(said, Said::Ran(..) | Said::HadRun(_) | Said::InDoubt(_));
        self.said().iter().filter(over).count()
    }

    /// Kills it with SIGKILL, at once.
    ///
    /// # Panics
    /// If that cannot be done.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Waits until it has ended by itself; its input is closed first.
    ///
    /// # Panics
    /// If it ends badly, or not within the time.
    pub async fn end(mut self, patience: Duration) -> Vec<Said> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{:?} does not end", self.orders)).expect("waited for");
        assert!(status.success(), "{:?} ended with {status}", self.orders);
        self.said()
    }
}
