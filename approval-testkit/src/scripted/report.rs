//! What a script came to.

use std::fmt;

use approval_core::{ApprovalError, RequestId};

use super::{Scripted, step::State};

/// A step that never happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedStep {
    /// Which, from 1.
    pub number: usize,
    /// What it says, such as `reject by user:ann@example.com`.
    pub step: String,
}

impl fmt::Display for UnusedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} never happened: {}", self.number, self.step)
    }
}

/// A step that was refused: the person is not eligible, for instance.
#[derive(Clone, Debug)]
pub struct RefusedStep {
    /// Which, from 1; `None` for a vote at the script's end.
    pub number: Option<usize>,
    /// What it says, such as `approve by user:eve@example.com`.
    pub step: String,
    /// On which request.
    pub request: RequestId,
    /// Why.
    pub error: ApprovalError,
}

impl fmt::Display for RefusedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "step {number} was refused: ")?,
            None => f.write_str("a vote at the script's end was refused: ")?,
        }
        write!(f, "{}: {}", self.step, self.error)
    }
}

/// What did not go as the script says. Both forms of printing give the same lines, so that a failed `unwrap` can be read.
#[derive(Clone, Default)]
pub struct Report {
    /// Steps that never happened.
    pub unused: Vec<UnusedStep>,
    /// Steps that were refused.
    pub refused: Vec<RefusedStep>,
    /// Requests that people were asked about and that were open when the script last looked, with their actions. These
    /// alone are no mistake.
    pub open: Vec<(RequestId, String)>,
}

impl Report {
    /// Whether every step happened and none was refused.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.unused.is_empty() && self.refused.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            f.write_str("everything went as the script says")?;
        } else {
            f.write_str("not everything went as the script says")?;
        }
        for refused in &self.refused {
            write!(f, "\n  {refused}")?;
        }
        for unused in &self.unused {
            write!(f, "\n  {unused}")?;
        }
        for (request, action) in &self.open {
            write!(f, "\n  no person has decided yet on {action} {request}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}

impl Scripted {
    /// Steps that have not happened.
    #[must_use]
    pub fn unused(&self) -> Vec<UnusedStep> {
        let script = self.script();
        let left = (1..).zip(&script.steps).filter(|(_, step)| step.state == State::Left);
        left.map(|(number, step)| UnusedStep { number, step: step.to_string() }).collect()
    }

    /// Steps that were refused, and why.
    #[must_use]
    pub fn refusals(&self) -> Vec<RefusedStep> {
        self.script().refused.clone()
    }

    /// What came of the script so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let (unused, refused) = (self.unused(), self.refusals());
        let script = self.script();
        let open = script.open.iter().map(|(request, known)| (*request, known.action.clone())).collect();
        Report { unused, refused, open }
    }

    /// Says whether everything went as the script says: for the end of a test.
    ///
    /// # Errors
    /// When a step never happened or was refused.
    pub fn check(&self) -> Result<(), Report> {
        let report = self.report();
        if report.is_clean() { Ok(()) } else { Err(report) }
    }
}
