//! One grant, and 64 who want to use it at the same moment.

use std::sync::Arc;

use approval_core::{Action, ApprovalError, Approved, Execution, model::ExecutionState};
use tokio::sync::Barrier;

use crate::{
    contest::{PEOPLE, person},
    house::House,
};

/// How many want to use each grant.
const REDEMPTIONS: usize = 64;

/// Approves a request and lets 64 use it; so many times.
pub async fn many(house: &House, times: usize) {
    for number in 0..times {
        let action = Action::new("contest.redeem")
            .and_then(|action| action.describe(|action| action.approvers(PEOPLE)))
            .expect("a proper call");
        let spec = Arc::clone(action.spec());
        let pending = house.managers[0].request(action).await.expect("a request can be opened");
        let (id, seen) = (pending.id(), pending.request().await.expect("it is there"));
        house.managers[1]
            .decider("contest")
            .approve(&seen, &person(0), None)
            .await
            .expect("it can be approved");
        let mut approved: Vec<Approved> = vec![pending.await.expect("it is approved")];
        for manager in &house.managers[1..] {
            approved.push(manager.attach(id).await.expect("it is there").await.expect("it is approved"));
        }
        let together = Arc::new(Barrier::new(REDEMPTIONS));
        let uses: Vec<_> = approved
            .into_iter()
            .cycle()
            .take(REDEMPTIONS)
            .map(|approved| {
                let (together, spec) = (Arc::clone(&together), Arc::clone(&spec));
                tokio::spawn(async move {
                    together.wait().await;
                    approved.begin_as(spec).await
                })
            })
            .collect();
        let mut begun: Vec<Execution> = Vec::new();
        for used in uses {
            match used.await.expect("nobody panics") {
                Ok(execution) => begun.push(execution),
                Err(ApprovalError::AlreadyRan { state: ExecutionState::Executing, .. }) => {}
                Err(error) => panic!("redemption of grant {number} came to {error:?}"),
            }
        }
        assert_eq!(begun.len(), 1, "grant {number} was redeemed {} times", begun.len());
        for execution in begun {
            execution.succeeded(None).await;
        }
    }
}
