//! When operators should be alerted that people do not answer any more.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use crate::clock::{Span, Timestamp};

/// What counts as a spike of time-outs. The default: in the last hour at least 5 requests of an action had their deadline
/// pass, they are at least 20 % of those that people should have answered, and that is at least 3 times the part of the
/// seven days before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeoutWatch {
    /// How far back is looked.
    pub window: Span,
    /// How much time before that is compared with.
    pub usual: Span,
    /// So many at least.
    pub at_least: u64,
    /// So many percent of those that people should have answered, at least.
    pub percent: u64,
    /// So many times the usual part, at least.
    pub times: u64,
}

impl Default for TimeoutWatch {
    fn default() -> Self {
        Self {
            window: Span::from_hours(1),
            usual: Span::from_hours(7 * 24),
            at_least: 5,
            percent: 20,
            times: 3,
        }
    }
}

/// Many more deadlines passed than usual: the people who are asked may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeoutSpike {
    /// Of this action.
    pub action: Text,
    /// When it was noticed.
    pub at: Timestamp,
    /// How far back was looked.
    pub window: Span,
    /// How many had their deadline pass.
    pub timeouts: u64,
    /// Of so many that people should have answered.
    pub of: u64,
    /// How many had their deadline pass in the time that this is compared with.
    pub usual_timeouts: u64,
    /// Of so many.
    pub usual_of: u64,
}

impl fmt::Display for TimeoutSpike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, window, timeouts, of, usual_timeouts, usual_of, .. } = self;
        write!(
            f,
            "no person decided in time about {timeouts} of {of} requests for {action} within {window:#} (before that: \
             {usual_timeouts} of {usual_of}); see whether those who are asked can be reached"
        )
    }
}
