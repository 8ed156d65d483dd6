//! One request, and everybody who wants to decide it or to use it.

use std::{sync::Arc, time::Duration};

use approval_core::{
    Action, ApprovalError, ApprovalManager, Approved, Execution, Principal, RequestId,
    clock::Span,
    model::{Decision, Execution as ExecutionRecord, HaltScope, Request},
};
use approval_tests::random::Random;
use serde_json::json;
use tokio::sync::Barrier;

use crate::house::House;

/// Who may decide.
pub const PEOPLE: [&str; 4] =
    ["user:ann@example.com", "user:bob@example.com", "user:cy@example.com", "user:dee@example.com"];

/// How long people have in these tests.
const TIMEOUT: Span = Span::from_hours(1);

pub fn person(number: usize) -> Principal {
    Principal::new(PEOPLE[number]).expect("a principal")
}

/// What happens to everything while people decide or use what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// The clock leaps past all deadlines while people decide.
    Deadline,
    /// The clock leaps past the end of all grants while they are redeemed.
    GrantExpiry,
    /// Everything is halted, while people decide or while grants are redeemed.
    Halt,
}

/// Lets others run for a while, a different one each time.
async fn a_moment(random: &mut Random) {
    for _ in 0..random.below(400) {
        tokio::task::yield_now().await;
    }
}

fn operator() -> Principal {
    Principal::new("user:operator@example.com").expect("a principal")
}

impl Disturbance {
    pub async fn while_deciding(self, house: &House, random: &mut Random) {
        a_moment(random).await;
        match self {
            Self::Deadline => house.clock.advance(TIMEOUT),
            Self::Halt if random.chance(50) => halt(house, random).await,
            Self::Halt | Self::None | Self::GrantExpiry => {}
        }
    }

    pub async fn while_redeeming(self, house: &House, random: &mut Random) {
        a_moment(random).await;
        match self {
            Self::GrantExpiry => house.clock.advance(Span::from_mins(15)),
            Self::Halt => halt(house, random).await,
            Self::None | Self::Deadline => {}
        }
    }

    /// Ends it.
    pub async fn over(self, house: &House) {
        if self == Self::Halt {
            house.managers[0]
                .resume(&HaltScope::Everything, &operator())
                .await
                .expect("a halt can be lifted");
        }
    }
}

async fn halt(house: &House, random: &mut Random) {
    let manager = house.any(random);
    manager.halt(HaltScope::Everything, &operator(), "stop").await.expect("everything can be halted");
}

/// What somebody tries.
#[derive(Clone, Debug)]
pub enum Attempt {
    Approve(usize),
    Reject(usize),
    Cancel,
}

/// What it came to.
#[derive(Debug)]
pub struct Tried {
    pub attempt: Attempt,
    pub result: Result<Arc<Request>, ApprovalError>,
}

/// What using the grant came to.
#[derive(Debug)]
pub enum Used {
    Begun,
    Revoked,
    Refused(ApprovalError),
}

/// A contested request.
#[derive(Debug)]
pub struct Contest {
    pub id: RequestId,
    pub disturbance: Disturbance,
    pub tried: Vec<Tried>,
    pub waited: Vec<Result<Approved, ApprovalError>>,
    pub used: Vec<Used>,
    random: Random,
    waiting: Vec<tokio::task::JoinHandle<Result<Approved, ApprovalError>>>,
}

impl Contest {
    /// Opens a request, with somebody who waits for it in two places.
    pub async fn open(house: &House, mut random: Random, disturbance: Disturbance) -> Self {
        let quorum = if random.chance(30) { 2 } else { 1 };
        let action = Action::new("contest.run")
            .and_then(|action| action.describe(|action| action.require(quorum, PEOPLE)))
            .and_then(|action| action.arguments(&json!({"number": random.any().to_string()})))
            .expect("a proper call");
        let pending = house.any(&mut random).request(action).await.expect("a request can be opened");
        let id = pending.id();
        let elsewhere = house.any(&mut random).attach(id).await.expect("it can be attached to");
        let waiting = vec![tokio::spawn(pending), tokio::spawn(elsewhere)];
        Self { id, disturbance, tried: Vec::new(), waited: Vec::new(), used: Vec::new(), random, waiting }
    }

