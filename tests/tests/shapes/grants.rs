use approval_core::{ApprovalError, ApprovalManager, Grant, GuardedAction, guarded_action, policy::Ruling};
use approval_testkit::{ApproveAll, TestManager};

use crate::support::{ANN, approving, arguments, outcomes};

/// Names an action in types.
macro_rules! action {
    ($type:ident = $name:literal) => {
        struct $type;

        impl GuardedAction for $type {
            const NAME: &'static str = $name;
        }
    };
}

action!(First = "grants.first");
action!(InSync = "grants.sync");
action!(Asked = "grants.asked");
action!(Method = "grants.method");
action!(Boxed = "grants.boxed");

/// Cannot be called without proof of an approval of `A`.
fn bank<A: GuardedAction>(_proof: &Grant<A>, cents: u64) -> u64 {
    cents
}

#[guarded_action(name = "grants.first", manager = approvals)]
async fn refund(
    approvals: &ApprovalManager,
    #[grant] proof: Grant<First>,
    cents: u64,
) -> Result<u64, ApprovalError> {
    Ok(bank(&proof, cents))
}

#[guarded_action(name = "grants.sync", manager = approvals)]
fn refund_in_sync(
    approvals: &ApprovalManager,
    cents: u64,
    #[grant] proof: Grant<InSync>,
) -> Result<(u64, Grant<InSync>), ApprovalError> {
    Ok((bank(&proof, cents), proof))
}

#[guarded_action(name = "grants.asked", manager = approvals, approvers("user:ann@example.com"))]
async fn asked(
    approvals: &ApprovalManager,
    cents: u64,
    #[grant] proof: Grant<Asked>,
) -> Result<u64, ApprovalError> {
    Ok(bank(&proof, cents))
}

struct Agent(ApprovalManager);

#[async_trait::async_trait]
trait Refunder {
    async fn refund(&self, cents: u64) -> Result<u64, ApprovalError>;
}

impl Agent {
    #[guarded_action(name = "grants.method", manager = self.0)]
    async fn method(&self, cents: u64, #[grant] proof: Grant<Method>) -> Result<u64, ApprovalError> {
        Ok(bank(&proof, cents))
    }
}

#[async_trait::async_trait]
impl Refunder for Agent {
    #[guarded_action(name = "grants.boxed", manager = self.0)]
    async fn refund(&self, cents: u64, #[grant] proof: Grant<Boxed>) -> Result<u64, ApprovalError> {
        Ok(bank(&proof, cents))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grant_is_no_part_of_the_signature() {
    let manager = approving();
    assert_eq!(refund(&manager, 5).await.unwrap(), 5);
    let (cents, proof) = refund_in_sync(&manager, 6).unwrap();
    assert_eq!((cents, proof.approvers()[0].as_str(), proof.edited()), (6, ANN, false));
    let agent = Agent((*manager).clone());
    assert_eq!(agent.method(7).await.unwrap(), 7);
    assert_eq!(agent.refund(8).await.unwrap(), 8);
    assert_eq!(arguments(&manager).await[3], r#"{"cents":8}"#);
}

#[tokio::test]
async fn a_body_with_a_grant_asks_even_where_the_policy_allows() {
    let manager =
        TestManager::with(|builder| builder.policy_fn(|_| Ruling::allow()).notifier(ApproveAll::new()))
            .unwrap();
    assert_eq!(asked(&manager, 5).await.unwrap(), 5);
    assert_eq!(outcomes(&manager).await, ["succeeded"]);
}
