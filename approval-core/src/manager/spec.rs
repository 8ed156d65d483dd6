//! What is fixed about an action before it is called.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
};

use super::{Provable, preview::PreviewHook};
use crate::{
    clock::Span,
    error::Invalid,
    model::{
        ActionInfo, ActionName, Declaration, DelegationRule, Editable, EscalationStage, Gate, OnTimeout,
        OutsideHours, Principal, Priority, RejectOption, Reminders, Requirement, Risk, RunWindow,
        SUSPEND_GRANT_TTL, Said, SchemaDigest, Text, ToPreview, canonical::FieldPath,
    },
};

/// What is fixed about an action before it is called: its name, its risk, who must approve. Built once, shared by all calls.
///
/// ```
/// use approval_core::ActionSpec;
/// let spec = ActionSpec::new("payments.refund")?
///     .description("Refund {cents} cents to {customer}")
///     .risk(approval_core::Risk::High)
///     .approvers(["group:finance"])?;
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent word of the attribute")]
pub struct ActionSpec {
    pub(crate) info: Arc<ActionInfo>,
    pub(crate) risk: Risk,
    pub(crate) priority: Option<Priority>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) said: Said,
    pub(crate) wait: Option<Span>,
    pub(crate) suspend: bool,
    pub(crate) replay: bool,
    pub(crate) cancel_on_drop: bool,
    pub(crate) redact: Vec<RedactedPath>,
    pub(crate) needs_grant: bool,
    pub(crate) preview: Option<PreviewHook>,
    pub(crate) preview_timeout: Option<Span>,
    /// Made when it is first wanted, and again after a change.
    declaration: OnceLock<Arc<Declaration>>,
}

/// A path to values that stay out of every display.
#[derive(Clone, Debug)]
pub(crate) struct RedactedPath {
    pub(crate) path: FieldPath,
    /// Whether a call without a value there is right.
    pub(crate) may_be_absent: bool,
}

