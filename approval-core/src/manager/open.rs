//! From a call to a request: bind the arguments, ask the policy, open.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use super::{
    Action, ActionSpec, ApprovalManager, Context, Core, KeyScope, PendingApproval, Ruled, RuledBy,
    action::Bound,
    engine::Opened,
    keyed::Placed,
    runner::Caller,
    secret_key::{StoredKey, stored_key},
};
use crate::{
    approval_error::{About, ApprovalError},
    error::Invalid,
    id::RequestId,
    lifecycle::{self, Agents, Behind, CountedAs, Draft, NotOpened, Unasked, Way},
    model::{Basis, Enclosed, Gate, Principal, Request, Text},
    policy::{Call, Ruling},
    store::{StoreError, Stored},
};

/// How often a key is tried again when other calls take it at the same time.
const ROUNDS: usize = 100;

/// Answers what approvers ask an agent: see [`super::ManagerBuilder::on_info`].
#[derive(Clone)]
pub(crate) struct InfoAnswerer(pub(crate) Arc<AnswerFn>);

type AnswerFn =
    dyn Fn(Arc<Request>, String) -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send + Sync;

impl fmt::Debug for InfoAnswerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InfoAnswerer")
    }
}

/// A call whose arguments are bound.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) spec: Arc<ActionSpec>,
    pub(crate) bound: Bound,
    pub(crate) agent: Principal,
    pub(crate) context: Context,
    key: Option<StoredKey>,
    /// Whether the caller gave the key. The id of a tool call is no such key: a model that repeats a call gives it another id.
    pub(crate) keyed: bool,
}

impl Prepared {
    /// How the call goes on by an answer of the policy.
    pub(crate) fn way(&self, ruling: &Ruling) -> Way {
        let (informs, windows) = match ruling {
            Ruling::Allow { run_windows, .. } => (false, run_windows),
            Ruling::Notify { run_windows, .. } => (true, run_windows),
            Ruling::Ask { .. } | Ruling::Deny { .. } => return Way::AskPeople,
        };
        let unasked = Unasked {
            needs_proof: self.spec.needs_grant,
            has_key: self.key.is_some(),
            has_window: !windows.is_empty() || !self.spec.gate.run_windows.is_empty(),
            informs,
        };
        unasked.way()
    }

    /// Who would run it.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            spec: Arc::clone(&self.spec),
            agents: Agents::one(self.agent.clone()),
            behind: Behind::Exactly(self.context.on_behalf_of.clone()),
            given: Some(self.bound.digest),
        }
    }
}

impl ApprovalManager {
    /// The agent of the running code: that of its [`Context`], else the manager's.
    #[must_use]
    pub fn current_agent(&self) -> Principal {
        Context::current().agent.unwrap_or_else(|| self.core.settings.agent.clone())
    }

    /// Opens a request by hand, whether or not the policy would have asked; what the policy forbids is refused, and what it
    /// asks for besides is added. With a key that was used before: that request.
    ///
    /// # Errors
    /// Why it was not opened.
    pub async fn request(&self, action: Action) -> Result<PendingApproval, ApprovalError> {
        let prepared = self.core.prepare(action)?;
        let Ruled { ruling, basis } = self.core.rule(&prepared).await?;
        let gate = match ruling {
            Ruling::Deny { rule, reason } => {
                let by = RuledBy { rule: Text::clone(&rule), basis };
                let action = prepared.spec.info.name.clone();
                let error = ApprovalError::PolicyDenied { action, rule, reason };
                return Err(Box::pin(self.core.denied(&prepared, by, error)).await);
            }
            ruling @ (Ruling::Ask { .. } | Ruling::Allow { .. } | Ruling::Notify { .. }) => {
                tightened(&prepared.spec, &ruling)
            }
        };
        let opened = self.open(&prepared, (gate, basis), prepared.preview()).await?;
        Ok(opened.called_by(prepared.caller()))
    }

