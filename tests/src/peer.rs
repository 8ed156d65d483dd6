//! Another process on the same store: it is told what to do line by line, and says what came of it.

use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use approval_core::{
    Action, ApprovalError, ApprovalManager, Clock, Principal, RequestId, SystemClock,
    clock::Timestamp,
    model::{Decision, HaltScope},
    policy::Ruling,
};
use approval_store::SqliteStore;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{mpsc, oneshot},
};

/// Who may decide in these tests.
pub const PEOPLE: [&str; 3] = ["user:ann@example.com", "user:bob@example.com", "user:cy@example.com"];

/// How long a peer may take to answer; far more than a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a peer is told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Approve, as the person of this number.
    Approve(RequestId, usize),
    /// Reject, as the person of this number.
    Reject(RequestId, usize),
    /// Wait until it is decided.
    Wait(RequestId),
    /// Use the grant.
    Begin(RequestId),
    /// Open a request.
    Open,
    /// Call what the policy allows without asking.
    Allowed,
    /// Halt everything.
    Halt,
    /// End the halt.
    Resume,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// It was done; the request was decided by it, or waited for was this decision.
    Decided(Decision),
    /// It was decided before.
    AlreadyDecided(Decision),
    /// A request was opened.
    Opened(RequestId),
    /// The body ran.
    Ran,
    /// The grant was used before.
    AlreadyRan,
    /// A halt forbade it.
    Halted,
    /// It was done.
    Done,
    /// Anything else.
    Other(String),
}

/// An answer, and the moment before it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    pub came: Came,
    /// When.
    pub at: Timestamp,
}

/// A manager as every process of these tests opens it.
///
/// # Errors
/// If the store cannot be opened.
pub fn open(store: &Path) -> anyhow::Result<ApprovalManager> {
    let manager = ApprovalManager::builder()
        .store(SqliteStore::open(store)?)
        .agent("peer")
        .policy_fn(
            |call| if call.action.name.as_str() == "peer.look" { Ruling::allow() } else { Ruling::ask() },
        )
        .unattended()
        .build()?;
    Ok(manager)
}

/// A call that people are asked about.
///
/// # Panics
/// Never, unless the library refuses what it should take.
#[must_use]
pub fn call() -> Action {
    Action::new("peer.run")
        .and_then(|action| action.describe(|action| action.approvers(PEOPLE)))
        .expect("a call")
}

/// The person of this number.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn person(number: usize) -> Principal {
    Principal::new(PEOPLE[number]).expect("a principal")
}

/// Does what an order says.
pub async fn obey(manager: &ApprovalManager, order: &Order) -> Answer {
    let came = match order_of(manager, order).await {
        Ok(came) => came,
        Err(ApprovalError::AlreadyDecided { decision, .. }) => {
            Came::AlreadyDecided(Decision::clone(&decision))
        }
        Err(ApprovalError::AlreadyRan { .. }) => Came::AlreadyRan,
        Err(ApprovalError::Halted { .. }) => Came::Halted,
        Err(
            ApprovalError::Rejected(ended) | ApprovalError::Expired(ended) | ApprovalError::Cancelled(ended),
        ) => Came::Decided(Decision::clone(&ended.decision)),
        Err(error) => Came::Other(error.to_string()),
    };
    Answer { came, at: SystemClock.now() }
}

async fn order_of(manager: &ApprovalManager, order: &Order) -> Result<Came, ApprovalError> {
    let decider = manager.decider("peer");
    let operator = Principal::service("operator").expect("a name");
    let decided = |decision: Option<&Decision>| decision.cloned().map_or(Came::Done, Came::Decided);
    Ok(match order {
        Order::Approve(id, number) => {
            let seen = manager.get(*id).await?;
            decided(decider.approve(&seen, &person(*number), None).await?.decision.as_deref())
        }
        Order::Reject(id, number) => {
            let seen = manager.get(*id).await?;
            decided(decider.reject(&seen, &person(*number), None).await?.decision.as_deref())
        }
        Order::Wait(id) => decided(manager.attach(*id).await?.await?.decision()),
        Order::Begin(id) => {
            let mut execution = manager.attach(*id).await?.await?.begin_as(call().spec()).await?;
            execution.start();
            execution.succeeded(None).await;
            Came::Ran
        }
        Order::Open => Came::Opened(manager.request(call()).await?.detach()),
        Order::Allowed => {
            let look = Action::new("peer.look")?;
            manager.guard(look).run(async |_, _| Ok::<_, ApprovalError>(Value::Null)).await?;
            Came::Ran
        }
        Order::Halt => {
            manager.halt(HaltScope::Everything, &operator, "stop").await?;
            Came::Done
        }
        Order::Resume => {
            manager.resume(&HaltScope::Everything, &operator).await?;
            Came::Done
        }
    })
}

/// The program of the peer: reads orders, answers each when it is done. Ends with its input.
///
/// # Errors
/// If an order cannot be read, or the store cannot be opened.
pub fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let store = PathBuf::from(arguments.next().context("no store is named")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(&store))
}

async fn serve(store: &Path) -> anyhow::Result<()> {
    let manager = open(store)?;
    let mut lines = lines_of_input();
    let mut obeying = tokio::task::JoinSet::new();
    while let Some(line) = lines.recv().await {
        let (number, order): (u64, Order) = serde_json::from_str(&line?)?;
        let manager = manager.clone();
        obeying.spawn(async move {
            let answer = serde_json::to_string(&(number, obey(&manager, &order).await))?;
            std::io::stdout().lock().write_all(format!("{answer}\n").as_bytes())?;
            anyhow::Ok(())
        });
    }
    while let Some(obeyed) = obeying.join_next().await {
        obeyed??;
    }
    manager.shutdown().await?;
    manager.store().close().await?;
    Ok(())
}

/// The lines of standard input, read by a thread of their own.
fn lines_of_input() -> mpsc::UnboundedReceiver<std::io::Result<String>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

type Asked = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    stdin: tokio::sync::Mutex<ChildStdin>,
    asked: Asked,
    next: AtomicU64,
}

impl Peer {
    /// Starts `program` on a store.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(program: &str, store: &Path) -> Self {
        let mut child = Command::new(program)
            .arg(store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the peer starts");
        let stdin = child.stdin.take().expect("its input is a pipe");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let asked = Asked::default();
        let waiting = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await.expect("lines of text") {
                let (number, answer): (u64, Answer) = serde_json::from_str(&line).expect("an answer");
                let asker = waiting.lock().expect("nobody panics with it").remove(&number);
                drop(asker.expect("an answer to an order").send(answer));
            }
        });
        Self { child, stdin: tokio::sync::Mutex::new(stdin), asked, next: AtomicU64::new(0) }
    }

    /// Gives an order and waits for the answer.
    ///
    /// # Panics
    /// If the peer is gone, or does not answer.
    pub async fn order(&self, order: Order) -> Answer {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (asker, answer) = oneshot::channel();
        self.asked.lock().expect("nobody panics with it").insert(number, asker);
        let line = format!("{}\n", serde_json::to_string(&(number, &order)).expect("an order is JSON"));
        self.stdin.lock().await.write_all(line.as_bytes()).await.expect("the peer listens");
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer.expect("the peer is alive"),
            Err(_) => panic!("the peer never answered {order:?}"),
        }
    }

    /// Ends it in peace.
    ///
    /// # Panics
    /// If it does not end well.
    pub async fn end(self) {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        let status = tokio::time::timeout(PATIENCE, child.wait())
            .await
            .expect("the peer ends")
            .expect("it is waited for");
        assert!(status.success(), "the peer ended with {status}");
    }
}
