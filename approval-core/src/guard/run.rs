//! Guarding without the macro: for tool loops and proxies whose tools are data.

use std::{fmt::Display, future::Future, marker::PhantomData, pin::pin};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Authorization, Begun, watch::watched};
use crate::{
    approval_error::ApprovalError,
    error::Invalid,
    manager::{Action, ApprovalManager, Grant, GuardedAction, Provable},
    model::{
        CanonicalJson,
        canonical::{DecodeError, to_canonical},
    },
};

/// A call that is about to be guarded: see [`ApprovalManager::guard`].
///
/// `A` is what the grant proves: `()` unless [`Guard::proving`] names an action.
#[must_use = "nothing is asked and nothing runs before run(..)"]
pub struct Guard<A: ?Sized = ()> {
    manager: ApprovalManager,
    action: Action,
    proves: PhantomData<fn() -> Box<A>>,
    failed_if: Option<Check>,
}

/// Whether a result tells of a failure.
struct Check(Box<dyn Fn(&Value) -> bool + Send + Sync>);

impl<A: ?Sized> std::fmt::Debug for Guard<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("action", self.action.spec.name()).finish_non_exhaustive()
    }
}

impl ApprovalManager {
    /// Guards a call whose action is data.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager) -> anyhow::Result<()> {
    /// use approval_core::Action;
    /// use serde_json::{Value, json};
    ///
    /// let call = Action::new("mail.send")?
    ///     .describe(|action| action.approvers(["user:ann@example.com"]))?
    ///     .arguments(&json!({ "to": "bob@example.com" }))?;
    /// let sent: Value = manager.guard(call).run(async |arguments, _grant| {
    ///     anyhow::Ok(json!({ "sent": arguments["to"] }))
    /// }).await?;
    /// # Ok(()) }
    /// ```
    pub fn guard(&self, action: Action) -> Guard {
        Guard { manager: self.clone(), action, proves: PhantomData, failed_if: None }
    }
}

impl Guard {
    /// The body gets a [`Grant`] of `A`, for inner functions that demand proof of this action. Where the call is of another
    /// action, or another version of it, no person is asked and nothing runs.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager, call: approval_core::Action) -> anyhow::Result<()> {
    /// use approval_core::{Grant, GuardedAction};
    ///
    /// struct Send;
    ///
    /// impl GuardedAction for Send {
    ///     const NAME: &'static str = "mail.send";
    /// }
    ///
    /// fn hand_over(proof: &Grant<Send>) {}
    ///
    /// manager.guard(call).proving::<Send>().run(async |_arguments, grant| {
    ///     grant.iter().for_each(hand_over);
    ///     anyhow::Ok(())
    /// }).await?;
    /// # Ok(()) }
    /// ```
    pub fn proving<A: GuardedAction + ?Sized>(self) -> Guard<A> {
        Guard { manager: self.manager, action: self.action, proves: PhantomData, failed_if: self.failed_if }
    }
}

impl<A: Provable + ?Sized> Guard<A> {
    /// Records a call as failed whose body returns `Ok` with a result that tells of a failure, as tools of MCP do. The caller
    /// gets the result all the same; it is not replayed.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager, call: approval_core::Action) -> anyhow::Result<()> {
    /// use serde_json::{Value, json};
    ///
    /// let guard = manager.guard(call).failed_if(|result| result["isError"] == true);
    /// let result: Value = guard.run(async |_, _| anyhow::Ok(json!({ "isError": true, "content": [] }))).await?;
    /// # Ok(()) }
    /// ```
    pub fn failed_if(mut self, failed: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        self.failed_if = Some(Check(Box::new(failed)));
        self
    }

    /// Waits for approval and runs `body` with the approved arguments; after an edit these are not those of the call. The
    /// grant is `None` for a call that the policy allowed without asking, whether or not it has a key, and whether or not people are
    /// notified of it.
    ///
    /// The body gets every number exactly as it was approved. An integer beyond 64 bits, which a [`Value`] cannot hold, is
    /// refused before people are asked: use [`Guard::run_exact`] for it.
    ///
    /// # Errors
    /// Why the body did not run, or what it returned.
    pub async fn run<T, E, R>(self, body: impl FnOnce(Value, Option<Grant<A>>) -> R) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<ApprovalError> + Display,
        R: Future<Output = Result<T, E>>,
    {
        self.run_as(CanonicalJson::to_value, body).await
    }