    /// Opens the request of a prepared call, or finds the one that its key belongs to. Polls `preview` if people are to be
    /// asked about something new.
    pub(crate) async fn open(
        &self,
        prepared: &Prepared,
        (gate, basis): (Arc<Gate>, Option<Arc<Basis>>),
        preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<PendingApproval, ApprovalError> {
        self.open_draft(prepared, self.core.draft(prepared, gate, basis).await?, preview).await
    }

    /// Opens the request of a call that the policy lets run, by a gate that says who is notified afterwards, and when it may run:
    /// it is approved at once, unless a limit says that people must be asked.
    pub(crate) async fn open_allowed(
        &self,
        prepared: &Prepared,
        (by, basis): (&Gate, Option<Arc<Basis>>),
        preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<PendingApproval, ApprovalError> {
        let gate = Arc::new(lifecycle::tighten(&prepared.spec.gate, by));
        let draft = Draft { allowed: true, ..self.core.draft(prepared, gate, basis).await? };
        self.open_draft(prepared, draft, preview).await
    }

    async fn open_draft(
        &self,
        prepared: &Prepared,
        mut draft: Draft,
        mut preview: Option<impl Future<Output = Result<String, String>>>,
    ) -> Result<PendingApproval, ApprovalError> {
        let core = &self.core;
        let limits = &prepared.context.limits;
        // Whether the key, if there is one, may have requests already. The write that opens a first one finds that out by
        // itself; a preview must not be computed for nothing.
        let mut look = preview.is_some();
        if let Some(key) = &prepared.key {
            core.check_conflicts(prepared).await?;
            look |= key.other.is_some();
        }
        for _ in 0..ROUNDS {
            if look && let Some(key) = &prepared.key {
                // On the heap, as all here that most calls do not need: they must not carry it.
                match Box::pin(core.place(&mut draft, key)).await? {
                    Placed::Opens => {}
                    Placed::Waits(stored) => return Ok(self.join(prepared, &stored)),
                    Placed::Refused(stored) => return Ok(self.join(prepared, &stored).repeated()),
                }
            }
            if core.will_ask_now(&draft, limits, preview.is_some()).await?
                && let Some(preview) = preview.take()
            {
                Box::pin(core.preview(&prepared.spec, &mut draft, preview)).await;
                // Ids sort by time, and that has gone on.
                draft.id = RequestId::generate(core.now().await?);
            }
            // Registered before the request exists: whatever happens to it reaches the waiter.
            let about = About::opening(draft.id, &prepared.spec.info.name, prepared.keyed);
            let waiter = PendingApproval::register(self, about).opening(&prepared.spec);
            let opened = match core.open(&draft, limits).await {
                Ok(opened) => opened,
                // What its key has a request for is answered from that, whatever a new one would meet.
                Err(error)
                    if prepared.key.is_some() && !look && not_opened(&error).gives_way_to_the_key() =>
                {
                    waiter.forget();
                    look = true;
                    continue;
                }
                Err(error) => {
                    waiter.forget();
                    return Err(error);
                }
            };
            match opened {
                Opened::New(stored) => {
                    if let Some(followed) = stored.request.predecessor
                        && let Some(refused) = Box::pin(core.link(followed, &stored.request)).await?
                    {
                        waiter.forget();
                        return Err(refused);
                    }
                    return Ok(waiter.written(stored).opened(&prepared.spec));
                }
                // Another call took the key meanwhile.
                Opened::Existing(_) if prepared.key.is_some() => {
                    waiter.forget();
                    look = true;
                }
                Opened::Existing(stored) => {
                    waiter.forget();
                    return Ok(self.join(prepared, &stored));
                }
            }
        }
        Err(StoreError::unavailable("others kept taking the same key; try again").into())
    }

    /// Waits for a request that is there already.
    fn join(&self, prepared: &Prepared, stored: &Stored) -> PendingApproval {
        let about = About { keyed: prepared.keyed, ..About::of(&stored.request) };
        PendingApproval::register(self, about).look().opening(&prepared.spec).opened(&prepared.spec)
    }

    /// Waits for a request that was opened before, in any process.
    ///
    /// # Errors
    /// When there is no such request, or the store failed.
    pub async fn attach(&self, request: RequestId) -> Result<PendingApproval, ApprovalError> {
        let stored = self.core.load(request).await?;
        Ok(PendingApproval::register(self, About::of(&stored.request)).look())
    }
}

impl Core {
    /// Binds the arguments of a call and takes over the context.
    pub(crate) fn prepare(&self, action: Action) -> Result<Prepared, ApprovalError> {
        self.at_work()?;
        let context = Context::current();
        let agent = context.agent.clone().unwrap_or_else(|| self.settings.agent.clone());
        let Action { spec, arguments, attachments, key } = action;
        let bound = spec.bind(arguments, attachments, self.settings.redaction_key.as_ref())?;
        let keyed = key.is_some();
        let key = key.or_else(|| match (&context.run, &context.tool_call) {
            (Some(_), Some(call)) => Some(Arc::clone(call)),
            _ => None,
        });
        if spec.wait.is_some() && key.is_none() {
            let why = if spec.suspend {
                "suspends, but has no key to be found again by"
            } else {
                "waits for a limited time, but has no key to be found again by: what is approved later would never run"
            };
            return Err(Invalid::new("call", spec.info.name.as_str(), why)
                .hint("give it a key, or call it within a run and a tool call")
                .into());
        }
        let scope = KeyScope {
            namespace: &self.settings.namespace,
            agent: &agent,
            action: &spec.info.name,
            run: context.run.as_deref(),
        };
        let secret = self.settings.redaction_key.as_ref();
        let key = key.map(|key| stored_key(scope, &key, &spec, &bound, secret)).transpose()?;
        Ok(Prepared { spec, bound, agent, context, key, keyed })
    }

    /// Refuses a call with a key where too many keys of its agent met other calls lately: each conflict tells something
    /// about a key.
    async fn check_conflicts(&self, prepared: &Prepared) -> Result<(), ApprovalError> {
        let Some(reached) = self.attempts.too_many_conflicts(&prepared.agent, self.now().await?) else {
            return Ok(());
        };
        let action = prepared.spec.info.name.clone();
        Err(ApprovalError::LimitReached { action, reached: Box::new(reached) })
    }

    /// Asks the policy.
    pub(crate) async fn rule(&self, prepared: &Prepared) -> Result<Ruled, ApprovalError> {
        self.rule_counted(prepared, CountedAs::NOTHING).await
    }

    /// Asks the policy about a call. `counted`: how it was counted itself.
    pub(super) async fn rule_counted(
        &self,
        prepared: &Prepared,
        counted: CountedAs<'_>,
    ) -> Result<Ruled, ApprovalError> {
        let info = &prepared.spec.info;
        let cost = lifecycle::cost_of(info, &prepared.bound.arguments)?.map(|cost| cost.magnitude());
        // A rule about a person holds for every spelling of the name.
        let behind = self.canonical(prepared.context.on_behalf_of.as_ref()).await?;
        let call = Call {
            action: info,
            arguments: &prepared.bound.arguments,
            digest: &prepared.bound.digest,
            agent: &prepared.agent,
            on_behalf_of: behind.as_ref(),
            run: prepared.context.run.as_ref(),
            risk: prepared.spec.risk,
            cost,
            // Looked up when the policy is asked.
            spent_usd: None,
            gate: &prepared.spec.gate,
            said: prepared.spec.said,
            now: self.now().await?,
        };
        self.rule_on(&call, prepared.counts(), counted).await
    }

    async fn draft(
        &self,
        prepared: &Prepared,
        gate: Arc<Gate>,
        basis: Option<Arc<Basis>>,
    ) -> Result<Draft, ApprovalError> {
        let now = self.now().await?;
        let Prepared { spec, bound, agent, context, key, keyed: _ } = prepared;
        Ok(Draft {
            id: RequestId::generate(now),
            namespace: Arc::clone(&self.settings.namespace),
            action: Arc::clone(&spec.info),
            question: None,
            requester: agent.clone(),
            on_behalf_of: context.on_behalf_of.clone(),
            run: context.run.clone(),
            intent: context.intent.clone(),
            key: key.as_ref().map(|key| Text::clone(&key.key)),
            risk: spec.risk,
            priority: spec.priority,
            gate,
            arguments: bound.arguments.clone(),
            enclosed: Some(Enclosed::from(bound.attachments.clone()))
                .filter(|enclosed| !enclosed.is_empty())
                .map(Arc::new),
            digest: bound.digest,
            answers_info: self.settings.info.is_some(),
            predecessor: None,
            allowed: false,
            declaration: Some(Arc::clone(spec.declaration())),
            basis,
        })
    }
}

/// What must be met: what the action says, tightened by what the policy asks for besides.
pub(crate) fn tightened(spec: &ActionSpec, ruling: &Ruling) -> Arc<Gate> {
    lifecycle::asked_for(&spec.gate, spec.said, ruling.into())
}

/// What an error says about why no request was opened.
const fn not_opened(error: &ApprovalError) -> NotOpened {
    match error {
        ApprovalError::LimitReached { .. } => NotOpened::Limit,
        ApprovalError::NoApprover { .. } => NotOpened::NoApprover,
        ApprovalError::Invalid(_) => NotOpened::Invalid,
        ApprovalError::OutsideWindow { .. } => NotOpened::Window,
        ApprovalError::Refused { .. } => NotOpened::Refused,
        ApprovalError::Halted { .. } => NotOpened::Halted,
        ApprovalError::PolicyDenied { .. } | ApprovalError::PolicyAsks { .. } => NotOpened::Ruled,
        ApprovalError::Rejected(_)
        | ApprovalError::Expired(_)
        | ApprovalError::Cancelled(_)
        | ApprovalError::Revoked { .. }
        | ApprovalError::GrantExpired { .. }
        | ApprovalError::Pending(_)
        | ApprovalError::StandingWithdrawn { .. }
        | ApprovalError::AlreadyDecided { .. }
        | ApprovalError::AlreadyRan { .. }
        | ApprovalError::Unknown(_)
        | ApprovalError::KeyConflict { .. }
        | ApprovalError::DefinitionChanged { .. }
        | ApprovalError::NotAnApprover { .. }
        | ApprovalError::ArgumentsChanged { .. }
        | ApprovalError::NotFound(_) => NotOpened::Answered,
        ApprovalError::WouldBlock { .. }
        | ApprovalError::Policy(_)
        | ApprovalError::Directory(_)
        | ApprovalError::Store(_)
        | ApprovalError::Notifier(_)
        | ApprovalError::NoManager(_)
        | ApprovalError::ShutDown
        | ApprovalError::Internal(_) => NotOpened::Failed,
    }
}
