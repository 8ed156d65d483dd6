//! One step of a script.

use std::{fmt, sync::Arc};

use approval_core::{
    Invalid, Principal,
    model::{CanonicalJson, Request, canonical::to_canonical},
};
use serde::Serialize;

/// A value of a script, or why it is none. Said when the step is taken, so that a script can be written in one go.
pub(super) type Fallible<T> = Result<T, Invalid>;

/// The canonical form of a value of a script.
pub(super) fn canonical(value: &impl Serialize) -> Fallible<CanonicalJson> {
    to_canonical(value)
        .map_err(|error| Invalid::new("value in the script", "…", format!("cannot be encoded: {error}")))
}

/// What a person does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Approve { note: Option<String> },
    Reject { option: Option<String>, reason: String },
    Edit { edits: Vec<(String, Fallible<CanonicalJson>)> },
    Ask { question: String },
    Answer { value: Fallible<CanonicalJson> },
    Delegate { to: String },
    Ignore,
}

impl Deed {
    const fn name(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Edit { .. } => "edit and approve",
            Self::Ask { .. } => "ask the agent",
            Self::Answer { .. } => "answer",
            Self::Delegate { .. } => "delegate",
            Self::Ignore => "ignore",
        }
    }
}

/// Whether a step is for a request.
pub(super) type Fits = dyn Fn(&Request) -> bool + Send + Sync;

/// Which requests a step is for.
#[derive(Clone, Default)]
pub(super) struct Filter {
    pub(super) action: Option<String>,
    pub(super) fits: Option<Arc<Fits>>,
}

impl Filter {
    fn lets_through(&self, request: &Request) -> bool {
        self.action.as_ref().is_none_or(|action| request.action.name.as_str() == action)
            && self.fits.as_ref().is_none_or(|fits| fits(request))
    }
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Left,
    Taken,
}

/// One step of a script.
#[derive(Clone)]
pub(super) struct Step {
    /// Who, as written and as read; `None` ignores a request.
    pub(super) by: Option<(String, Fallible<Principal>)>,
    pub(super) deed: Deed,
    pub(super) filter: Filter,
    pub(super) state: State,
}

impl Step {
    pub(super) fn fits(&self, request: &Request) -> bool {
        self.state == State::Left && self.filter.lets_through(request)
    }
}

/// As in "reject by user:ann@example.com, on payments.refund".
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.deed.name())?;
        if let Some((by, _)) = &self.by {
            write!(f, " by {by}")?;
        }
        if let Some(action) = &self.filter.action {
            write!(f, ", on {action}")?;
        }
        if self.filter.fits.is_some() {
            f.write_str(", when a condition holds")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.state)
    }
}
