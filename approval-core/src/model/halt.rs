//! The brake: what must not run at present.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ActionName, Principal, Text};
use crate::clock::Timestamp;

/// What a halt covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltScope {
    /// Every action of every agent.
    Everything,
    /// What this agent does.
    Agent(Principal),
    /// This action, of every agent.
    Action(ActionName),
}

impl fmt::Display for HaltScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Agent(agent) => write!(f, "{agent}"),
            Self::Action(action) => write!(f, "action {}", action.as_str()),
        }
    }
}

/// One halt in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// What it covers.
    pub scope: HaltScope,
    /// Why.
    pub reason: Text,
    /// Who halted.
    pub by: Principal,
    /// When.
    pub at: Timestamp,
}

/// All halts in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Halts(pub Vec<Halt>);

impl Halts {
    /// The halt that covers this agent and action, if one does.
    #[must_use]
    pub fn covering(&self, agent: &Principal, action: &ActionName) -> Option<&Halt> {
        self.0.iter().find(|halt| match &halt.scope {
            HaltScope::Everything => true,
            HaltScope::Agent(halted) => halted == agent,
            HaltScope::Action(halted) => halted == action,
        })
    }
}
