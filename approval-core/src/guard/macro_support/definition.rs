//! What an attribute says, as a constant.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::Edit;
use crate::{
    clock::Span,
    error::Invalid,
    manager::ActionSpec,
    model::{self, OnTimeout, Principal, Priority, RejectOption, Risk, canonical::FieldPath},
};

/// How long people have.
#[derive(Clone, Copy, Debug)]
pub enum Timeout {
    /// As long as the manager says.
    Default,
    /// As long as this.
    After(Duration),
    /// Without end.
    Never,
}

/// At least `count` of these principals.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// How many.
    pub count: u32,
    /// Of whom.
    pub of: &'static [&'static str],
    /// Whether one person may fill a seat here and in another requirement.
    pub may_share: bool,
}

/// Who else is asked after a delay.
#[derive(Clone, Copy, Debug)]
pub struct Escalation {
    /// Delay from the opening of the request.
    pub after: Duration,
    /// Which requirement is widened, counted from 0.
    pub requirement: usize,
    /// By whom.
    pub to: &'static [&'static str],
    /// To which priority the request is raised.
    pub priority: Option<Priority>,
}

/// How often people who have not voted are reminded.
#[derive(Clone, Copy, Debug)]
pub struct Reminders {
    /// Time between two.
    pub every: Duration,
    /// How many at the most.
    pub at_most: u32,
}

/// When what was approved or allowed may run.
#[derive(Clone, Copy, Debug)]
pub struct RunWindow {
    /// In which time zone.
    pub time_zone: &'static str,
    /// Days, and hours on them.
    pub hours: &'static [(&'static str, &'static str)],
}

/// Everything that `#[guarded_action(…)]` can say and that is the same for every call.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the attribute")]
pub struct Definition {
    /// `name`
    pub name: &'static str,
    /// `version`
    pub version: u32,
    /// `kind`
    pub kind: Option<&'static str>,
    /// `description`, with placeholders
    pub description: Option<&'static str>,
    /// `cost`, with placeholders
    pub cost: Option<&'static str>,
    /// `risk`
    pub risk: Risk,
    /// `priority`
    pub priority: Option<Priority>,
    /// `approvers` and `require`
    pub requirements: &'static [Requirement],
    /// `escalate`
    pub escalations: &'static [Escalation],
    /// `remind`
    pub reminders: Option<Reminders>,
    /// `timeout`
    pub timeout: Timeout,
    /// `on_timeout`
    pub on_timeout: Option<OnTimeout>,
    /// `wait`
    pub wait: Option<Duration>,
    /// `preview_timeout`
    pub preview_timeout: Option<Duration>,
    /// `grant_ttl`
    pub grant_ttl: Option<Duration>,
    /// `run_window`
    pub run_window: Option<RunWindow>,
    /// `veto`
    pub veto: Option<u32>,
    /// `allow_self_approval`
    pub allow_self_approval: Option<bool>,
    /// `reject_options`
    pub reject_options: Option<fn() -> Vec<RejectOption>>,
    /// `credits`
    pub credits: bool,
    /// `idempotent`
    pub idempotent: bool,
    /// `replay`
    pub replay: bool,
    /// `mode = "suspend"`
    pub suspend: bool,
    /// `cancel_on_drop`
    pub cancel_on_drop: bool,
    /// Whether the body takes a `#[grant]`
    pub needs_grant: bool,
    /// Parameters that are not bound: `self`, `_`, and those of `skip`.
    pub unbound: &'static [&'static str],
    /// Fields of bound parameters that are not bound.
    pub skipped: &'static [&'static str],
    /// `redact`
    pub redacted: &'static [&'static str],
}

impl Definition {
    /// An action about which nothing else is said.
    #[must_use]
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self {
            name,
            version,
            kind: None,
            description: None,
            cost: None,
            risk: Risk::Medium,
            priority: None,
            requirements: &[],
            escalations: &[],
            reminders: None,
            timeout: Timeout::Default,
            on_timeout: None,
            wait: None,
            preview_timeout: None,
            grant_ttl: None,
            run_window: None,
            veto: None,
            allow_self_approval: None,
            reject_options: None,
            credits: false,
            idempotent: false,
            replay: false,
            suspend: false,
            cancel_on_drop: false,
            needs_grant: false,
            unbound: &[],
            skipped: &[],
            redacted: &[],
        }
    }
}

/// A definition, and what is made of it when the action is first called.
#[derive(Debug)]
pub struct Spec {
    definition: Definition,
    built: OnceLock<Result<Built, Invalid>>,
    skipped: OnceLock<Result<Box<[FieldPath]>, Invalid>>,
}

#[derive(Debug)]
struct Built {
    spec: Arc<ActionSpec>,
    editable: Box<[Edit]>,
}

impl Spec {
    /// Holds `definition`.
    #[must_use]
    pub const fn new(definition: Definition) -> Self {
        Self { definition, built: OnceLock::new(), skipped: OnceLock::new() }
    }

    /// The definition as written.
    pub(super) const fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The fields that are not bound.
    pub(super) fn skipped(&self) -> Result<&[FieldPath], Invalid> {
        let paths =
            self.skipped.get_or_init(|| self.definition.skipped.iter().map(|path| path.parse()).collect());
        paths.as_deref().map_err(Clone::clone)
    }

