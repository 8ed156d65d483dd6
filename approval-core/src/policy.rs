//! What may run without asking, what must be asked, and what is forbidden.

#[cfg(feature = "file")]
mod condition;
mod reload;
#[cfg(feature = "file")]
mod rules;
mod sample;
#[cfg(feature = "file")]
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, LazyLock, Weak},
};

use async_trait::async_trait;
use rust_decimal::Decimal;

use crate::{
    clock::Timestamp,
    lifecycle::PolicyAnswer,
    model::{
        ActionInfo, ArgumentsDigest, CanonicalJson, Gate, Limit, Money, Principal, Requirement, Risk,
        RunWindow, Source, Text,
    },
};

#[cfg(feature = "file")]
pub use condition::CONDITION_LIMIT;
pub use reload::{ReloadListener, ReloadListeners};
#[cfg(feature = "file")]
pub use rules::{Explanation, Looked, Rules, Verdict};
pub use sample::SampleCall;

pub use crate::model::Said;

/// A call that the policy is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The action.
    pub action: &'a Arc<ActionInfo>,
    /// Its arguments, secret ones redacted.
    pub arguments: &'a CanonicalJson,
    /// Their digest.
    pub digest: &'a ArgumentsDigest,
    /// The agent that calls.
    pub agent: &'a Principal,
    /// The person behind it.
    pub on_behalf_of: Option<&'a Principal>,
    /// The run.
    pub run: Option<&'a Text>,
    /// How bad it would be if it were wrong.
    pub risk: Risk,
    /// What it costs. Of a credit (an action that declares [`credits`](ActionInfo::credits) and gives money back) the amount
    /// without its sign: a threshold holds for both.
    pub cost: Option<Money>,
    /// What earlier calls have cost, or will when they run, in US dollars, where that is counted: see [`Limit::spending`]. Calls at the same
    /// time do not see each other; what must hold exactly is a [`Limit`].
    pub spent_usd: Option<Decimal>,
    /// What the action itself says must be met. After an edit: what must be met so far.
    pub gate: &'a Arc<Gate>,
    /// Which of its settings were set explicitly.
    pub said: Said,
    /// The store's present moment.
    pub now: Timestamp,
}

/// What a policy says about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ruling {
    /// It runs. A journal line tells of it; of a call with a key, or with a run window, a request that no person is asked about.
    Allow {
        /// Name of the rule.
        rule: Text,
        /// It runs only while all of these, and those of the action itself, are open.
        run_windows: Vec<RunWindow>,
    },
    /// It runs, and these are notified of it afterwards.
    Notify {
        /// Name of the rule.
        rule: Text,
        /// Who is notified.
        to: Vec<Principal>,
        /// It runs only while all of these, and those of the action itself, are open.
        run_windows: Vec<RunWindow>,
    },
    /// People are asked.
    Ask {
        /// Name of the rule.
        rule: Text,
        /// What must be met besides what the action says itself; it can only tighten that.
        gate: Option<Arc<Gate>>,
        /// Whether `gate` is all that must be met: what the action says was taken into account already, or does not hold.
        whole: bool,
    },
    /// It does not run.
    Deny {
        /// Name of the rule.
        rule: Text,
        /// Why, for the agent and for people.
        reason: Text,
    },
}

/// Names of rules that many calls share.
static ALLOW: LazyLock<Text> = LazyLock::new(|| "allow".into());
static ASK: LazyLock<Text> = LazyLock::new(|| "ask".into());
static ATTRIBUTE: LazyLock<Text> = LazyLock::new(|| "attribute".into());

impl Ruling {
    /// Runs; the rule is called `allow`.
    #[must_use]
    pub fn allow() -> Self {
        Self::Allow { rule: Text::clone(&ALLOW), run_windows: Vec::new() }
    }

    /// Runs, and these are notified of it afterwards; the rule is called `notify`.
    #[must_use]
    pub fn notify(to: impl IntoIterator<Item = Principal>) -> Self {
        Self::Notify { rule: "notify".into(), to: to.into_iter().collect(), run_windows: Vec::new() }
    }

    /// People are asked as the action says; the rule is called `ask`.
    #[must_use]
    pub fn ask() -> Self {
        Self::Ask { rule: Text::clone(&ASK), gate: None, whole: false }
    }

    /// People are asked, and these requirements must be met besides those of the action itself. For more than requirements
    /// (a shorter timeout, people who are excluded), put a [`Gate::only`] with those fields set into [`Ruling::Ask`].
    #[must_use]
    pub fn ask_also(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let rule = Text::from("ask");
        let gate = Gate::only(Arc::clone(&rule), requirements.into_iter().collect());
        Self::Ask { rule, gate: Some(Arc::new(gate)), whole: false }
    }

    /// Does not run; the rule is called `deny`.
    #[must_use]
    pub fn deny(reason: impl Into<Text>) -> Self {
        Self::Deny { rule: "deny".into(), reason: reason.into() }
    }

