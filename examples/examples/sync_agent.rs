//! An agent without `async`: a guarded function that is not asynchronous blocks its thread until people decided. The
//! manager brings a thread of its own, so no runtime is needed. Try `cargo run --example sync_agent`.

use approval_channels::terminal::Terminal;
use approval_core::{ApprovalManager, Context, Principal, ambient, guarded_action, set_ambient};

// `ambient()` is the manager that `set_ambient` named for the whole program: for functions that are not handed one.
#[guarded_action(
    name = "files.delete",
    description = "Delete {path}",
    risk = "high",
    approvers("user:ann@example.com"),
    manager = ambient()
)]
fn delete(path: &str) -> Result<(), String> {
    println!("deleted {path}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
    // Opening a store may take a connection to a database; nothing else here is asynchronous.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = runtime.block_on(approval_store::from_env("memory:"))?;
    let approvals =
        ApprovalManager::builder().shared_store(store).notifier(terminal).agent("tidy-up").build()?;
    set_ambient(Some(approvals));

    Context::new().intent("the disk is full").sync_scope(|| {
        for path in ["cache/old.bin", "photos/wedding.jpg"] {
            if let Err(message) = delete(path) {
                println!("kept {path}: {message}");
            }
        }
    });
    Ok(())
}