    /// Everybody decides at the same moment, each through some manager.
    pub async fn decide(&mut self, house: &House) {
        let mut attempts: Vec<Attempt> = (0..PEOPLE.len())
            .map(
                |number| {
                    if self.random.chance(60) { Attempt::Approve(number) } else { Attempt::Reject(number) }
                },
            )
            .collect();
        if self.random.chance(50) {
            attempts.push(Attempt::Cancel);
        }
        let together = Arc::new(Barrier::new(attempts.len()));
        let mut tasks = Vec::new();
        for attempt in attempts {
            let manager = house.any(&mut self.random).clone();
            let (together, id, mut random) =
                (Arc::clone(&together), self.id, self.random.part(tasks.len() as u64));
            tasks.push(tokio::spawn(async move {
                let seen = manager.get(id).await.expect("it is there");
                together.wait().await;
                for _ in 0..random.below(6) {
                    tokio::task::yield_now().await;
                }
                let result = try_it(&manager, &seen, &attempt).await;
                Tried { attempt, result }
            }));
        }
        for task in tasks {
            self.tried.push(task.await.expect("nobody panics"));
        }
    }

    /// Waits until time or the halt has taken the grant that nobody got.
    pub async fn until_taken(&self, house: &House) {
        let got = |used: &Used| matches!(used, Used::Begun | Used::Revoked);
        if self.disturbance == Disturbance::None || self.used.iter().any(got) {
            return;
        }
        loop {
            let request = house.managers[0].get(self.id).await.expect("it is there");
            if !matches!(request.execution.as_deref(), Some(ExecutionRecord::NotStarted)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Brings what is still open to an end, and waits for those who wait.
    pub async fn settle(&mut self, house: &House) {
        let manager = house.any(&mut self.random).clone();
        let mut seen = manager.get(self.id).await.expect("it is there");
        if seen.decision.is_none() {
            let result = try_it(&manager, &seen, &Attempt::Cancel).await;
            self.tried.push(Tried { attempt: Attempt::Cancel, result });
        }
        for waiting in self.waiting.drain(..) {
            self.waited.push(waiting.await.expect("nobody panics"));
        }
        seen = manager.get(self.id).await.expect("it is there");
        assert!(
            seen.decision.is_some(),
            "{}: those who wait were told, but it is undecided: {seen:?}",
            self.id
        );
    }

    /// Everybody who was told that it is approved uses the grant at the same moment; sometimes somebody takes it back.
    pub async fn redeem(&mut self, house: &House) {
        let approved: Vec<Approved> =
            self.waited.iter().filter_map(|waited| waited.as_ref().ok().cloned()).collect();
        if approved.is_empty() {
            return;
        }
        let (revoke, times) =
            (self.random.chance(40), 2 + usize::try_from(self.random.below(6)).expect("few"));
        let together = Arc::new(Barrier::new(times + usize::from(revoke)));
        let mut tasks = Vec::new();
        for number in 0..times {
            let approved = approved[number % approved.len()].clone();
            let (together, mut random) = (Arc::clone(&together), self.random.part(100 + tasks.len() as u64));
            tasks.push(tokio::spawn(async move {
                together.wait().await;
                for _ in 0..random.below(6) {
                    tokio::task::yield_now().await;
                }
                match begin(&approved).await {
                    Ok(mut execution) => {
                        execution.start();
                        execution.succeeded(None).await;
                        Used::Begun
                    }
                    Err(error) => Used::Refused(error),
                }
            }));
        }
        if revoke {
            let (manager, id) = (house.any(&mut self.random).clone(), self.id);
            tasks.push(tokio::spawn(async move {
                together.wait().await;
                match manager.revoke(id, &operator(), "after all not").await {
                    Ok(_) => Used::Revoked,
                    Err(error) => Used::Refused(error),
                }
            }));
        }
        for task in tasks {
            self.used.push(task.await.expect("nobody panics"));
        }
    }
}

/// Uses the grant. Where the clock leapt past the end of the process's lease, again, as the error says.
async fn begin(approved: &Approved) -> Result<Execution, ApprovalError> {
    loop {
        match approved.begin_as(approval_core::ActionSpec::new("contest.run").expect("a name")).await {
            Err(ApprovalError::Store(error)) if error.to_string().contains("lost its lease; try again") => {}
            other => return other,
        }
    }
}

async fn try_it(
    manager: &ApprovalManager,
    seen: &Request,
    attempt: &Attempt,
) -> Result<Arc<Request>, ApprovalError> {
    let decider = manager.decider("contest");
    match attempt {
        Attempt::Approve(number) => decider.approve(seen, &person(*number), None).await,
        Attempt::Reject(number) => decider.reject(seen, &person(*number), Some("no")).await,
        Attempt::Cancel => manager.cancel(seen.id, &operator(), "not needed").await,
    }
}

/// The decision that an error tells.
pub fn told(error: &ApprovalError) -> Option<&Arc<Decision>> {
    match error {
        ApprovalError::AlreadyDecided { decision, .. } => Some(decision),
        _ => None,
    }
}
