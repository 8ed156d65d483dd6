use approval_core::{ApprovalError, ApprovalManager, HasApprovalManager, guarded_action};
use async_trait::async_trait;

use crate::support::{approving, arguments, editing, outcomes, rejecting, requests};

#[async_trait]
trait Tool: HasApprovalManager + Send + Sync {
    async fn call(&self, name: &str, (left, right): (u8, u8), mut count: u8)
    -> Result<String, ApprovalError>;

    async fn change(&mut self, by: u8) -> Result<&mut u8, ApprovalError>;

    async fn local(&self, by: u8) -> Result<u8, ApprovalError>;

    #[guarded_action(name = "boxed.default")]
    async fn provided(&self, text: String) -> Result<String, ApprovalError> {
        Ok(text + "!")
    }
}

struct Agent {
    approvals: ApprovalManager,
    count: u8,
}

impl HasApprovalManager for Agent {
    fn approval_manager(&self) -> &ApprovalManager {
        &self.approvals
    }
}

#[async_trait]
impl Tool for Agent {
    #[guarded_action(
        name = "boxed.call",
        description = "{name} {left} {count}",
        editable(right, count),
        key = format!("{}-{name}", self.count),
    )]
    async fn call(
        &self,
        name: &str,
        (left, mut right): (u8, u8),
        mut count: u8,
    ) -> Result<String, ApprovalError> {
        count += self.count;
        right += 1;
        Ok(format!("{name} {left} {right} {count}"))
    }

    #[guarded_action(name = "boxed.change")]
    async fn change(&mut self, by: u8) -> Result<&mut u8, ApprovalError> {
        if by == 0 {
            return Ok(&mut self.count);
        }
        self.count += by;
        Ok(&mut self.count)
    }

    #[tracing::instrument(skip(self))]
    #[guarded_action(name = "boxed.traced", manager = self.approvals)]
    async fn local(&self, by: u8) -> Result<u8, ApprovalError> {
        Ok(by)
    }
}

#[tokio::test]
async fn boxed_futures_are_guarded_inside() {
    let manager = approving();
    let mut agent = Agent { approvals: (*manager).clone(), count: 5 };
    assert_eq!(agent.call("x", (1, 2), 3).await.unwrap(), "x 1 3 8");
    assert_eq!(arguments(&manager).await, [r#"{"count":3,"left":1,"name":"x","right":2}"#]);
    assert_eq!(&*requests(&manager).await[0].revision.description, "x 1 3");
    let error = agent.call("x", (1, 2), 3).await.unwrap_err();
    assert!(matches!(error, ApprovalError::AlreadyRan { .. }), "the key is 5-x again: {error}");
    *agent.change(2).await.unwrap() += 1;
    assert_eq!(agent.count, 8);
    assert_eq!(*agent.change(0).await.unwrap(), 8);
    assert_eq!(agent.local(4).await.unwrap(), 4);
    let object: &dyn Tool = &agent;
    assert_eq!(object.provided("a".into()).await.unwrap(), "a!");
    assert_eq!(outcomes(&manager).await, ["succeeded"; 5]);
}

#[tokio::test]
async fn edits_reach_destructured_parameters() {
    let manager = editing([("count", 30), ("right", 20)]);
    let agent = Agent { approvals: (*manager).clone(), count: 0 };
    assert_eq!(agent.call("x", (1, 2), 3).await.unwrap(), "x 1 21 30");
}

#[tokio::test]
async fn nothing_runs_before_the_future_is_polled_or_when_rejected() {
    let manager = rejecting("no");
    let mut agent = Agent { approvals: (*manager).clone(), count: 5 };
    drop(agent.change(2));
    assert!(requests(&manager).await.is_empty());
    assert!(agent.change(2).await.is_err());
    assert_eq!((agent.count, requests(&manager).await.len()), (5, 1));
}
