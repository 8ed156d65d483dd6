//! From a call to the right to run it.

use std::{future::Future, sync::Arc};

use super::{Arguments, Call, Editor, Replay, Running};
use crate::{
    approval_error::ApprovalError,
    error::Invalid,
    guard::{self, Authorization, block_on},
    manager::{Action, ActionSpec, ApprovalManager, attached},
    model::CanonicalJson,
};

/// A call that may run, once.
#[derive(Debug)]
pub struct Authorized {
    authorization: Authorization,
    manager: ApprovalManager,
    spec: Arc<ActionSpec>,
    /// The caller's own arguments, as they were when the call was made.
    own: CanonicalJson,
}

/// Asks the policy and, where it says so, people; waits as long as the caller has patience.
///
/// # Errors
/// Why the body may not run.
pub async fn authorize(call: Call) -> Result<Authorized, ApprovalError> {
    let (manager, action) = call.prepare()?;
    let (spec, own) = (Arc::clone(&action.spec), action.arguments.clone());
    let authorization = manager.authorize(action).await?;
    Ok(Authorized { authorization, manager, spec, own })
}

/// [`authorize`] for a function that is not async.
///
/// # Errors
/// As [`authorize`]; and where waiting would block the only thread of a runtime.
pub fn authorize_blocking(call: Call) -> Result<Authorized, ApprovalError> {
    let (manager, action) = call.prepare()?;
    let (spec, own) = (Arc::clone(&action.spec), action.arguments.clone());
    let authorization = manager.authorize_blocking(action)?;
    Ok(Authorized { authorization, manager, spec, own })
}

/// [`authorize`], with what the call would do, which is worked out if people are asked.
///
/// # Errors
/// As [`authorize`].
pub async fn authorize_previewed(
    call: Call,
    preview: impl Future<Output = Result<String, String>>,
) -> Result<Authorized, ApprovalError> {
    let (manager, action) = call.prepare()?;
    let (spec, own) = (Arc::clone(&action.spec), action.arguments.clone());
    let authorization = manager.authorize_previewed(action, preview).await?;
    Ok(Authorized { authorization, manager, spec, own })
}

/// [`authorize_previewed`] for a function that is not async.
///
/// # Errors
/// As [`authorize_blocking`].
pub fn authorize_previewed_blocking(
    call: Call,
    preview: impl Future<Output = Result<String, String>>,
) -> Result<Authorized, ApprovalError> {
    let (manager, action) = call.prepare()?;
    let (spec, own) = (Arc::clone(&action.spec), action.arguments.clone());
    let authorization = block_on(spec.name(), manager.authorize_previewed(action, preview))?;
    Ok(Authorized { authorization, manager, spec, own })
}

/// What beginning came to.
#[derive(Debug)]
pub enum Begun<R> {
    /// The body may run.
    Running(Running),
    /// Another call ran it, and this is what it returned.
    Ran(R),
}

fn read<R: Replay>(recorded: &CanonicalJson, spec: &ActionSpec) -> Result<R, ApprovalError> {
    R::read(recorded).map_err(|why| {
        Invalid::new("recorded result", spec.name().as_str(), format!("cannot be read: {why}")).into()
    })
}

impl Call {
    fn prepare(self) -> Result<(ApprovalManager, Action), ApprovalError> {
        let Self { arguments, manager, attachments, key } = self;
        let manager = manager?;
        let spec = arguments.spec.action_spec(&arguments.editable)?;
        let attachments = match attachments {
            Some(made) => attached(&made, &spec)?,
            None => Vec::new(),
        };
        let own = arguments.checked()?;
        Ok((manager, Action { spec, arguments: own, attachments, key: key.map(Into::into) }))
    }
}

impl Authorized {
    /// Whether approvers changed the arguments.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.authorization.edited()
    }

    /// What approvers made of a parameter, if they changed it.
    ///
    /// # Errors
    /// When the new value does not have the parameter's type.
    pub fn edited<T>(&self, editor: &Editor<T>) -> Result<Option<T>, ApprovalError> {
        if !self.is_edited() {
            return Ok(None);
        }
        Ok(editor.changed(&self.own, self.authorization.arguments())?)
    }

    /// Spends the grant. `edited` are the arguments with the approvers' changes in place; without, the caller's own run.
    ///
    /// # Errors
    /// When the arguments are not the approved ones, or the grant was used, ran out, or was revoked.
    pub async fn begin(self, edited: Option<Arguments>) -> Result<Running, ApprovalError> {
        let Self { authorization, manager, spec, own } = self;
        let expected = edited.map_or(Ok(own), Arguments::into_json)?;
        let running = authorization.begin(expected.clone()).await?;
        Ok(Running::new(running, manager, spec, expected))
    }

    /// [`Authorized::begin`] for a function whose results are replayed: gives back what the same call returned before. Where
    /// another call was faster, waits for that one.
    ///
    /// # Errors
    /// As [`Authorized::begin`], and when the recorded result cannot be read.
    pub async fn begin_or_replay<R: Replay>(
        self,
        edited: Option<Arguments>,
    ) -> Result<Begun<R>, ApprovalError> {
        let Self { authorization, manager, spec, own } = self;
        let expected = edited.map_or(Ok(own), Arguments::into_json)?;
        Ok(match authorization.begin_or_replay(expected.clone()).await? {
            guard::Begun::Running(running) => Begun::Running(Running::new(running, manager, spec, expected)),
            guard::Begun::Ran(_, recorded) => Begun::Ran(read(&recorded, &spec)?),
        })
    }

    /// [`Authorized::begin_or_replay`] for a function that is not async.
    ///
    /// # Errors
    /// As [`Authorized::begin_or_replay`].
    pub fn begin_or_replay_blocking<R: Replay>(
        self,
        edited: Option<Arguments>,
    ) -> Result<Begun<R>, ApprovalError> {
        let action = self.spec.name().clone();
        block_on(&action, self.begin_or_replay(edited))
    }

    /// [`Authorized::begin`] for a function that is not async.
    ///
    /// # Errors
    /// As [`Authorized::begin`].
    pub fn begin_blocking(self, edited: Option<Arguments>) -> Result<Running, ApprovalError> {
        let action = self.spec.name().clone();
        block_on(&action, self.begin(edited))
    }
}
