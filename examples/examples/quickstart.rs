//! An agent with four tools, and you as the people who decide.
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! Stop it while it waits for you (Ctrl-C, or `kill -9`), start it again, and it goes on with the same question: the
//! state lies in a SQLite file. Another folder for that file can be given: `-- path/to/folder`. As in all examples, another
//! store is named by the environment variable `APPROVALS_STORE`, such as `postgres://user@host/database`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use approval_channels::terminal::Terminal;
use approval_core::{
    ApprovalError, ApprovalManager, Context, HasApprovalManager, Money, Principal, guarded_action,
    policy::{Call, Ruling},
    store::{JournalLine, Query},
};

/// What the agent can do.
struct Tools {
    approvals: ApprovalManager,
}

/// Guarded methods ask here for the manager.
impl HasApprovalManager for Tools {
    fn approval_manager(&self) -> &ApprovalManager {
        &self.approvals
    }
}

impl Tools {
    #[guarded_action(
        name = "accounts.balance",
        description = "Read the balance of {account}",
        risk = "minimal"
    )]
    async fn balance(&self, account: &str) -> anyhow::Result<String> {
        Ok(format!("{account} has 1204.50 EUR"))
    }

    // `key`: the same call of the same run is the same request, also after a restart.
    // `replay`: once it has run, that call gets the recorded result instead of a second mail.
    #[guarded_action(
        name = "mail.send",
        description = "Send a mail to {to}: {text}",
        approvers("user:ann@example.com"),
        key = to,
        replay
    )]
    async fn send_mail(&self, to: &str, text: &str) -> anyhow::Result<String> {
        println!("   [mail server] to {to}: {text}");
        Ok(format!("sent to {to}"))
    }

    #[guarded_action(
        name = "payments.refund",
        description = "Refund {cents} cents for order {order}",
        risk = "high",
        cost = "{cents} / 100 EUR",
        require(2, "user:ann@example.com", "user:bob@example.com", "user:cho@example.com"),
        editable(cents),
        key = order,
        replay
    )]
    async fn refund(&self, order: &str, cents: u64) -> anyhow::Result<String> {
        println!("   [bank] {cents} cents for order {order}");
        Ok(format!("refunded {cents} cents"))
    }

    #[guarded_action(
        name = "database.drop_table",
        description = "Drop the table {table}",
        risk = "critical",
        approvers("user:ann@example.com")
    )]
    async fn drop_table(&self, table: &str) -> anyhow::Result<String> {
        println!("   [database] dropped {table}");
        Ok(format!("dropped {table}"))
    }
}

/// What may run without asking, what must be asked, and what is forbidden.
fn policy(call: &Call<'_>, limit: &Money) -> Ruling {
    match call.action.name.as_str() {
        "accounts.balance" => Ruling::allow().named("reading is free"),
        "payments.refund" if call.cost.is_some_and(|cost| cost <= *limit) => {
            Ruling::allow().named("small refunds")
        }
        "database.drop_table" => Ruling::deny("agents never drop tables").named("no dropping"),
        _ => Ruling::ask(),
    }
}

/// The agent's work. A real one would be led by a language model.
async fn agent(tools: &Tools) -> anyhow::Result<()> {
    println!("1. Reads a balance: allowed, nobody is asked.");
    println!("   {}", tools.balance("acme").await?);

    println!("2. Sends a mail: Ann is asked.");
    report(tools.send_mail("acme@example.com", "Your refund is on its way.").await)?;

    println!("3. Refunds 80 EUR, which is over the limit: two of Ann, Bob and Cho are asked.");
    report(tools.refund("A-17", 8_000).await)?;

    println!("4. Drops a table: denied by policy.");
    report(tools.drop_table("customers").await)
}

/// Prints what a tool returned. A "no" is nothing to fail of: the agent is told, and goes on.
fn report(result: anyhow::Result<String>) -> anyhow::Result<()> {
    match result {
        Ok(done) => println!("   done: {done}"),
        Err(error) => match error.downcast_ref::<ApprovalError>() {
            Some(refused) => println!("   {}: {refused}", refused.stop_reason()),
            None => return Err(error),
        },
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<ExitCode> {
    let folder = state_folder()?;
    let run_file = folder.join("run");
    let run = current_run(&run_file)?;

    // One terminal for three people, since you are alone here.
    let mut terminal = Terminal::from_env()
        .elsewhere("It is kept. Start again where you can answer: cargo run --example quickstart");
    for person in ["ann@example.com", "bob@example.com", "cho@example.com"] {
        terminal = terminal.acting_as(Principal::user(person)?);
    }
    let mut input_end = terminal.input_end();

    let file = folder.join("approvals.sqlite");
    let limit: Money = "50 EUR".parse()?;
    let approvals = ApprovalManager::builder()
        .shared_store(approval_store::from_env(&file.display().to_string()).await?)
        .policy_fn(move |call| policy(call, &limit))
        .notifier(terminal)
        .agent("support-bot")
        .build()?;
    let tools = Tools { approvals: approvals.clone() };

    println!("Run {run} of agent:support-bot");
    let name = format!("run-{run}");
    let context = Context::new().run(name.as_str()).intent("acme complained about order A-17");
    let code = tokio::select! {
        done = context.scope(agent(&tools)) => {
            done?;
            fs::write(&run_file, (run + 1).to_string())?;
            ExitCode::SUCCESS
        }
        () = input_end.wait() => {
            eprintln!("error: standard input is closed, so nobody can decide here");
            eprintln!("Decide at a terminal, or hand in the answers, a line each:");
            eprintln!("  printf '%s\\n' y y 1 y 1 | cargo run --example quickstart");
            ExitCode::from(2)
        }
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nstopped; start again to go on");
            ExitCode::from(130)
        }
    };
    approvals.shutdown().await?;
    summary(&approvals, &name).await?;
    approvals.store().close().await?;
    Ok(code)
}

/// Where the state lies: in the folder given, or in `target/quickstart`.
fn state_folder() -> anyhow::Result<PathBuf> {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        // This program is target/debug/examples/quickstart.
        None => {
            std::env::current_exe()?.ancestors().nth(3).context("no target directory")?.join("quickstart")
        }
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The number of the run that is not finished. A real agent has such a name for its work: a conversation, a job, a ticket.
fn current_run(file: &Path) -> anyhow::Result<u64> {
    match fs::read_to_string(file) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} holds no number", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(1),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// What the store knows of the run: a journal line for what was allowed and has no key, a request for the rest.
async fn summary(approvals: &ApprovalManager, run: &str) -> anyhow::Result<()> {
    println!("On record:");
    for entry in approvals.store().read_journal(0, 1_000).await? {
        if let JournalLine::Call { action, rule, outcome, run: Some(of), .. } = entry.line
            && *of == *run
        {
            println!("   {action}: {outcome}, nobody was asked (rule '{rule}')");
        }
    }
    let query = Query { run: Some(run.into()), ..Query::default() };
    for stored in approvals.list(&query).await?.items {
        let request = stored.request;
        let mut line = format!("{}: {}", request.action.name, request.status.as_str());
        if let Some(decision) = &request.decision {
            let by: Vec<_> = decision.by.iter().map(Principal::as_str).collect();
            let by = if decision.by_policy { "the policy".to_owned() } else { by.join(", ") };
            line = format!("{line} by {by}");
        }
        if let Some(execution) = &request.execution {
            line = format!("{line}, {}", execution.state().as_str());
        }
        println!("   {line}");
        approvals.verify_history(request.id).await?; // Nothing was changed, cut or put in between.
    }
    Ok(())
}
