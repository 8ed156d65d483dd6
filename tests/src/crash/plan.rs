//! What is to happen to a request, step by step, and where it stands after each step.

use std::fmt;

use approval_core::{
    Action, Principal,
    model::{ExecutionState, Request, Status},
};
use serde_json::json;

/// The three people who may be asked.
pub const PEOPLE: [&str; 3] = ["user:ann@example.com", "user:bob@example.com", "user:cy@example.com"];

/// The person of this number.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn person(number: usize) -> Principal {
    Principal::new(PEOPLE[number]).expect("a principal")
}

/// The course that a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Approved, run, succeeded.
    Run,
    /// Approved by two of three, run, succeeded.
    Two,
    /// Approved, run, failed.
    Fail,
    /// Approved, run, and the future of the body dropped half-way.
    Drop,
    /// Approved, and the approval taken back.
    Revoke,
    /// Rejected.
    Reject,
    /// Cancelled.
    Cancel,
    /// Approved, and not used.
    Unused,
    /// Never decided.
    Undecided,
}

/// One acknowledged change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The request is opened.
    Open,
    /// The person of this number approves.
    Approve(usize),
    /// Somebody rejects.
    Reject,
    /// The agent takes it back.
    Cancel,
    /// An operator takes the approval back.
    Revoke,
    /// The grant is spent: the body begins.
    Begin,
    /// The body returns.
    Succeed,
    /// The body returns an error.
    Fail,
    /// The future of the body is dropped.
    Drop,
}

/// Where a request stands, as far as its course says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// What people decided.
    pub status: Status,
    /// What became of the approval.
    pub execution: Option<ExecutionState>,
    /// How many votes there are.
    pub votes: usize,
}

impl State {
    const NEW: Self = Self { status: Status::Pending, execution: None, votes: 0 };

    /// Where `request` stands.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            status: request.status,
            execution: request.execution.as_deref().map(approval_core::model::Execution::state),
            votes: request.votes.len(),
        }
    }

    /// Whether time alone may still change it, and to what: the deadline of an open request, the expiry of a grant.
    #[must_use]
    pub const fn when_time_is_up(self) -> Option<Self> {
        match (self.status, self.execution) {
            (Status::Pending | Status::InfoRequested, _) => Some(Self { status: Status::Expired, ..self }),
            (Status::Approved, Some(ExecutionState::NotStarted)) => {
                Some(Self { execution: Some(ExecutionState::GrantExpired), ..self })
            }
            _ => None,
        }
    }
}

impl Plan {
    /// Every course.
    pub const ALL: &'static [Self] = &[
        Self::Run,
        Self::Two,
        Self::Fail,
        Self::Drop,
        Self::Revoke,
        Self::Reject,
        Self::Cancel,
        Self::Unused,
        Self::Undecided,
    ];

    /// Its steps.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        use Step::{Approve, Begin, Cancel, Drop, Fail, Open, Reject, Revoke, Succeed};
        match self {
            Self::Run => &[Open, Approve(0), Begin, Succeed],
            Self::Two => &[Open, Approve(1), Approve(2), Begin, Succeed],
            Self::Fail => &[Open, Approve(0), Begin, Fail],
            Self::Drop => &[Open, Approve(2), Begin, Drop],
            Self::Revoke => &[Open, Approve(0), Revoke],
            Self::Reject => &[Open, Reject],
            Self::Cancel => &[Open, Cancel],
            Self::Unused => &[Open, Approve(1)],
            Self::Undecided => &[Open],
        }
    }

    /// How many of three people must approve.
    #[must_use]
    pub const fn quorum(self) -> u32 {
        if matches!(self, Self::Two) { 2 } else { 1 }
    }

    /// Where a request stands after so many steps; `None` if there is none yet.
    #[must_use]
    pub fn after(self, steps: usize) -> Option<State> {
        let mut state = None;
        for step in self.steps().iter().take(steps) {
            let mut next = state.unwrap_or(State::NEW);
            match step {
                Step::Open => {}
                Step::Approve(_) => {
                    next.votes += 1;
                    if next.votes == self.quorum() as usize {
                        next.status = Status::Approved;
                        next.execution = Some(ExecutionState::NotStarted);
                    }
                }
                Step::Reject => {
                    next.votes += 1;
                    next.status = Status::Rejected;
                }
                Step::Cancel => next.status = Status::Cancelled,
                Step::Revoke => next.execution = Some(ExecutionState::Revoked),
                Step::Begin => next.execution = Some(ExecutionState::Executing),
                Step::Succeed => next.execution = Some(ExecutionState::Succeeded),
                Step::Fail => next.execution = Some(ExecutionState::Failed),
                Step::Drop => next.execution = Some(ExecutionState::Unknown),
            }
            state = Some(next);
        }
        state
    }

    /// The number of the step that spends the grant, if the course has one.
    #[must_use]
    pub fn begins_at(self) -> Option<usize> {
        self.steps().iter().position(|step| *step == Step::Begin)
    }

    /// The plan of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plan| plan.to_string() == name)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}").to_lowercase();
        f.write_str(&name)
    }
}

/// The call that is guarded: the same for the same key.
///
/// # Panics
/// Never, unless the library refuses what it should take.
#[must_use]
pub fn call(key: &str, plan: Plan) -> Action {
    Action::new("crash.run")
        .and_then(|action| {
            action.describe(|action| {
                action.description("Run {key} by plan {plan}").require(plan.quorum(), PEOPLE)
            })
        })
        .and_then(|action| action.arguments(&json!({"key": key, "plan": plan.to_string()})))
        .expect("a proper call")
        .key(key)
}
