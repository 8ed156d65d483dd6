//! Putting a manager together.

use std::{fmt, future::Future, sync::Arc};

use super::{
    Alive, ApprovalManager, Core, Settings, alerts,
    alerts::Alerts,
    attempts::RefusedAttempts,
    basis::Sources,
    bell,
    cache::RowCache,
    due,
    halts::HaltWatch,
    halts_of_store,
    handover::Handover,
    journal,
    lease::{DEFAULT_LEASE_TTL, Lease},
    open::InfoAnswerer,
    outbox,
    reruns::Reruns,
    runtime::Workers,
    seal,
    standing::StandingWatch,
    waiters::Waiters,
};
use crate::{
    audit::{Sealer, Sealing},
    clock::{Clock, Span, SystemClock},
    directory::{Directory, StaticDirectory},
    error::Invalid,
    id::ExecutorId,
    model::{Limit, Principal, Request, Text, TimeoutSpike, TimeoutWatch, canonical::DigestKey},
    notify::{Elsewhere, HandlerReply, Notice, Notifier, NotifyError, TokenKey, handler},
    policy::{AskAlways, Call, Policy, ReloadListener, Ruling, policy_fn},
    store::{ChangeListener, MemoryStore, Store},
    sync::Mutex,
};

/// Parts of the waiter registry that are locked one by one.
const SHARDS: usize = 64;

/// Why a manager cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No person could ever decide.
    #[error(
        "no person could decide: the manager has no channel that hears decisions; add one with .notifier(..) or .handler(..), \
         or say .unattended() if decisions come from elsewhere (another process, manager.decider(..))"
    )]
    NobodyDecides,
    /// Two channels have the same name.
    #[error("two channels are called {0:?}; give each its own name")]
    DoubledChannel(String),
    /// A value is not right.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The thread of the workers could not be started.
    #[error("the workers could not be started: {0}")]
    Workers(#[from] std::io::Error),
}

/// Puts a manager together. Every part has a default: [`MemoryStore`] (with a warning), the system's clock, a policy that
/// always asks, a directory that takes every `user:` at its word, an agent named after the executable.
#[must_use = "call .build()"]
pub struct ManagerBuilder {
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    policy: Arc<dyn Policy>,
    directory: Arc<dyn Directory>,
    notifiers: Vec<Arc<dyn Notifier>>,
    elsewhere: Vec<Text>,
    agent: Option<Result<Principal, Invalid>>,
    namespace: Text,
    limits: Vec<Arc<Limit>>,
    lease_ttl: Span,
    token_key: Option<TokenKey>,
    redaction_key: Option<DigestKey>,
    info: Option<InfoAnswerer>,
    sealing: Option<Sealing>,
    alerts: Option<Alerts>,
    unattended: bool,
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("store", &self.store)
            .field("notifiers", &self.notifiers)
            .finish_non_exhaustive()
    }
}

