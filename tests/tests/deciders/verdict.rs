//! Holds what everybody was told against what is there.

use approval_core::{
    ApprovalError,
    model::{Decision, Event, EventKind, Execution, ExecutionState, Outcome, Principal, Request},
};

use crate::{
    Tally,
    contest::{Attempt, Contest, Disturbance, Tried, Used, person, told},
    house::House,
};

impl Contest {
    /// Everything agrees on one decision and on what became of it; late attempts change nothing.
    pub async fn check(&mut self, house: &House, tally: &mut Tally) {
        let manager = &house.managers[0];
        let request = manager.get(self.id).await.expect("it is there");
        let decision = request.decision.clone().expect("it was decided");
        self.check_attempts(&request, &decision);
        self.check_waiters(&request, &decision);
        self.check_uses(&request);
        self.check_history(house, &request, &decision).await;
        self.come_too_late(house, &decision).await;
        let after = manager.get(self.id).await.expect("it is there");
        assert_eq!(after, request, "a late attempt changed something");
        house.decided(self.id, &decision);
        tally.decisions += 1;
        tally.refused += self.tried.iter().filter(|tried| tried.result.is_err()).count();
        tally.runs += self.used.iter().filter(|used| matches!(used, Used::Begun)).count();
        tally.redemptions += self.used.len();
    }

    /// At most one attempt decided; its decision is the one that is there, and all others were told it.
    fn check_attempts(&self, request: &Request, decision: &Decision) {
        let id = self.id;
        let winners: Vec<&Tried> = self
            .tried
            .iter()
            .filter(|tried| tried.result.as_ref().is_ok_and(|request| request.decision.is_some()))
            .collect();
        match winners.as_slice() {
            [winner] => {
                let claimed = winner.result.as_ref().ok().and_then(|request| request.decision.as_deref());
                assert_eq!(claimed, Some(decision), "{id}: the winner was told another decision");
                assert_eq!(outcome(&winner.attempt), decision.outcome, "{id}: {winner:?}");
                let by = actor(&winner.attempt);
                assert!(by.is_none_or(|by| decision.by.last() == Some(&by)), "{id}: {winner:?}");
            }
            [] => {
                let by_time =
                    decision.outcome == Outcome::Expired && self.disturbance == Disturbance::Deadline;
                let by_halt = decision.by_halt && self.disturbance == Disturbance::Halt;
                assert!(
                    by_time || by_halt,
                    "{id}: nobody decided, but {decision:?} stands: {:?}",
                    self.tried
                );
            }
            several => panic!("{id}: several won: {several:?}"),
        }
        for tried in &self.tried {
            let Err(error) = &tried.result else { continue };
            if let Some(told) = told(error) {
                assert_eq!(**told, *decision, "{id}: a loser was told another decision");
            } else if let ApprovalError::Halted { .. } = error {
                assert_eq!(self.disturbance, Disturbance::Halt, "{id}: nothing is halted");
                assert_ne!(decision.outcome, Outcome::Approved, "{id}: approved after it was halted");
            } else {
                panic!("{id}: {:?} came to {error:?}, with {:?}", tried.attempt, request.decision);
            }
        }
    }

    /// Everybody who waited was told the decision, or the end of the approval.
    fn check_waiters(&self, request: &Request, decision: &Decision) {
        let id = self.id;
        for waited in &self.waited {
            match waited {
                Ok(approved) => assert_eq!(
                    approved.decision(),
                    Some(decision),
                    "{id}: a waiter was told another decision"
                ),
                Err(
                    ApprovalError::Rejected(ended)
                    | ApprovalError::Expired(ended)
                    | ApprovalError::Cancelled(ended),
                ) => assert_eq!(*ended.decision, *decision, "{id}: a waiter was told another decision"),
                Err(ApprovalError::GrantExpired { .. }) => {
                    assert!(
                        matches!(request.execution.as_deref(), Some(Execution::GrantExpired { .. })),
                        "{id}: {request:?}"
                    );
                }
                Err(ApprovalError::Revoked { .. }) => {
                    assert!(
                        matches!(request.execution.as_deref(), Some(Execution::Revoked { .. })),
                        "{id}: {request:?}"
                    );
                }
                Err(error) => panic!("{id}: a waiter was told {error:?}"),
            }
        }
    }

