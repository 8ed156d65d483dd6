use std::sync::atomic::{AtomicBool, Ordering};

use approval_core::{ApprovalError, ApprovalManager, guarded_action, model::Status};

use crate::support::{approving, arguments, outcomes, rejecting, requests};

/// Pays.
#[guarded_action(name = "free.pay", manager = approvals)]
async fn pay(approvals: &ApprovalManager, to: &str, cents: u64) -> Result<String, ApprovalError> {
    Ok(format!("{cents} to {to}"))
}

#[guarded_action(name = "free.nothing", manager = approvals)]
async fn returns_nothing(approvals: &ApprovalManager, ran: &AtomicBool) -> Result<(), ApprovalError> {
    ran.store(true, Ordering::SeqCst);
    Ok(())
}

#[tokio::test]
async fn approved_runs_once_with_its_own_arguments() {
    let manager = approving();
    assert_eq!(pay(&manager, "ann", 5).await.unwrap(), "5 to ann");
    assert_eq!(arguments(&manager).await, [r#"{"cents":5,"to":"ann"}"#]);
    assert_eq!(outcomes(&manager).await, ["succeeded"]);
}

#[tokio::test]
async fn rejected_does_not_run() {
    let manager = rejecting("too much");
    let error = pay(&manager, "ann", 5).await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("rejected by user:ann@example.com: 'too much'; nothing was run"), "{message}");
    assert_eq!(requests(&manager).await[0].status, Status::Rejected);
}

#[tokio::test]
async fn nothing_can_be_returned() {
    let ran = AtomicBool::new(false);
    returns_nothing(&rejecting("no"), &ran).await.unwrap_err();
    assert!(!ran.load(Ordering::SeqCst));
    returns_nothing(&approving(), &ran).await.unwrap();
    assert!(ran.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_future_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let manager = approving();
    assert_eq!(sendable(pay(&manager, "ann", 5)).await.unwrap(), "5 to ann");
}
