//! An agent on one machine, the people who decide on another, and one database between them. Neither calls the other; either
//! may be started first, and die and be started again.
//!
//! ```text
//! machine A: cargo run --example two_machines -- agent   postgres://user:password@host/database
//! machine B: cargo run --example two_machines -- decider postgres://user:password@host/database
//! ```
//!
//! In the place of the argument the environment variable `APPROVALS_STORE` will do, which other users of the machine do not
//! see. Without any argument, `cargo run --example two_machines`, both are started here as processes of their own, on the
//! store of `APPROVALS_STORE` or, without one, on a SQLite file: two processes share that too, if they are on one machine.
//!
//! Whoever may write to the database could write an approval there. Where the agent is not to be trusted so far, keep it away
//! from the database.

use std::{env, io, path::Path, process::Stdio, sync::Arc};

use anyhow::Context as _;
use approval_core::{
    ApprovalError, ApprovalManager, Context, guarded_action,
    notify::{HandlerReply, Notice, NotifyError},
    store::Store,
};
use approval_store::STORE_VARIABLE;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::oneshot,
};

#[guarded_action(
    name = "payments.pay",
    description = "Pay {euros} EUR to {to}",
    risk = "high",
    approvers("user:ann@example.com"),
    timeout = "10m",
    manager = approvals
)]
async fn pay(approvals: &ApprovalManager, to: &str, euros: u64) -> Result<(), ApprovalError> {
    println!("pays {euros} EUR to {to}");
    Ok(())
}

/// The agent. Nobody decides in this process: what it asks is written to the store, and so is the answer.
async fn agent(store: Arc<dyn Store>) -> anyhow::Result<()> {
    let approvals = ApprovalManager::builder()
        .shared_store(Arc::clone(&store))
        .channel_elsewhere("handler") // What `decider` serves below.
        .agent("bookkeeper")
        .build()?;
    let work = async {
        for (to, euros) in [("acme", 120), ("a new supplier", 9_000), ("acme", 80)] {
            println!("asks to pay {euros} EUR to {to}");
            if let Err(refused) = pay(&approvals, to, euros).await {
                println!("does not pay: {}", refused.stop_reason());
            }
        }
    };
    Context::new().intent("the bills of this month").scope(work).await;
    println!("is done");
    approvals.shutdown().await?;
    store.close().await?;
    Ok(())
}

/// The part of the arguments that matters here.
#[derive(Deserialize)]
struct Payment {
    euros: u64,
}

/// Stands for Ann, who is told of each request and answers; in earnest, a channel that reaches her.
async fn ann(notice: Notice) -> Result<HandlerReply, NotifyError> {
    let revision = &notice.request.revision;
    let Payment { euros } = serde_json::from_str(revision.arguments.as_str())
        .map_err(|error| NotifyError::permanent(format!("these are no arguments of a payment: {error}")))?;
    let reply =
        if euros > 1_000 { HandlerReply::Reject("too much".to_owned()) } else { HandlerReply::Approve };
    let word = if euros > 1_000 { "no" } else { "yes" };
    println!("{} reads: {}, and says {word}", notice.to, revision.description);
    Ok(reply)
}

/// Decides what it is told of, until Ctrl-C or the end of its input.
async fn decider(store: Arc<dyn Store>) -> anyhow::Result<()> {
    let approvals =
        ApprovalManager::builder().shared_store(Arc::clone(&store)).handler(ann).agent("desk").build()?;
    println!("waits for requests");
    tokio::select! {
        _ = end_of_input() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    approvals.shutdown().await?;
    store.close().await?;
    println!("is done");
    Ok(())
}

/// Comes when standard input ends. Read by a thread of its own, which need not end when the program does.
fn end_of_input() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let read = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop((read, tell)); // Dropped, it tells as well.
    });
    told
}

/// This program once more, as a process of its own.
fn start(role: &str, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    if env::var_os(STORE_VARIABLE).is_none_or(|url| url.is_empty()) {
        command.env(STORE_VARIABLE, format!("sqlite:{}", file.display()));
    }
    command.arg(role).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command.spawn()?)
}

/// Shows what a process prints, with its name in front.
async fn show(name: &str, output: impl AsyncRead + Unpin) -> anyhow::Result<()> {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{name:7} | {line}");
    }
    Ok(())
}

/// Starts both, and ends the decider once the agent has done its work.
async fn both() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("approvals.sqlite");
    let (mut agent, mut decider) = (start("agent", &file)?, start("decider", &file)?);
    let (said_by_agent, said_by_decider) = (agent.stdout.take(), decider.stdout.take());
    let input = decider.stdin.take(); // Waiting for a process would close its input.
    let end = async {
        tokio::select! {
            ended = agent.wait() => anyhow::ensure!(ended?.success(), "the agent failed"),
            ended = decider.wait() => anyhow::bail!("the decider ended too early: {}", ended?),
        }
        drop(input);
        anyhow::ensure!(decider.wait().await?.success(), "the decider failed");
        Ok(())
    };
    tokio::try_join!(
        show("agent", said_by_agent.context("the output of the agent")?),
        show("decider", said_by_decider.context("the output of the decider")?),
        end,
    )?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let Some(role) = arguments.next() else { return both().await };
    let store = match arguments.next() {
        Some(url) => approval_store::connect(&url).await?,
        None => approval_store::from_env("").await?, // It must be set.
    };
    anyhow::ensure!(store.info().durable, "two processes need a store that both can open");
    match role.as_str() {
        "agent" => agent(store).await,
        "decider" => decider(store).await,
        _ => anyhow::bail!("start it as `two_machines agent [URL]` or `two_machines decider [URL]`"),
    }
}
