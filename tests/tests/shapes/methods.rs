use std::sync::Arc;

use approval_core::{ApprovalError, ApprovalManager, HasApprovalManager, guarded_action};

use crate::support::{approving, arguments, outcomes, rejecting, requests};

#[derive(Clone)]
struct Agent {
    approvals: ApprovalManager,
    sent: u32,
}

impl HasApprovalManager for Agent {
    fn approval_manager(&self) -> &ApprovalManager {
        &self.approvals
    }
}

impl Agent {
    fn new(approvals: ApprovalManager) -> Self {
        Self { approvals, sent: 0 }
    }

    #[guarded_action(name = "agent.shared")]
    async fn shared(&self, n: u32) -> Result<u32, ApprovalError> {
        Ok(self.sent + n)
    }

    #[guarded_action(name = "agent.exclusive")]
    async fn exclusive(&mut self, n: u32) -> Result<&mut u32, ApprovalError> {
        self.sent += n;
        Ok(&mut self.sent)
    }

    #[guarded_action(name = "agent.owned")]
    async fn owned(mut self, n: u32) -> Result<Self, ApprovalError> {
        self.sent += n;
        Ok(self)
    }

    #[guarded_action(name = "agent.boxed")]
    async fn boxed(self: Box<Self>, n: u32) -> Result<u32, ApprovalError> {
        Ok(self.sent + n)
    }

    #[guarded_action(name = "agent.counted", manager = self.approvals)]
    async fn counted(self: Arc<Self>, n: u32) -> Result<u32, ApprovalError> {
        Ok(self.sent + n)
    }

    #[guarded_action(name = "agent.associated", manager = approvals)]
    async fn associated(approvals: &ApprovalManager, n: u32) -> Result<Self, ApprovalError> {
        Ok(Self { sent: n, ..Self::new(approvals.clone()) })
    }

    #[guarded_action(name = "agent.borrowed")]
    async fn borrowed<'a>(&'a self, names: &'a [String]) -> Result<&'a str, ApprovalError> {
        Ok(names.first().map_or("", String::as_str))
    }
}

#[tokio::test]
async fn every_receiver_is_guarded() {
    let manager = approving();
    let mut agent = Agent::new((*manager).clone());
    assert_eq!(agent.shared(1).await.unwrap(), 1);
    *agent.exclusive(2).await.unwrap() += 1;
    assert_eq!(agent.sent, 3);
    assert_eq!(agent.clone().owned(4).await.unwrap().sent, 7);
    assert_eq!(Box::new(agent.clone()).boxed(5).await.unwrap(), 8);
    assert_eq!(Arc::new(agent.clone()).counted(6).await.unwrap(), 9);
    assert_eq!(Agent::associated(&manager, 7).await.unwrap().sent, 7);
    assert_eq!(agent.borrowed(&["x".to_owned()]).await.unwrap(), "x");
    assert_eq!(outcomes(&manager).await, ["succeeded"; 7]);
    assert_eq!(arguments(&manager).await[6], r#"{"names":["x"]}"#);
    let unbound =
        requests(&manager).await.iter().map(|request| request.action.unbound.clone()).collect::<Vec<_>>();
    let own = ["self".into()];
    assert_eq!(unbound.iter().filter(|names| **names == own).count(), 6);
}

#[tokio::test]
async fn no_receiver_is_touched_when_rejected() {
    let mut agent = Agent::new((*rejecting("no")).clone());
    agent.exclusive(2).await.unwrap_err();
    assert_eq!(agent.sent, 0);
    assert!(agent.clone().owned(4).await.is_err());
    assert!(Box::new(agent.clone()).boxed(5).await.is_err());
}