    /// The same within a run window: outside of it the call does not run. Whatever is denied stays denied.
    ///
    /// ```
    /// use approval_core::{model::RunWindow, policy::Ruling};
    /// let by_day = Ruling::allow().within(RunWindow::new("Europe/Berlin", [("mon-fri", "09:00-17:00")])?);
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    #[must_use]
    pub fn within(mut self, window: RunWindow) -> Self {
        match &mut self {
            Self::Allow { run_windows, .. } | Self::Notify { run_windows, .. } => run_windows.push(window),
            Self::Ask { rule, gate, .. } => {
                let gate = gate.get_or_insert_with(|| Arc::new(Gate::only(Text::clone(rule), Vec::new())));
                Arc::make_mut(gate).run_windows.push(window);
            }
            Self::Deny { .. } => {}
        }
        self
    }

    /// The same under the name of a rule.
    #[must_use]
    pub fn named(self, name: impl Into<Text>) -> Self {
        let rule = name.into();
        match self {
            Self::Allow { run_windows, .. } => Self::Allow { rule, run_windows },
            Self::Notify { to, run_windows, .. } => Self::Notify { rule, to, run_windows },
            Self::Ask { gate, whole, .. } => Self::Ask { rule, gate, whole },
            Self::Deny { reason, .. } => Self::Deny { rule, reason },
        }
    }
}

impl<'a> From<&'a Ruling> for PolicyAnswer<'a> {
    fn from(ruling: &'a Ruling) -> Self {
        match ruling {
            Ruling::Allow { rule, run_windows } => Self::Runs { rule, inform: &[], run_windows },
            Ruling::Notify { rule, to, run_windows } => Self::Runs { rule, inform: to, run_windows },
            Ruling::Ask { rule, gate, whole } => Self::Asks { rule, gate: gate.as_ref(), whole: *whole },
            Ruling::Deny { rule, reason } => Self::Denies { rule, reason },
        }
    }
}

/// A policy that could not answer. Nothing runs then.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

/// Says what may run without asking, what must be asked, and what is forbidden.
///
/// A policy is asked when a call is made, when an approver edits its arguments, and once more when its approval is about to
/// be used (with the arguments as approved, and what was asked for as the gate). That last answer can only forbid: `Deny`
/// leaves the approval unused; `Ask` asks no person again, but revokes what no person approved (a rule, a standing approval or
/// silence did) if it asks for more than before; the run windows that it names hold; people whom it names are notified besides
/// those of before. A call that was allowed more than a second before it runs is asked about again too: `Notify` refuses it there,
/// since people can be notified of a request alone.
#[async_trait]
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// What holds for this call.
    ///
    /// # Errors
    /// When it cannot say; nothing runs then.
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError>;

    /// The limits on calls that hold besides, whatever [`Policy::rule`] says. They are asked for before each
    /// [`Policy::rule`]; a call is counted by the limits of the same [`Policy::source`] that ruled it.
    fn limits(&self) -> Arc<[Arc<Limit>]> {
        Arc::default()
    }

    /// The text of the rules in force. Requests and journal lines name its digest, and the store keeps the text, so that an
    /// auditor can read the rules of then; it must hold no secrets. `None`: there is no text, such as for rules in code.
    ///
    /// It is asked for before and after each [`Policy::rule`], so have it at hand; where the two differ, the rules were
    /// exchanged meanwhile, and are asked again.
    ///
    /// Texts are never removed, for history names them. So the text must stay the same until the rules change: no time of day or counter belongs
    /// into it. In a day (UTC), 1,000 texts that the store does not have yet, and 256 MB of them, are kept for one agent in one namespace,
    /// rules and people together; after that a call under another new text is refused ([`ApprovalError::Policy`](crate::ApprovalError::Policy)),
    /// while texts that are kept go on to hold.
    fn source(&self) -> Option<Arc<Source>> {
        None
    }

    /// From now on `listener` is notified when [`Policy::source`] gives another text. A listener that is gone is forgotten.
    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        drop(listener);
    }
}

/// The policy of a manager that was given none: every guarded action asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskAlways;

#[async_trait]
impl Policy for AskAlways {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(Ruling::Ask { rule: Text::clone(&ATTRIBUTE), gate: None, whole: false })
    }
}

/// A policy in code: see [`policy_fn`].
#[derive(Clone)]
pub struct PolicyFn<F>(F);

/// Makes a policy of a closure.
///
/// ```
/// use approval_core::policy::{Ruling, policy_fn};
/// let policy = policy_fn(|call| match call.action.name.as_str() {
///     "accounts.balance" => Ruling::allow(),
///     "database.drop" => Ruling::deny("tables are never dropped by agents"),
///     _ => Ruling::ask(),
/// });
/// ```
pub const fn policy_fn<F>(rule: F) -> PolicyFn<F>
where
    F: Fn(&Call<'_>) -> Ruling + Send + Sync + 'static,
{
    PolicyFn(rule)
}

impl<F> fmt::Debug for PolicyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyFn")
    }
}

#[async_trait]
impl<F> Policy for PolicyFn<F>
where
    F: Fn(&Call<'_>) -> Ruling + Send + Sync + 'static,
{
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok((self.0)(call))
    }
}