    /// The grant was used once, or taken back, or ran out; and everybody was told so.
    fn check_uses(&self, request: &Request) {
        let id = self.id;
        let count = |wanted: fn(&Used) -> bool| self.used.iter().filter(|used| wanted(used)).count();
        let (begun, revoked) =
            (count(|used| matches!(used, Used::Begun)), count(|used| matches!(used, Used::Revoked)));
        let state = request.execution.as_deref().map(Execution::state);
        match (begun, revoked) {
            (1, 0) => assert_eq!(state, Some(ExecutionState::Succeeded), "{id}"),
            (0, 1) => assert_eq!(state, Some(ExecutionState::Revoked), "{id}"),
            (0, 0)
                if request.decision.as_ref().is_none_or(|decision| decision.outcome != Outcome::Approved) =>
            {
                assert_eq!(state, None, "{id}");
            }
            // Nobody got it: time or the halt was faster.
            (0, 0) => match self.disturbance {
                Disturbance::Halt => assert_eq!(state, Some(ExecutionState::Revoked), "{id}"),
                Disturbance::Deadline | Disturbance::GrantExpiry => {
                    assert_eq!(state, Some(ExecutionState::GrantExpired), "{id}: {:?}", self.used);
                }
                Disturbance::None => panic!("{id}: nobody got the grant: {:?}", self.used),
            },
            _ => {
                panic!("{id}: a grant was used {begun} times and taken back {revoked} times: {:?}", self.used)
            }
        }
        for used in &self.used {
            let Used::Refused(error) = used else { continue };
            let fits = match error {
                ApprovalError::AlreadyRan { .. } => begun == 1,
                ApprovalError::Revoked { .. } => state == Some(ExecutionState::Revoked),
                ApprovalError::Halted { .. } => self.disturbance == Disturbance::Halt,
                ApprovalError::GrantExpired { .. } => state == Some(ExecutionState::GrantExpired),
                ApprovalError::Unknown(_) => begun == 1 && self.disturbance != Disturbance::None,
                _ => false,
            };
            assert!(fits, "{id}: a use was refused by {error:?}, but it is {state:?}");
        }
    }

    /// The history tells the same: one decision, in its place, and exactly the votes that were accepted.
    async fn check_history(&self, house: &House, request: &Request, decision: &Decision) {
        let manager = &house.managers[house.managers.len() - 1];
        manager.verify_history(self.id).await.expect("a whole history");
        let lines = manager.history(self.id).await.expect("a readable store");
        let events: Vec<Event> = lines.iter().map(|line| line.event().expect("a line is an event")).collect();
        let place = events.iter().position(|event| matches!(event.what, EventKind::Decided { .. }));
        let place = place.unwrap_or_else(|| panic!("{}: no decision in {events:?}", self.id));
        let EventKind::Decided { outcome, by, reason, grant, unreachable: _ } = &events[place].what else {
            unreachable!()
        };
        assert_eq!((outcome, by, reason), (&decision.outcome, &decision.by, &decision.reason), "{}", self.id);
        assert_eq!(
            (events[place].at, *grant),
            (decision.at, request.grant.as_ref().map(|grant| grant.id)),
            "{}",
            self.id
        );
        let late = events[place + 1..]
            .iter()
            .any(|event| matches!(event.what, EventKind::Decided { .. } | EventKind::Voted { .. }));
        assert!(!late, "{}: something was decided or voted after the decision: {events:?}", self.id);
        let mut voted: Vec<&Principal> = events
            .iter()
            .filter_map(|event| matches!(event.what, EventKind::Voted { .. }).then_some(&event.actor))
            .collect();
        let mut accepted: Vec<Principal> = self
            .tried
            .iter()
            .filter(|tried| tried.result.is_ok())
            .filter_map(|tried| actor(&tried.attempt))
            .collect();
        voted.sort();
        accepted.sort();
        assert!(voted.into_iter().eq(&accepted), "{}: the accepted votes are others: {events:?}", self.id);
        let begun = events.iter().filter(|event| matches!(event.what, EventKind::Consumed { .. })).count();
        assert!(begun <= 1, "{}: the grant was spent {begun} times: {events:?}", self.id);
        if let Some(deadline) = request.deadline {
            let in_time = decision.at < deadline || decision.outcome == Outcome::Expired || decision.by_halt;
            assert!(in_time, "{}: decided at {}, after the deadline {deadline}", self.id, decision.at);
        }
    }

    /// Whoever comes now, is told the decision.
    async fn come_too_late(&self, house: &House, decision: &Decision) {
        for manager in &house.managers {
            let seen = manager.get(self.id).await.expect("it is there");
            let decider = manager.decider("contest");
            for result in [
                decider.approve(&seen, &person(0), None).await,
                decider.reject(&seen, &person(1), None).await,
                manager.cancel(self.id, &person(2), "too late").await,
            ] {
                let error = result.expect_err("it is decided");
                assert_eq!(told(&error).map(|told| &**told), Some(decision), "{}: {error:?}", self.id);
            }
        }
    }
}

fn outcome(attempt: &Attempt) -> Outcome {
    match attempt {
        Attempt::Approve(_) => Outcome::Approved,
        Attempt::Reject(_) => Outcome::Rejected,
        Attempt::Cancel => Outcome::Cancelled,
    }
}

/// The voter.
fn actor(attempt: &Attempt) -> Option<Principal> {
    match attempt {
        Attempt::Approve(number) | Attempt::Reject(number) => Some(person(*number)),
        Attempt::Cancel => None,
    }
}