    /// As [`Guard::run`], with the arguments as canonical text, which holds any number: `arguments.deserialize()` reads them
    /// as a type.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager) -> anyhow::Result<()> {
    /// use approval_core::Action;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Transfer {
    ///     wei: u128,
    /// }
    ///
    /// let call = Action::new("wallet.transfer")?.arguments_json(r#"{"wei":18446744073709551617}"#)?;
    /// manager.guard(call).run_exact(async |arguments, _grant| {
    ///     let transfer: Transfer = arguments.deserialize()?;
    ///     anyhow::Ok(transfer.wei.to_string())
    /// }).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Guard::run`].
    pub async fn run_exact<T, E, R>(
        self,
        body: impl FnOnce(CanonicalJson, Option<Grant<A>>) -> R,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<ApprovalError> + Display,
        R: Future<Output = Result<T, E>>,
    {
        self.run_as(|arguments| Ok(arguments.clone()), body).await
    }

    async fn run_as<T, E, R, V>(
        self,
        read: impl Fn(&CanonicalJson) -> Result<V, DecodeError>,
        body: impl FnOnce(V, Option<Grant<A>>) -> R,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<ApprovalError> + Display,
        R: Future<Output = Result<T, E>>,
    {
        self.action.spec.proves::<A>().map_err(ApprovalError::from)?;
        let given = self.action.arguments.clone();
        // Before people are asked: what cannot be handed over exactly is not worth their time.
        let own = read(&given).map_err(|error| unreadable(&error))?;
        let authorization = self.manager.authorize(self.action).await?;
        let actual = actual(&given, &authorization)?;
        let records = authorization.records_result();
        let arguments =
            if authorization.edited() { read(&actual).map_err(|error| unreadable(&error))? } else { own };
        let mut running = match authorization.begin_or_replay(actual).await? {
            Begun::Running(running) => running,
            Begun::Ran(_, result) => {
                return result.deserialize().map_err(|error| not_the_type(&error).into());
            }
        };
        let grant = running.grant()?;
        running.start();
        let body = pin!(body(arguments, grant));
        match watched(&mut running, body).await {
            Ok(value) => {
                if let Some(why) = self.failed_if.as_ref().and_then(|check| failure(check, &value)) {
                    running.failed(why).await;
                } else {
                    let result = if records { recorded(&value) } else { None };
                    running.succeeded(result).await;
                }
                Ok(value)
            }
            Err(error) => {
                running.failed(&error.to_string()).await;
                Err(error)
            }
        }
    }
}

/// Why a result that is no error counts as failed.
fn failure<T: Serialize>(check: &Check, value: &T) -> Option<&'static str> {
    match to_canonical(value).map(|result| result.to_nearest_value()) {
        Ok(Ok(result)) => (check.0)(&result).then_some("the result says that it failed"),
        Ok(Err(_)) | Err(_) => {
            Some("the result cannot be encoded, so whether it says that it failed is unknown")
        }
    }
}

/// What a body returned, as it is kept for the same call later. A value that cannot be encoded is not kept.
pub(crate) fn recorded<T: Serialize>(value: &T) -> Option<CanonicalJson> {
    to_canonical(value)
        .inspect_err(|error| tracing::error!(%error, "what the body returned cannot be recorded, so it cannot be replayed"))
        .ok()
}

/// The arguments that will run: those of the call, or what approvers made of them.
fn actual(given: &CanonicalJson, authorization: &Authorization) -> Result<CanonicalJson, ApprovalError> {
    if !authorization.edited() {
        return Ok(given.clone());
    }
    let approved = authorization.arguments();
    if approved.is_redacted() {
        let invalid = Invalid::new(
            "edited arguments",
            "…",
            "have secret values beside the edited ones, which are not in the store",
        )
        .hint("use #[guarded_action], or leave one of the two out");
        return Err(invalid.into());
    }
    Ok(approved.clone())
}

fn not_the_type(error: &DecodeError) -> ApprovalError {
    Invalid::new("recorded value", "…", format!("cannot be read: {error}")).into()
}

fn unreadable(error: &DecodeError) -> ApprovalError {
    Invalid::new("arguments", "…", format!("cannot be handed to the body: {error}"))
        .hint("run the call with run_exact, whose body gets every number as it was approved")
        .into()
}
