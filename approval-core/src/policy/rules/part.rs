//! What a rule says about asking, and how that goes together with what the action itself says.

use std::sync::Arc;

use crate::{
    clock::Span,
    lifecycle,
    model::{
        DEFAULT_TIMEOUT, DelegationRule, Editable, EscalationStage, Gate, OnTimeout, Principal, RejectOption,
        Reminders, Requirement, Risk, RunWindow, Text,
    },
    policy::Call,
};

/// Settings for asking; what is not set is left to the action, and then to what every gate has.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) requirements: Vec<Requirement>,
    /// For an action that no person is named for, neither by itself nor by the rule.
    pub(super) fallback: Arc<[Requirement]>,
    pub(super) excluded: Vec<Principal>,
    pub(super) veto: Option<u32>,
    pub(super) allow_self_approval: Option<bool>,
    pub(super) timeout: Option<Timeout>,
    pub(super) on_timeout: Option<OnTimeout>,
    pub(super) grant_ttl: Option<Span>,
    pub(super) run_windows: Vec<RunWindow>,
    pub(super) escalation: Vec<EscalationStage>,
    pub(super) reminders: Option<Reminders>,
    pub(super) delegation: Option<DelegationRule>,
    pub(super) digest: bool,
    pub(super) no_standing: bool,
    pub(super) join_identical: bool,
    pub(super) inform: Vec<Principal>,
    pub(super) editable: Vec<Editable>,
    pub(super) reject_options: Vec<RejectOption>,
}

/// How long people have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    After(Span),
    Never,
}

impl Timeout {
    const fn span(self) -> Option<Span> {
        match self {
            Self::After(span) => Some(span),
            Self::Never => None,
        }
    }
}

impl Part {
    /// What is not set here, as the defaults of the file have it.
    pub(super) fn or(mut self, defaults: &Self) -> Self {
        self.fallback = Arc::from(defaults.requirements.as_slice());
        if self.excluded.is_empty() {
            self.excluded.clone_from(&defaults.excluded);
        }
        // Stages of the defaults widen requirements of the defaults: they go with `fallback`.
        self.veto = self.veto.or(defaults.veto);
        self.timeout = self.timeout.or(defaults.timeout);
        self.on_timeout = self.on_timeout.or(defaults.on_timeout);
        self.grant_ttl = self.grant_ttl.or(defaults.grant_ttl);
        if self.run_windows.is_empty() {
            self.run_windows.clone_from(&defaults.run_windows);
        }
        self.reminders = self.reminders.or(defaults.reminders);
        self.digest |= defaults.digest;
        self.no_standing |= defaults.no_standing;
        self.join_identical |= defaults.join_identical;
        if self.inform.is_empty() {
            self.inform.clone_from(&defaults.inform);
        }
        self.delegation = self.delegation.or_else(|| defaults.delegation.clone());
        if self.reject_options.is_empty() {
            self.reject_options.clone_from(&defaults.reject_options);
        }
        self
    }

    /// All that must be met for a call. Without `may_relax` never less than the action itself sets explicitly.
    pub(super) fn gate(&self, rule: &Text, call: &Call<'_>, may_relax: bool) -> Gate {
        let own = call.gate;
        let mut gate = if may_relax { self.instead_of(rule, own) } else { self.besides(rule, call) };
        if gate.requirements.is_empty() {
            gate.requirements = self.fallback.to_vec();
        }
        if gate.on_timeout == OnTimeout::Approve && call.risk > Risk::Low {
            gate.on_timeout = OnTimeout::Reject;
        }
        if gate.on_timeout == OnTimeout::Escalate && gate.escalation.is_empty() {
            gate.on_timeout = OnTimeout::Reject;
        }
        gate
    }

    /// The rule counts; of what the action says only what the rule is silent about.
    fn instead_of(&self, rule: &Text, own: &Gate) -> Gate {
        let keeps = self.requirements.is_empty();
        Gate {
            rule: Arc::clone(rule),
            requirements: if keeps { &own.requirements } else { &self.requirements }.clone(),
            excluded: if self.excluded.is_empty() { &own.excluded } else { &self.excluded }.clone(),
            veto: self.veto.unwrap_or(own.veto),
            allow_self_approval: self.allow_self_approval.or(own.allow_self_approval),
            timeout: self.timeout.map_or(own.timeout, Timeout::span),
            on_timeout: self.on_timeout.unwrap_or(own.on_timeout),
            grant_ttl: self.grant_ttl.unwrap_or(own.grant_ttl),
            run_windows: if self.run_windows.is_empty() { &own.run_windows } else { &self.run_windows }
                .clone(),
            escalation: if keeps { &own.escalation } else { &self.escalation }.clone(),
            reminders: self.reminders.or(own.reminders),
            delegation: self.delegation.clone().unwrap_or_else(|| own.delegation.clone()),
            digest: self.digest || own.digest,
            no_standing: self.no_standing || own.no_standing,
            join_identical: self.join_identical || own.join_identical,
            inform: if self.inform.is_empty() { &own.inform } else { &self.inform }.clone(),
            declared: None,
            // What can be edited is what the body can read again: a rule can only choose among it.
            editable: self.narrowed(rule, own).editable,
            reject_options: if self.reject_options.is_empty() {
                &own.reject_options
            } else {
                &self.reject_options
            }
            .clone(),
        }
    }

    /// Both count, the stricter of each. What the action left at its default is as the rule says.
    fn besides(&self, rule: &Text, call: &Call<'_>) -> Gate {
        let (said, own) = (call.said, call.gate);
        let unsaid_timeout = || self.timeout.map_or(Some(DEFAULT_TIMEOUT), Timeout::span);
        let base = Gate {
            timeout: if said.timeout { own.timeout } else { unsaid_timeout() },
            on_timeout: if said.on_timeout { own.on_timeout } else { self.on_timeout.unwrap_or_default() },
            grant_ttl: if said.grant_ttl { own.grant_ttl } else { self.grant_ttl.unwrap_or(own.grant_ttl) },
            veto: if said.veto { own.veto } else { self.veto.unwrap_or(own.veto) },
            delegation: if said.delegation {
                &own.delegation
            } else {
                self.delegation.as_ref().unwrap_or(&own.delegation)
            }
            .clone(),
            ..Gate::clone(own)
        };
        let by = Gate {
            excluded: self.excluded.clone(),
            veto: self.veto.unwrap_or(u32::MAX),
            // Not set: as the action has it.
            allow_self_approval: self.allow_self_approval.or(Some(true)),
            timeout: self.timeout.and_then(Timeout::span),
            on_timeout: self.on_timeout.unwrap_or(OnTimeout::Approve),
            grant_ttl: self.grant_ttl.unwrap_or(Span::MAX),
            run_windows: self.run_windows.clone(),
            escalation: self.escalation.clone(),
            reminders: self.reminders,
            delegation: self.delegation.clone().unwrap_or_default(),
            digest: self.digest,
            no_standing: self.no_standing,
            join_identical: self.join_identical,
            inform: self.inform.clone(),
            editable: self.editable.clone(),
            reject_options: self.reject_options.clone(),
            ..Gate::only(Arc::clone(rule), self.requirements.clone())
        };
        // An escalation of the rule must not be lost to an action that has none and said nothing.
        lifecycle::tighten(&base, &by)
    }

    fn narrowed(&self, rule: &Text, own: &Gate) -> Gate {
        let by = Gate { editable: self.editable.clone(), ..Gate::only(Arc::clone(rule), Vec::new()) };
        lifecycle::tighten(own, &by)
    }
}