impl ManagerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            store: None,
            clock: Arc::new(SystemClock),
            policy: Arc::new(AskAlways),
            directory: Arc::new(StaticDirectory::new()),
            notifiers: Vec::new(),
            elsewhere: Vec::new(),
            agent: None,
            namespace: "default".into(),
            limits: Vec::new(),
            lease_ttl: DEFAULT_LEASE_TTL,
            token_key: None,
            redaction_key: None,
            info: None,
            sealing: None,
            alerts: None,
            unattended: false,
        }
    }

    /// Where requests live.
    pub fn store(self, store: impl Store) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// Where requests live; the store is used elsewhere too.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Where time comes from. Give the store the same clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What may run without asking, what must be asked, and what is forbidden.
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// The same as a closure.
    pub fn policy_fn(self, rule: impl Fn(&Call<'_>) -> Ruling + Send + Sync + 'static) -> Self {
        self.policy(policy_fn(rule))
    }

    /// Who people are.
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Arc::new(directory);
        self
    }

    /// Adds a channel.
    pub fn notifier(self, notifier: impl Notifier) -> Self {
        self.shared_notifier(Arc::new(notifier))
    }

    /// Names a channel that another process on the same store serves: people are notified through it of what this process asks, and
    /// decide there. That process adds the channel itself with [`ManagerBuilder::notifier`] or [`ManagerBuilder::handler`] (whose
    /// channel is called `handler`). Until it runs, the notices wait.
    ///
    /// # Example
    /// An agent on one machine, the inbox on another:
    /// ```
    /// # use approval_core::ApprovalManager;
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let agent = ApprovalManager::builder().channel_elsewhere("inbox").build()?;
    /// # Ok(()) }
    /// ```
    pub fn channel_elsewhere(mut self, name: impl Into<Text>) -> Self {
        let name = name.into();
        self.notifiers.push(Arc::new(Elsewhere::new(Text::clone(&name))));
        self.elsewhere.push(name);
        self
    }

    /// Adds a channel that is used elsewhere too.
    pub fn shared_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.push(notifier);
        self
    }

    /// Adds a home-made channel: a function that is given each notice that asks, and speaks for its receiver.
    pub fn handler<F, R>(self, handle: F) -> Self
    where
        F: Fn(Notice) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HandlerReply, NotifyError>> + Send + 'static,
    {
        self.shared_notifier(handler("handler", handle))
    }

    /// The agent that asks when no [`crate::Context`] names another. Unless set, the file name of the executable, in which
    /// every byte that is no lower-case ASCII letter, digit, `-`, `_` or `.` is written as `+` and two hexadecimal digits.
    ///
    /// A name that cannot be that of an agent is an error of [`ManagerBuilder::build`]; so is one with an upper-case letter, which
    /// is not repaired: `Job-A` and `job-a` would become one agent.
    pub fn agent(mut self, name: &str) -> Self {
        self.agent = Some(Principal::named_agent(name));
        self
    }

    /// Separates tenants that share a store; `default` unless set. Everything that the manager does, shows, decides, counts and
    /// halts is confined to its namespace: a request of another one does not exist for it.
    pub fn namespace(mut self, namespace: impl Into<Text>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// A limit on calls, besides those of the policy.
    ///
    /// # Errors
    /// When it has no name, or limits nothing.
    pub fn limit(mut self, limit: Limit) -> Result<Self, Invalid> {
        super::limits::check(&limit)?;
        if self.limits.iter().any(|known| known.name == limit.name && **known != limit) {
            return Err(super::limits::two_of_one_name(&limit.name));
        }
        self.limits.push(Arc::new(limit));
        Ok(self)
    }

    /// How long after its last sign of life a process counts as lost; 30 seconds unless set. At least one second.
    pub fn lease(mut self, ttl: Span) -> Self {
        self.lease_ttl = ttl.max(Span::from_secs(1));
        self
    }

    /// The secret of decide tokens; a random one unless set, whose tokens end with this process.
    pub fn token_key(mut self, key: TokenKey) -> Self {
        self.token_key = Some(key);
        self
    }

    /// The secret with which redacted arguments enter digests. Share it between processes; keep it outside the store.
    pub fn redaction_key(mut self, key: DigestKey) -> Self {
        self.redaction_key = Some(key);
        self
    }

    /// Answers what approvers ask the agent; `None` leaves the question open for [`crate::manager::Requester::provide_info`].
    pub fn on_info<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(Arc<Request>, String) -> R + Send + Sync + 'static,
        R: Future<Output = Option<String>> + Send + 'static,
    {
        self.info =
            Some(InfoAnswerer(Arc::new(move |request, question| Box::pin(answer(request, question)))));
        self
    }

    /// Seals the audit trail ([`crate::audit`]); nothing is sealed unless this is set. Several processes on one store may all
    /// seal: one of them does. Give them the same key.
    pub fn seal(mut self, sealing: Sealing) -> Self {
        self.sealing = Some(sealing);
        self
    }

    /// Tells when deadlines pass much more often than usual: those who are asked may not be reached. One of the processes on a
    /// store tells, once a window for each action, and there is a line about it in the journal. `on_spike` must not block.
    ///
    /// # Example
    /// ```
    /// # use approval_core::{ApprovalManager, model::TimeoutWatch};
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = ApprovalManager::builder()
    ///     .alert_on_timeouts(TimeoutWatch::default(), |spike| eprintln!("{spike}"))
    ///     .unattended()
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn alert_on_timeouts(
        mut self,
        watch: TimeoutWatch,
        on_spike: impl Fn(&TimeoutSpike) + Send + Sync + 'static,
    ) -> Self {
        self.alerts = Some(Alerts { watch, on_spike: Arc::new(on_spike) });
        self
    }

    /// No channel of this manager hears decisions, and that is meant: they come from another process, or through
    /// [`ApprovalManager::decider`].
    pub fn unattended(mut self) -> Self {
        self.unattended = true;
        self
    }

    /// Starts the manager: on the current Tokio runtime, or, where there is none, on a thread of its own.
    ///
    /// # Errors
    /// When no person could decide, two channels have one name, the agent has no proper name, or the workers could not be
    /// started.
    pub fn build(self) -> Result<ApprovalManager, BuildError> {
        if !self.unattended && !self.notifiers.iter().any(|notifier| notifier.capabilities().decides) {
            return Err(BuildError::NobodyDecides);
        }
        let agent = self.agent.unwrap_or_else(executable)?;
        let mut notifiers: Vec<(Text, Arc<dyn Notifier>)> = Vec::with_capacity(self.notifiers.len());
        for notifier in self.notifiers {
            if notifiers.iter().any(|(name, _)| **name == *notifier.name()) {
                return Err(BuildError::DoubledChannel(notifier.name().to_owned()));
            }
            notifiers.push((notifier.name().into(), notifier));
        }
        let store = self.store.unwrap_or_else(|| {
            tracing::warn!("no store was given: requests are kept in memory, and nothing survives the end of this process");
            Arc::new(MemoryStore::with_clock(Arc::clone(&self.clock)))
        });
        let token_key = match self.token_key {
            Some(key) => key,
            None => TokenKey::random()?,
        };
        let handover = Handover::new(ExecutorId::generate(self.clock.now()));
        let core = Arc::new(Core {
            journal: journal::Journal::new(Arc::clone(&store)),
            sealer: self.sealing.map(|sealing| Sealer::new(Arc::clone(&store), sealing)),
            store,
            clock: self.clock,
            policy: self.policy,
            directory: self.directory,
            notifiers,
            elsewhere: self.elsewhere,
            standing: StandingWatch::new(Text::clone(&self.namespace)),
            halts: HaltWatch::new(&self.namespace),
            reruns: Reruns::new(&self.namespace),
            settings: Settings {
                namespace: self.namespace,
                agent,
                token_key,
                redaction_key: self.redaction_key,
                info: self.info,
                limits: self.limits,
            },
            waiters: Waiters::new(SHARDS),
            cache: RowCache::new(),
            lease: Lease::new(self.lease_ttl),
            attempts: RefusedAttempts::default(),
            sources: Sources::default(),
            giving_back: tokio::sync::Mutex::new(()),
            due_bell: bell::Bell::new(),
            halts_bell: bell::Bell::new(),
            outbox_bell: bell::Bell::new(),
            handover,
            approved_bells: Mutex::default(),
            stop: bell::Stop::new(),
            runtime: Workers::new()?,
        });
        let manager = ApprovalManager { _alive: Arc::new(Alive(Arc::clone(&core))), core };
        manager.start();
        if let Some(alerts) = self.alerts {
            manager.core.runtime.start(alerts::run(Arc::clone(&manager.core), alerts));
        }
        Ok(manager)
    }
}

