//! Around a piece of agent work: which agent, which run, on whose behalf, why.

use std::future::Future;

use crate::model::{Principal, RunLimits, Text};

tokio::task_local! {
    static CURRENT: Context;
}

/// Who works, in which run, on whose behalf and why: taken over by every guarded call inside [`Context::scope`]. What an
/// inner context leaves open is taken from the outer one.
///
/// A task that is spawned inside does not inherit it; wrap its future with [`Context::current`] if it shall.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), approval_core::Invalid> {
/// use approval_core::Context;
/// Context::new().agent("support-bot")?.run("2026-03-01/17").on_behalf_of("user:ann@example.com")?.scope(async {
///     assert_eq!(Context::current().agent_name().map(|agent| agent.to_string()).as_deref(), Some("agent:support-bot"));
/// }).await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    pub(crate) agent: Option<Principal>,
    pub(crate) on_behalf_of: Option<Principal>,
    pub(crate) run: Option<Text>,
    pub(crate) intent: Option<Text>,
    pub(crate) tool_call: Option<Text>,
    pub(crate) limits: RunLimits,
}

impl Context {
    /// Nothing said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The agent that works.
    ///
    /// # Errors
    /// When the name cannot be that of an agent.
    pub fn agent(mut self, name: &str) -> Result<Self, crate::error::Invalid> {
        self.agent = Some(Principal::named_agent(name)?);
        Ok(self)
    }

    /// The person on whose behalf it works.
    ///
    /// # Errors
    /// When the principal cannot be read.
    pub fn on_behalf_of(mut self, person: &str) -> Result<Self, crate::error::Invalid> {
        self.on_behalf_of = Some(Principal::new(person)?);
        Ok(self)
    }

    /// The run that the work belongs to. Keys are unique within it.
    #[must_use]
    pub fn run(mut self, run: impl Into<Text>) -> Self {
        self.run = Some(run.into());
        self
    }

    /// What the run may do at the most. Counted in the store, so that it holds over restarts, as long as the run has the
    /// same name; says nothing outside of a run.
    #[must_use]
    pub const fn limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Why the agent does it, in its own words; shown to people as data.
    #[must_use]
    pub fn intent(mut self, intent: impl Into<Text>) -> Self {
        self.intent = Some(intent.into());
        self
    }

    /// The id that the model gave its tool call. Together with a run it is the key of a call that names none.
    #[must_use]
    pub fn tool_call(mut self, id: impl Into<Text>) -> Self {
        self.tool_call = Some(id.into());
        self
    }

    /// The agent, if one was named.
    #[must_use]
    pub const fn agent_name(&self) -> Option<&Principal> {
        self.agent.as_ref()
    }

    /// The context of the code that is running.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    fn within(self, outer: Self) -> Self {
        // Within the same run nothing is loosened.
        let another = self.run.is_some() && self.run != outer.run;
        let limits = if another { self.limits } else { self.limits.and(outer.limits) };
        Self {
            limits,
            agent: self.agent.or(outer.agent),
            on_behalf_of: self.on_behalf_of.or(outer.on_behalf_of),
            run: self.run.or(outer.run),
            intent: self.intent.or(outer.intent),
            tool_call: self.tool_call.or(outer.tool_call),
        }
    }

    /// Runs asynchronous work in this context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        let context = self.within(Self::current());
        CURRENT.scope(context, work).await
    }

    /// Runs synchronous work in this context.
    pub fn sync_scope<R>(self, work: impl FnOnce() -> R) -> R {
        let context = self.within(Self::current());
        CURRENT.sync_scope(context, work)
    }
}
