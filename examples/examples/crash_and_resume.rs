//! What becomes of an approval when the agent is killed: while people think, and while the action runs. The agent is a
//! process of its own, which this program starts and kills (SIGKILL). Try `cargo run --example crash_and_resume`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use approval_core::{
    ApprovalError, ApprovalManager, Context, Principal,
    clock::Span,
    guarded_action,
    lifecycle::Settlement,
    model::{ExecutionState, Request},
    store::Query,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

#[guarded_action(
    name = "payments.transfer",
    description = "Transfer {cents} cents to {to}",
    risk = "high",
    approvers("user:ann@example.com"),
    key = to,
    manager = approvals
)]
async fn transfer(approvals: &ApprovalManager, to: &str, cents: u64) -> Result<(), ApprovalError> {
    println!("transferring {cents} cents to {to}");
    std::future::pending().await // It never gets further: the process is killed here.
}

/// The agent and whoever supervises it work with one store.
async fn manager(file: &Path) -> anyhow::Result<ApprovalManager> {
    let store = approval_store::from_env(&file.display().to_string()).await?;
    anyhow::ensure!(store.info().durable, "two processes need a store that both can open");
    Ok(ApprovalManager::builder()
        .shared_store(store)
        .agent("payroll")
        .lease(Span::from_secs(1)) // After a second without a sign of life a process counts as lost.
        .unattended()
        .build()?)
}

/// The process that is killed. It makes the same call whenever it is started.
async fn agent(file: &Path) -> anyhow::Result<()> {
    let approvals = manager(file).await?;
    let work = async {
        match transfer(&approvals, "acme", 5_000).await {
            Ok(()) => println!("done"),
            Err(refused) => println!("{}: {refused}", refused.stop_reason()),
        }
    };
    Context::new().run("march").scope(work).await;
    Ok(())
}

/// Starts the agent; what it prints comes through.
fn start_agent(file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    Ok(command.arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
}

/// The next line that the agent prints.
async fn hears(agent: &mut Child) -> anyhow::Result<()> {
    let output = agent.stdout.as_mut().context("the agent's output was taken")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    println!("   agent: {}", line.trim());
    Ok(())
}

/// Waits until there is a request in this state.
async fn comes_to(
    approvals: &ApprovalManager,
    state: impl Fn(&Request) -> bool,
) -> anyhow::Result<Arc<Request>> {
    loop {
        let all = approvals.list(&Query::default()).await?.items;
        if let Some(found) = all.into_iter().find(|stored| state(&stored.request)) {
            return Ok(found.request);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_unknown(request: &Request) -> bool {
    request.execution.as_ref().is_some_and(|execution| execution.state() == ExecutionState::Unknown)
}

async fn supervise(file: &Path) -> anyhow::Result<()> {
    let approvals = manager(file).await?;
    let ann = Principal::user("ann@example.com")?;

    println!("1. The agent asks, and is killed while Ann thinks.");
    let mut first = start_agent(file)?;
    let asked = comes_to(&approvals, |request| request.status.is_open()).await?;
    first.kill().await?;

    println!("2. It is started again, and Ann approves the request that is still there.");
    let mut second = start_agent(file)?;
    approvals.decider("console").approve(&asked, &ann, None).await?;
    hears(&mut second).await?;
    let count = approvals.list(&Query::default()).await?.items.len();
    println!("   requests in the store: {count}");

    println!("3. It is killed in the middle of the transfer. Did the money go? Nobody knows.");
    second.kill().await?;
    comes_to(&approvals, is_unknown).await?;
    hears(&mut start_agent(file)?).await?;

    println!("4. Ann asks the bank, and settles it: the money went. The call does not run again.");
    approvals.settle(asked.id, &ann, Settlement::Succeeded, Some("seen at the bank")).await?;
    hears(&mut start_agent(file)?).await?;
    approvals.shutdown().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Some(file) = env::args_os().nth(1) {
        agent(&PathBuf::from(file)).await
    } else {
        let folder = tempfile::tempdir()?;
        supervise(&folder.path().join("approvals.sqlite")).await
    }
}