/// The agent of a manager that was given none: the name of the executable.
fn executable() -> Result<Principal, Invalid> {
    let path = std::env::current_exe().map_err(|error| {
        Invalid::new("name of the executable", "", format!("is not known: {error}"))
            .hint("name the agent: ManagerBuilder::agent(\"worker-3\")")
    })?;
    let name = path.file_name().map_or(&[][..], std::ffi::OsStr::as_encoded_bytes);
    // The suffix that every executable has says nothing.
    let name = if cfg!(windows) { name.strip_suffix(b".exe").unwrap_or(name) } else { name };
    Principal::executable(name)
}

impl ApprovalManager {
    fn start(&self) {
        let core = &self.core;
        let listener: Arc<dyn ChangeListener> = Arc::clone(core) as _;
        core.store.subscribe(Arc::downgrade(&listener));
        let reloads: Arc<dyn ReloadListener> = Arc::clone(core) as _;
        core.listen_for_reloads(&reloads);
        core.runtime.start(due::run(Arc::clone(core)));
        core.runtime.start(halts_of_store::run(Arc::clone(core)));
        core.runtime.start(due::run_leases(Arc::clone(core)));
        core.runtime.start(journal::run(Arc::clone(core)));
        if let Some(sealer) = &core.sealer {
            core.runtime.start(seal::run(Arc::clone(core)));
            for sink in sealer.sinks() {
                core.runtime.start(seal::run_sink(Arc::clone(core), Arc::clone(sink)));
            }
        }
        let starting: Vec<_> = core
            .served_here()
            .map(|(name, notifier)| (Arc::clone(notifier), self.decider(Arc::clone(name))))
            .collect();
        let core = Arc::clone(core);
        self.core.runtime.start(async move {
            for (notifier, decider) in starting {
                if let Err(error) = notifier.start(decider).await {
                    tracing::error!(channel = notifier.name(), %error, "a channel could not be started; its notices will wait");
                }
            }
            outbox::run(core).await;
        });
    }
}
