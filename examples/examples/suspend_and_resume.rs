//! For servers that must not wait: a call in suspend mode returns at once as long as nobody decided (answer "202
//! Accepted" then), and the same call, made again later, runs once. Also in another process; here, in another manager on the
//! same file. Try `cargo run --example suspend_and_resume`.

use std::path::Path;

use anyhow::Context as _;
use approval_core::{ApprovalError, ApprovalManager, Principal, RequestId, guarded_action};

#[guarded_action(
    name = "accounts.close",
    description = "Close the account of {customer}",
    risk = "high",
    approvers("user:ann@example.com"),
    mode = "suspend",
    key = customer, // By which the call is known when it is made again.
    manager = approvals
)]
async fn close_account(approvals: &ApprovalManager, customer: &str) -> Result<(), ApprovalError> {
    println!("  closed the account of {customer}");
    Ok(())
}

/// Each step below could be a process of its own: nothing but the file is shared between them.
async fn start(file: &Path) -> anyhow::Result<ApprovalManager> {
    // No channel here hears decisions; they come in through `decider`, as from a web page of yours.
    Ok(ApprovalManager::builder()
        .shared_store(approval_store::from_env(&file.display().to_string()).await?)
        .agent("back-office")
        .unattended()
        .build()?)
}

async fn agent_calls(file: &Path) -> anyhow::Result<Option<RequestId>> {
    let approvals = start(file).await?;
    let waits = match close_account(&approvals, "acme").await {
        Ok(()) => None,
        Err(ApprovalError::Pending(about)) => {
            println!("  202 Accepted: {about} waits for people");
            Some(about.request)
        }
        Err(ApprovalError::AlreadyRan { about, state }) => {
            println!("  {about} ran already: {}", state.as_str());
            None
        }
        Err(other) => return Err(other.into()),
    };
    approvals.shutdown().await?;
    Ok(waits)
}

async fn ann_approves(file: &Path, request: RequestId) -> anyhow::Result<()> {
    let approvals = start(file).await?;
    let decider = approvals.decider("back-office web page");
    // You have authenticated Ann; she approves the arguments that she saw.
    let seen = decider.get(request).await?;
    decider.approve(&seen, &Principal::user("ann@example.com")?, None).await?;
    println!("  approved: {}", seen.revision.description);
    approvals.shutdown().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("approvals.sqlite");

    println!("1. The agent calls:");
    let request = agent_calls(&file).await?.context("nobody was asked")?;
    println!("2. Later, elsewhere, Ann decides:");
    ann_approves(&file, request).await?;
    println!("3. The agent makes the same call again, and it runs:");
    agent_calls(&file).await?;
    println!("4. Once more, and it does not run a second time:");
    agent_calls(&file).await?;
    Ok(())
}
