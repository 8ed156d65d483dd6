//! How to test an agent whose actions need approval, without people and without waiting: approvers follow a script, and time
//! passes when the test says so. Look at the tests below, and run them with `cargo test --example testing`.

use approval_core::{ApprovalError, ApprovalManager, guarded_action};
use approval_testkit::ApproveAll;

#[guarded_action(
    name = "payments.refund",
    description = "Refund {cents} cents for order {order}",
    require(2, "user:ann@example.com", "user:bob@example.com", "user:cho@example.com"),
    timeout = "15m",
    manager = approvals
)]
async fn refund(approvals: &ApprovalManager, order: &str, cents: u64) -> Result<String, ApprovalError> {
    Ok(format!("refunded {cents} cents for order {order}"))
}

/// What is to be tested: an agent that offers a voucher when people do not want to pay.
async fn handle_complaint(approvals: &ApprovalManager, order: &str) -> Result<String, ApprovalError> {
    match refund(approvals, order, 8_000).await {
        Ok(refunded) => Ok(refunded),
        Err(ApprovalError::Rejected(_)) => Ok(format!("sent a voucher for order {order}")),
        Err(ApprovalError::Expired(_)) => Ok(format!("told the customer of order {order} to wait")),
        Err(other) => Err(other),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let store = approval_store::from_env("memory:").await?;
    let approvals = ApprovalManager::builder().shared_store(store).notifier(ApproveAll::new()).build()?;
    println!("{}", handle_complaint(&approvals, "A-17").await?);
    println!("the rest of this example is tests: cargo test --example testing");
    Ok(())
}

#[cfg(test)]
mod tests {
    use approval_core::{clock::Span, manager::ManagerBuilder};
    use approval_testkit::{Scripted, TestManager};

    use super::*;

    // `TestManager` is a manager with a store in memory and a clock that stands still. The votes are real: who is not asked
    // cannot cast one, here as everywhere.
    #[tokio::test]
    async fn two_approvals_pay() {
        let people = Scripted::new().approve("user:ann@example.com").approve("user:cho@example.com");
        let approvals = TestManager::new(people.clone()).unwrap();
        let answer = handle_complaint(&approvals, "A-17").await.unwrap();
        assert_eq!(answer, "refunded 8000 cents for order A-17");
        people.check().unwrap(); // Every step of the script was used.
    }

    #[tokio::test]
    async fn a_rejection_becomes_a_voucher() {
        let people = Scripted::new().reject("user:bob@example.com", "too much").then_approve_all();
        let approvals = TestManager::new(people).unwrap();
        let answer = handle_complaint(&approvals, "A-17").await.unwrap();
        assert_eq!(answer, "sent a voucher for order A-17");
    }

    #[tokio::test]
    async fn nobody_answers_in_time() {
        let approvals = TestManager::with(ManagerBuilder::unattended).unwrap();
        let manager = (*approvals).clone();
        let agent = tokio::spawn(async move { handle_complaint(&manager, "A-17").await });
        approvals.next_request().await.unwrap();
        approvals.advance(Span::from_mins(15)).await;
        assert_eq!(agent.await.unwrap().unwrap(), "told the customer of order A-17 to wait");
    }
}
