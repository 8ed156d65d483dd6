//! What runs approved requests: the code's own declaration of the action, and the agents that it runs for.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::{ActionSpec, Context, Core, GuardedAction};
use crate::{
    error::Invalid,
    lifecycle::{Agents, Behind, Claim, Declared},
    model::{ArgumentsDigest, Principal, Request, Said, Text, canonical::arguments_digest_with},
};

/// Code that runs approved requests of one action: see [`crate::ApprovalManager::on_approved`] and
/// [`crate::Approved::begin_as`].
///
/// It carries the action as *this* code declares it, so that an approval of another action, of another version, or of
/// arguments of another schema never runs here; and the agents whose requests it runs: its own agent alone (that of the
/// [`Context`], else the manager's) unless others are named.
///
/// It need not repeat the declaration of the code that makes the calls: a setting that is left at its default demands nothing.
/// What is set explicitly is a demand, a default that is written out too, and an approval that was asked for with less is
/// revoked.
///
/// ```
/// use approval_core::{ActionSpec, Runner};
/// let refunds = Runner::of(ActionSpec::new("payments.refund")?.version(2)).for_agents(["support-bot", "night-bot"])?;
/// # Ok::<(), approval_core::Invalid>(())
/// ```
///
/// `A` is what the grants of its handler prove: `()` unless [`Runner::proving`] names an action.
pub struct Runner<A: ?Sized = ()> {
    pub(crate) spec: Arc<ActionSpec>,
    agents: Option<Agents>,
    proves: PhantomData<fn() -> Box<A>>,
}

impl<A: ?Sized> Clone for Runner<A> {
    fn clone(&self) -> Self {
        Self { spec: Arc::clone(&self.spec), agents: self.agents.clone(), proves: PhantomData }
    }
}

impl<A: ?Sized> fmt::Debug for Runner<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("spec", &self.spec).field("agents", &self.agents).finish()
    }
}

impl Runner {
    /// Runs this action, for the own agent.
    #[must_use]
    pub fn of(spec: impl Into<Arc<ActionSpec>>) -> Self {
        Self { spec: spec.into(), agents: None, proves: PhantomData }
    }

    /// The handler gets a [`Grant`](crate::Grant) of `A`, for inner functions that demand proof of this action.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager) -> Result<(), approval_core::Invalid> {
    /// use approval_core::{ActionSpec, Grant, GuardedAction, Runner};
    ///
    /// struct Refund;
    ///
    /// impl GuardedAction for Refund {
    ///     const NAME: &'static str = "payments.refund";
    /// }
    ///
    /// let refunds = Runner::of(ActionSpec::new("payments.refund")?).proving::<Refund>()?;
    /// let worker = manager.on_approved(refunds, async |cents: u64, proof: Grant<Refund>| Ok::<_, String>(()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When `A` names another action than this one, or another version of it: before any grant is spent.
    pub fn proving<A: GuardedAction + ?Sized>(self) -> Result<Runner<A>, Invalid> {
        self.spec.proves::<A>()?;
        Ok(Runner { spec: self.spec, agents: self.agents, proves: PhantomData })
    }
}

impl<A: ?Sized> Runner<A> {
    /// Runs it for these agents, and no others.
    ///
    /// # Errors
    /// When a name is none of an agent.
    pub fn for_agents<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let agents = names.into_iter().map(Principal::named_agent).collect::<Result<_, _>>()?;
        self.agents = Some(Agents::These(agents));
        Ok(self)
    }

    /// Runs it for every agent of the manager's namespace.
    #[must_use]
    pub fn for_any_agent(mut self) -> Self {
        self.agents = Some(Agents::Any);
        self
    }
}

impl From<ActionSpec> for Runner {
    fn from(spec: ActionSpec) -> Self {
        Self::of(spec)
    }
}

impl From<&Arc<ActionSpec>> for Runner {
    fn from(spec: &Arc<ActionSpec>) -> Self {
        Self::of(Arc::clone(spec))
    }
}

impl From<Arc<ActionSpec>> for Runner {
    fn from(spec: Arc<ActionSpec>) -> Self {
        Self::of(spec)
    }
}

/// Who would run a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) spec: Arc<ActionSpec>,
    pub(crate) agents: Agents,
    pub(crate) behind: Behind,
    /// Digest of the caller's own arguments, if it made the call itself.
    pub(crate) given: Option<ArgumentsDigest>,
}

impl Caller {
    /// A caller that found the request by its id. The person of its context, if it names one, must be that of the request.
    pub(crate) fn attached(runner: Runner, core: &Core) -> Self {
        let person = Context::current().on_behalf_of;
        let behind = person.map_or(Behind::Any, |person| Behind::Exactly(Some(person)));
        Self { behind, ..Self::worker(runner, core) }
    }

    /// A worker, which runs what was asked for on behalf of many.
    pub(crate) fn worker<A: ?Sized>(Runner { spec, agents, .. }: Runner<A>, core: &Core) -> Self {
        let own = || Context::current().agent.unwrap_or_else(|| core.settings.agent.clone());
        let agents = agents.unwrap_or_else(|| Agents::one(own()));
        Self { spec, agents, behind: Behind::Any, given: None }
    }

    /// What the caller says when it runs arguments of this digest.
    pub(crate) fn claim(&self, core: &Core, digest: ArgumentsDigest) -> Claim {
        Claim {
            namespace: Text::clone(&core.settings.namespace),
            agents: self.agents.clone(),
            behind: self.behind.clone(),
            action: self.spec.info.name.clone(),
            version: self.spec.info.version,
            schema: self.spec.info.schema,
            digest,
            declared: Some(Declared {
                declaration: Arc::clone(self.spec.declaration()),
                said: if self.given.is_some() { Said::ALL } else { self.spec.said },
            }),
            needs_proof: self.spec.needs_grant,
        }
    }

    /// Digest of the stored arguments, computed anew under the caller's own declaration of the action.
    pub(crate) fn digest_of_stored(&self, request: &Request) -> ArgumentsDigest {
        let info = &self.spec.info;
        // A declaration without a schema does not know it, and leaves it to the request.
        let schema = info.schema.as_ref().or(request.action.schema.as_ref());
        let (arguments, attachments) = (&request.revision.arguments, request.attachments());
        arguments_digest_with(info.name.as_str(), info.version, schema, arguments, attachments)
    }
}