    /// The definition as the manager takes it, with what may be edited.
    ///
    /// It is built once. What may be edited stands at the same paths in every call; only a generic function can have other types
    /// there in another call, and that call builds its own.
    pub(super) fn action_spec(&self, editable: &[Edit]) -> Result<Arc<ActionSpec>, Invalid> {
        let make = || {
            let spec = Arc::new(self.definition.build(editable)?);
            Ok(Built { spec, editable: editable.into() })
        };
        let built = self.built.get_or_init(make).as_ref().map_err(Clone::clone)?;
        if built.editable.iter().zip(editable).all(|(one, other)| one.has_type_of(other)) {
            return Ok(Arc::clone(&built.spec));
        }
        Ok(make()?.spec)
    }
}

impl Definition {
    fn build(&self, editable: &[Edit]) -> Result<ActionSpec, Invalid> {
        let mut spec = ActionSpec::new(self.name)?.version(self.version).risk(self.risk);
        if let Some(kind) = self.kind {
            spec = spec.kind(kind);
        }
        if let Some(description) = self.description {
            spec = spec.description(description);
        }
        if let Some(cost) = self.cost {
            spec = spec.cost(cost);
        }
        if let Some(priority) = self.priority {
            spec = spec.priority(priority);
        }
        spec = spec.unbound(self.unbound.iter().chain(self.skipped).copied());
        // That each field is written under its own name is checked with its value at hand, in `Arguments`.
        let redacted: Vec<String> = self.redacted.iter().map(|path| format!("{path}?")).collect();
        spec = spec.redact(redacted.iter().map(String::as_str))?;
        for edit in editable {
            spec = spec.editable(edit.path, Some(&edit.parameter_schema()?));
        }
        if let Some(options) = self.reject_options {
            spec = spec.reject_options(options());
        }
        spec = self.flags(spec);
        if let Some(RunWindow { time_zone, hours }) = self.run_window {
            spec = spec.run_window(model::RunWindow::new(time_zone, hours.iter().copied())?);
        }
        Ok(self.times(self.people(spec)?))
    }

    fn flags(&self, mut spec: ActionSpec) -> ActionSpec {
        if self.credits {
            spec = spec.credits();
        }
        if self.idempotent {
            spec = spec.idempotent();
        }
        if self.replay {
            spec = spec.replay();
        }
        if self.cancel_on_drop {
            spec = spec.cancel_on_drop();
        }
        match self.allow_self_approval {
            Some(true) => spec = spec.allow_self_approval(),
            Some(false) => spec = spec.forbid_self_approval(),
            None => {}
        }
        if self.needs_grant {
            spec = spec.needs_grant();
        }
        spec
    }

    fn people(&self, mut spec: ActionSpec) -> Result<ActionSpec, Invalid> {
        for Requirement { count, of, may_share } in self.requirements {
            let of = of.iter().map(|text| Principal::new(text)).collect::<Result<Vec<_>, _>>()?;
            spec = spec.requirement(model::Requirement {
                may_share: *may_share,
                ..model::Requirement::at_least(*count, of)
            });
        }
        for Escalation { after, requirement, to, priority } in self.escalations {
            spec = spec.escalate(span(*after), *requirement, to.iter().copied(), *priority)?;
        }
        if let Some(veto) = self.veto {
            spec = spec.veto(veto);
        }
        Ok(spec)
    }

    fn times(&self, mut spec: ActionSpec) -> ActionSpec {
        if let Some(end) = self.on_timeout {
            spec = spec.on_timeout(end);
        }
        match self.timeout {
            Timeout::Default => {}
            Timeout::After(timeout) => spec = spec.timeout(span(timeout)),
            Timeout::Never => spec = spec.no_timeout(),
        }
        if self.suspend {
            spec = spec.suspend();
        }
        if let Some(patience) = self.wait {
            spec = spec.wait(span(patience));
        }
        if let Some(limit) = self.preview_timeout {
            spec = spec.preview_timeout(span(limit));
        }
        if let Some(ttl) = self.grant_ttl {
            spec = spec.grant_ttl(span(ttl));
        }
        if let Some(Reminders { every, at_most }) = self.reminders {
            spec = spec.remind(span(every), at_most);
        }
        spec
    }
}

fn span(duration: Duration) -> Span {
    Span::try_from(duration).unwrap_or(Span::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::macro_support::editor;

    #[test]
    fn calls_that_edit_the_same_types_share_one_definition() {
        static SPEC: Spec = Spec::new(Definition::new("a.b", 1));
        let numbers = [*editor("value", &1_u8).as_ref()];
        let texts = [*editor("value", &String::new()).as_ref()];
        let first = SPEC.action_spec(&numbers).unwrap();
        assert!(Arc::ptr_eq(&first, &SPEC.action_spec(&numbers).unwrap()));
        let other = SPEC.action_spec(&texts).unwrap();
        assert_ne!(first.gate.editable, other.gate.editable, "each is checked against its own schema");
    }
}
