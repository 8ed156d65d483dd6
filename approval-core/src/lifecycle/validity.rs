//! What a gate and a question must be like, wherever they come from.

use std::collections::BTreeSet;

use super::{Refusal, limits, schema};
use crate::{
    clock::Span,
    error::Invalid,
    model::{
        EscalationStage, Gate, OnTimeout, OutsideHours, Principal, PrincipalKind, Question, Risk,
        canonical::parse_canonical,
    },
};

/// Checks a gate for a request of this risk.
pub(super) fn gate(gate: &Gate, risk: Risk, is_question: bool) -> Result<(), Refusal> {
    let bad = |value: &str, why: &str, hint: &str| -> Result<(), Refusal> {
        Err(Invalid::new("gate", value, why).hint(hint).into())
    };
    if gate.requirements.is_empty() {
        return bad(&gate.rule, "has no requirement", "say who has to approve");
    }
    for requirement in &gate.requirements {
        if requirement.count == 0 {
            return bad(&gate.rule, "has a requirement of 0 approvals", "ask for at least 1");
        }
        named(&gate.rule, &requirement.of)?;
        if let Some(OutsideHours::OnCall(to)) = &requirement.outside_hours {
            named("requirement outside working hours", to)?;
        }
    }
    if gate.veto == 0 {
        return bad(&gate.rule, "lets 0 rejections reject", "let at least 1 reject");
    }
    times(gate)?;
    if gate.reminders.is_some_and(|reminders| reminders.every <= Span::ZERO) {
        return bad(&gate.rule, "reminds without a pause", "give a time between reminders above zero");
    }
    for stage in &gate.escalation {
        escalation_stage(gate, stage)?;
    }
    match gate.on_timeout {
        OnTimeout::Escalate if gate.escalation.is_empty() => {
            return bad(&gate.rule, "escalates on timeout to no person", "add an escalation stage");
        }
        OnTimeout::Approve if risk > Risk::Low => {
            return bad(
                risk.as_str(),
                "is too high a risk to approve on timeout",
                "approve on timeout only what is of minimal or low risk",
            );
        }
        OnTimeout::Approve if is_question => {
            return bad(
                &gate.rule,
                "approves on timeout, which answers no question",
                "reject or escalate on timeout",
            );
        }
        OnTimeout::Reject | OnTimeout::Escalate | OnTimeout::Approve => {}
    }
    let mut names = BTreeSet::new();
    for option in &gate.reject_options {
        if option.name.trim().is_empty() {
            return bad(&option.title, "is a reject option without a name", "name it, as in wrong_amount");
        }
        if !names.insert(&option.name) {
            return bad(&option.name, "names two reject options", "give each its own name");
        }
    }
    Ok(())
}

/// Checks the times of a gate.
pub(super) fn times(gate: &Gate) -> Result<(), Refusal> {
    let bad = |why: &str, hint: &str| -> Result<(), Refusal> {
        Err(Invalid::new("gate", &*gate.rule, why).hint(hint).into())
    };
    if gate.timeout.is_some_and(|timeout| timeout <= Span::ZERO) {
        return bad("has no time to decide", "give a timeout above zero, or none");
    }
    if gate.grant_ttl <= Span::ZERO {
        return bad("gives grants no time", "give a grant time-to-live above zero");
    }
    Ok(())
}

fn escalation_stage(gate: &Gate, stage: &EscalationStage) -> Result<(), Refusal> {
    let number = stage.requirement;
    if gate.requirements.get(number).is_none() {
        let count = gate.requirements.len();
        return Err(Invalid::new(
            "escalation stage",
            number.to_string(),
            format!("widens a requirement that is none of the {count} of the gate"),
        )
        .hint("count them from 0")
        .into());
    }
    if stage.after < Span::ZERO {
        return Err(Invalid::new(
            "escalation stage",
            format!("{:?}", stage.after),
            "lies before the request",
        )
        .hint("give a delay from its opening")
        .into());
    }
    named("escalation stage", &stage.to)
}

/// Those who are asked must be people or groups, and at least one.
pub(super) fn named(where_: &str, principals: &[Principal]) -> Result<(), Refusal> {
    if principals.is_empty() {
        return Err(Invalid::new("approvers", where_, "names no person")
            .hint("name people or groups")
            .into());
    }
    for principal in principals {
        match principal.kind() {
            PrincipalKind::User | PrincipalKind::Group | PrincipalKind::OnCall | PrincipalKind::Role => {}
            PrincipalKind::Agent | PrincipalKind::Service => {
                return Err(Invalid::new("approver", principal.as_str(), "is neither a person nor a group")
                    .hint("name user:… or group:…; agents and services never vote")
                    .into());
            }
        }
    }
    Ok(())
}

/// Checks a question.
pub(super) fn question(question: &Question) -> Result<(), Refusal> {
    limits::said("question", &question.text, limits::INTENT_LIMIT)?;
    if question.agree == 0 {
        return Err(Invalid::new("question", &*question.text, "is answered by 0 people")
            .hint("ask for at least 1 answer")
            .into());
    }
    schema::usable(&question.schema)?;
    let mut values = BTreeSet::new();
    for option in &question.options {
        let value = parse_canonical(&option.value)
            .map_err(|e| Invalid::new("answer option", &*option.value, format!("is not JSON: {e}")))?;
        schema::check("answer option", &question.schema, &value)?;
        if !values.insert(value.as_str().to_owned()) {
            return Err(Invalid::new("answer option", &*option.value, "is offered twice").into());
        }
    }
    Ok(())
}