impl ActionSpec {
    /// The action of this name: version 1, risk medium, one hour, no approvers yet.
    ///
    /// # Errors
    /// When it is no name of an action.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        Ok(Self {
            info: Arc::new(ActionInfo::new(ActionName::new(name)?)),
            risk: Risk::Medium,
            priority: None,
            gate: Arc::new(Gate::new("attribute", Vec::new())),
            said: Said::default(),
            wait: None,
            suspend: false,
            replay: false,
            cancel_on_drop: false,
            redact: Vec::new(),
            needs_grant: false,
            preview: None,
            preview_timeout: None,
            declaration: OnceLock::new(),
        })
    }

    /// What it demands, shared by all of its calls.
    pub(crate) fn declaration(&self) -> &Arc<Declaration> {
        self.declaration.get_or_init(|| Arc::new(Declaration::new(&self.info, self.risk, &self.gate)))
    }

    fn info(mut self, change: impl FnOnce(&mut ActionInfo)) -> Self {
        self.declaration = OnceLock::new();
        change(Arc::make_mut(&mut self.info));
        self
    }

    fn gate(mut self, change: impl FnOnce(&mut Gate)) -> Self {
        self.declaration = OnceLock::new();
        change(Arc::make_mut(&mut self.gate));
        self
    }

    /// Its version; part of the digest.
    #[must_use]
    pub fn version(self, version: u32) -> Self {
        self.info(|info| info.version = version)
    }

    /// What sort of action it is, such as `purchase`.
    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        self.info(|info| info.kind = kind.into())
    }

    /// The sentence that people read; `{path}` stands for an argument.
    #[must_use]
    pub fn description(self, template: &str) -> Self {
        self.info(|info| info.description = template.into())
    }

    /// What it costs: arithmetic over arguments and a currency, `{cents} / 100 USD`.
    #[must_use]
    pub fn cost(self, expression: &str) -> Self {
        self.info(|info| info.cost = Some(expression.into()))
    }

    /// It may give money back: its cost may be below zero. Thresholds and limits then compare the amount without its sign, so
    /// a credit of 100,000 USD counts as much as a payment of 100,000 USD, and gives no budget back. Without it, a negative
    /// cost is an error and nothing runs.
    #[must_use]
    pub fn credits(self) -> Self {
        self.info(|info| info.credits = true)
    }

    /// Digest of the schema of its arguments.
    #[must_use]
    pub fn schema(self, schema: SchemaDigest) -> Self {
        self.info(|info| info.schema = Some(schema))
    }

    /// Parameters that the digest does not cover; people are shown which.
    #[must_use]
    pub fn unbound<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.info(|info| info.unbound.extend(names.into_iter().map(Text::from)))
    }

    /// Running it twice does no harm: the same call may run again, under the same approval, what failed or is in doubt, while
    /// the grant lives and it was not revoked or halted. Afterwards a person has it tried again with
    /// [`ApprovalManager::retry`](super::ApprovalManager::retry).
    #[must_use]
    pub fn idempotent(self) -> Self {
        self.info(|info| info.idempotent = true)
    }

    /// Arguments whose values stay out of every display and of the store: `token`, `args.token`, `items[*].pin`.
    ///
    /// A call in which a path leads to no value is refused before people are asked, for the path may be misspelt, and the
    /// secret shown under its right name. `null` is a value. Where a key may be left out, say so with a `?` at the end:
    /// `args.token?` redacts the value if there is one; then nothing tells a misspelt path from a value that is not there.
    ///
    /// # Errors
    /// When a path cannot be read.
    pub fn redact<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        for text in paths {
            let (path, may_be_absent) = match text.strip_suffix('?') {
                Some(path) => (path, true),
                None => (text, false),
            };
            let parsed: FieldPath = path
                .parse()
                .map_err(|e| Invalid::new("path of an argument", text, format!("cannot be read: {e}")))?;
            self.redact.push(RedactedPath { path: parsed, may_be_absent });
            Arc::make_mut(&mut self.info).redacted.push(path.into());
        }
        Ok(self)
    }

    /// How bad it would be if it were wrong.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.declaration = OnceLock::new();
        self.said.risk = true;
        self.risk = risk;
        self
    }

    /// How soon an approver should look; follows from the risk if nothing is said.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Adds a requirement: one approval by any of these.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn approvers<'a>(self, of: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        self.require(1, of)
    }

    /// Adds a requirement: `count` approvals by different people among these.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn require<'a>(self, count: u32, of: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let of = of.into_iter().map(Principal::new).collect::<Result<Vec<_>, _>>()?;
        Ok(self.requirement(Requirement::at_least(count, of)))
    }

    /// Adds a requirement.
    #[must_use]
    pub fn requirement(self, requirement: Requirement) -> Self {
        self.gate(|gate| gate.requirements.push(requirement))
    }

    /// People who never count.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn exclude<'a>(self, who: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let who = who.into_iter().map(Principal::new).collect::<Result<Vec<_>, _>>()?;
        Ok(self.gate(|gate| gate.excluded.extend(who)))
    }

    /// How many rejects it takes.
    #[must_use]
    pub fn veto(mut self, rejects: u32) -> Self {
        self.said.veto = true;
        self.gate(|gate| gate.veto = rejects)
    }

    /// The person behind the agent may vote even where the risk is high or critical.
    #[must_use]
    pub fn allow_self_approval(mut self) -> Self {
        self.said.self_approval = true;
        self.gate(|gate| gate.allow_self_approval = Some(true))
    }

    /// The person behind the agent may not vote, whatever the risk. Without a setting the person may not vote at high and
    /// critical risk.
    #[must_use]
    pub fn forbid_self_approval(mut self) -> Self {
        self.said.self_approval = true;
        self.gate(|gate| gate.allow_self_approval = Some(false))
    }

    /// How long people have.
    #[must_use]
    pub fn timeout(mut self, timeout: Span) -> Self {
        self.said.timeout = true;
        self.gate(|gate| gate.timeout = Some(timeout))
    }

    /// People have time without end.
    #[must_use]
    pub fn no_timeout(mut self) -> Self {
        self.said.timeout = true;
        self.gate(|gate| gate.timeout = None)
    }

    /// What happens when time is up.
    #[must_use]
    pub fn on_timeout(mut self, on_timeout: OnTimeout) -> Self {
        self.said.on_timeout = true;
        self.gate(|gate| gate.on_timeout = on_timeout)
    }

    /// How long the approval may stay unused.
    #[must_use]
    pub fn grant_ttl(mut self, ttl: Span) -> Self {
        self.said.grant_ttl = true;
        self.gate(|gate| gate.grant_ttl = ttl)
    }

    /// The body runs only while this window is open, and while those that were set before are, whether people approved it or
    /// the policy allowed it. The time of a grant is counted from the next opening. A call that waits, waits for it as far as its patience reaches; others get
    /// [`crate::ApprovalError::OutsideWindow`].
    #[must_use]
    pub fn run_window(self, window: RunWindow) -> Self {
        self.gate(|gate| gate.run_windows.push(window))
    }

    /// After `after`, these are asked too, for the requirement of this index.
    ///
    /// # Errors
    /// When a principal cannot be read.
    pub fn escalate<'a>(
        self,
        after: Span,
        requirement: usize,
        to: impl IntoIterator<Item = &'a str>,
        priority: Option<Priority>,
    ) -> Result<Self, Invalid> {
        let to = to.into_iter().map(Principal::new).collect::<Result<Vec<_>, _>>()?;
        Ok(self.gate(|gate| gate.escalation.push(EscalationStage { after, requirement, to, priority })))
    }

    /// People who have not voted are reminded.
    #[must_use]
    pub fn remind(self, every: Span, at_most: u32) -> Self {
        self.gate(|gate| gate.reminders = Some(Reminders { every, at_most }))
    }

    /// What happens if no person whom the requirement of this index names works when the request is opened.
    #[must_use]
    pub fn outside_hours(self, requirement: usize, rule: OutsideHours) -> Self {
        self.gate(|gate| {
            if let Some(requirement) = gate.requirements.get_mut(requirement) {
                requirement.outside_hours = Some(rule);
            }
        })
    }

    /// Notices may wait for the daily digest of whom they are to, as long as the priority is low or medium.
    #[must_use]
    pub fn digest(self) -> Self {
        self.gate(|gate| gate.digest = true)
    }

    /// Who may hand a seat on to whom.
    #[must_use]
    pub fn delegation(mut self, rule: DelegationRule) -> Self {
        self.said.delegation = true;
        self.gate(|gate| gate.delegation = rule)
    }

    /// An argument that approvers may change, with the JSON Schema of the parameter that it stands in.
    #[must_use]
    pub fn editable(self, path: &str, schema: Option<&str>) -> Self {
        let editable = Editable { path: path.into(), schema: schema.map(Text::from) };
        self.gate(|gate| gate.editable.push(editable))
    }

    /// Reasons to choose from when rejecting.
    #[must_use]
    pub fn reject_options(self, options: impl IntoIterator<Item = RejectOption>) -> Self {
        self.gate(|gate| gate.reject_options.extend(options))
    }

    /// How long a caller waits before it gets [`crate::ApprovalError::Pending`]. Without it: until the decision. Needs a key:
    /// the same call, made again, goes on waiting, and runs once it is approved.
    #[must_use]
    pub const fn wait(mut self, patience: Span) -> Self {
        self.wait = Some(patience);
        self
    }

    /// Never waits: undecided returns [`crate::ApprovalError::Pending`] at once; the same call later runs once, if approved.
    /// Needs a key. By default the approval stays usable for 24 hours; [`ActionSpec::grant_ttl`] sets another time, before
    /// or after this, and so does the policy.
    #[must_use]
    pub fn suspend(mut self) -> Self {
        self.suspend = true;
        self.wait = Some(Span::ZERO);
        if self.said.grant_ttl { self } else { self.gate(|gate| gate.grant_ttl = SUSPEND_GRANT_TTL) }
    }

    /// The same call again, of the same version and schema, gets the recorded result instead of
    /// [`crate::ApprovalError::AlreadyRan`]; while the body still runs, it waits for it as far as its patience ([`ActionSpec::wait`]) reaches.
    #[must_use]
    pub const fn replay(mut self) -> Self {
        self.replay = true;
        self
    }

    /// Dropping the waiting future cancels the request.
    #[must_use]
    pub const fn cancel_on_drop(mut self) -> Self {
        self.cancel_on_drop = true;
        self
    }

    /// The body demands a [`crate::Grant`]: people are asked even where the policy would allow the call without.
    #[must_use]
    pub const fn needs_grant(mut self) -> Self {
        self.needs_grant = true;
        self
    }

    /// Computes what a call would do, from its arguments (secret ones too), just before people are asked about it: where the
    /// policy asks, no standing approval covers the call, and it does not join a request that is there already. People see
    /// the text beside the arguments; it is stored with the request, and cut after [`crate::model::PREVIEW_LIMIT`].
    ///
    /// It approves nothing, and stops nothing: when it fails, panics or takes longer than
    /// [`ActionSpec::preview_timeout`], people are shown that, and asked all the same. It must change nothing.
    ///
    /// ```
    /// use approval_core::ActionSpec;
    /// let spec = ActionSpec::new("rows.delete")?.preview(async |arguments| {
    ///     // Here: SELECT count(*) …
    ///     Ok::<_, std::io::Error>(format!("47 rows of {} will be deleted", arguments["table"]))
    /// });
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    #[must_use]
    pub fn preview<F, R>(mut self, compute: F) -> Self
    where
        F: Fn(serde_json::Value) -> R + Send + Sync + 'static,
        R: Future<Output: ToPreview> + Send + 'static,
    {
        self.preview = Some(PreviewHook::new(compute));
        self
    }

    /// How long a preview may take; 10 seconds unless said. The caller waits for it before people are asked.
    #[must_use]
    pub const fn preview_timeout(mut self, limit: Span) -> Self {
        self.preview_timeout = Some(limit);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ActionName {
        &self.info.name
    }

    /// Whether an approval of this action proves one of `A`.
    pub(crate) fn proves<A: Provable + ?Sized>(&self) -> Result<(), Invalid> {
        let Some((name, version)) = A::ACTION else { return Ok(()) };
        super::proves_action::<A>(&self.info).map_err(|_| {
            let why =
                format!("is not the action of this call, {} version {}", self.info.name, self.info.version);
            Invalid::new("action of the grant", format!("{name} version {version}"), why)
                .hint("correct NAME and VERSION of its GuardedAction, or use another type")
        })
    }

    /// Whether what the body returns is recorded.
    #[must_use]
    pub const fn records_result(&self) -> bool {
        self.replay
    }
}
