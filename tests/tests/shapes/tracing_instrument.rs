use approval_core::{ApprovalError, ApprovalManager, guarded_action};

use crate::support::{approving, outcomes, rejecting};

#[tracing::instrument(skip(approvals), err)]
#[guarded_action(name = "traced.above", manager = approvals)]
async fn above(approvals: &ApprovalManager, n: u8) -> Result<u8, ApprovalError> {
    Ok(n)
}

#[guarded_action(name = "traced.below", manager = approvals)]
#[tracing::instrument(skip(approvals), ret)]
async fn below(approvals: &ApprovalManager, n: u8) -> Result<u8, ApprovalError> {
    Ok(n)
}

#[tracing::instrument(skip_all, err)]
#[guarded_action(name = "traced.sync_above", manager = approvals)]
fn sync_above(approvals: &ApprovalManager, n: u8) -> Result<u8, ApprovalError> {
    Ok(n)
}

#[guarded_action(name = "traced.sync_below", manager = approvals)]
#[tracing::instrument(skip_all)]
fn sync_below(approvals: &ApprovalManager, n: u8) -> Result<u8, ApprovalError> {
    Ok(n)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_stand_around_or_inside_the_guard() {
    let manager = approving();
    assert_eq!(above(&manager, 1).await.unwrap(), 1);
    assert_eq!(below(&manager, 2).await.unwrap(), 2);
    assert_eq!(sync_above(&manager, 3).unwrap(), 3);
    assert_eq!(sync_below(&manager, 4).unwrap(), 4);
    assert_eq!(outcomes(&manager).await, ["succeeded"; 4]);
    assert!(above(&rejecting("no"), 1).await.is_err() && below(&rejecting("no"), 1).await.is_err());
}
