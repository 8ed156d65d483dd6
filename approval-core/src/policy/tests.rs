//! A call for tests.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Call, Rules, Ruling, Said};
use crate::{
    clock::Timestamp,
    file::ApprovalsFile,
    model::{
        ActionInfo, ActionName, ArgumentsDigest, CanonicalJson, Gate, Money, Principal, Requirement, Risk,
        Text,
        canonical::{arguments_digest, to_canonical},
    },
};

/// A call that can be changed in parts.
#[derive(Clone, Debug)]
pub(super) struct TestCall {
    pub(super) action: Arc<ActionInfo>,
    pub(super) arguments: CanonicalJson,
    pub(super) digest: ArgumentsDigest,
    pub(super) agent: Principal,
    pub(super) run: Option<Text>,
    pub(super) risk: Risk,
    pub(super) cost: Option<Money>,
    pub(super) spent_usd: Option<Decimal>,
    pub(super) gate: Arc<Gate>,
    pub(super) said: Said,
    pub(super) now: Timestamp,
}

impl TestCall {
    pub(super) fn new(action: &str, arguments: &Value) -> Self {
        let action = Arc::new(ActionInfo::new(ActionName::new(action).unwrap()));
        let arguments = to_canonical(arguments).unwrap();
        Self {
            digest: arguments_digest(
                action.name.as_str(),
                action.version,
                action.schema.as_ref(),
                &arguments,
            ),
            action,
            arguments,
            agent: Principal::agent("worker-3"),
            run: Some("run-7".into()),
            risk: Risk::Medium,
            cost: None,
            spent_usd: None,
            gate: Arc::new(Gate::new("attribute", Vec::new())),
            said: Said::default(),
            // A Friday.
            now: "2026-11-20T15:30:00Z".parse().unwrap(),
        }
    }

    pub(super) fn cost(mut self, cost: &str) -> Self {
        self.cost = Some(cost.parse().unwrap());
        self
    }

    pub(super) fn risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }

    pub(super) fn approvers(mut self, of: &[&str]) -> Self {
        let of = of.iter().map(|text| Principal::new(text).unwrap());
        Arc::make_mut(&mut self.gate).requirements.push(Requirement::any_of(of));
        self
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            action: &self.action,
            arguments: &self.arguments,
            digest: &self.digest,
            agent: &self.agent,
            on_behalf_of: None,
            run: self.run.as_ref(),
            risk: self.risk,
            cost: self.cost,
            spent_usd: self.spent_usd,
            gate: &self.gate,
            said: self.said,
            now: self.now,
        }
    }

    pub(super) fn ruling(&self, rules: &Rules) -> Ruling {
        rules.ruling(&self.call())
    }

    /// The gate that is asked with, and the name of its rule.
    pub(super) fn gate_of(&self, rules: &Rules) -> Gate {
        match self.ruling(rules) {
            Ruling::Ask { rule, gate: Some(gate), whole: true } => {
                assert_eq!(rule, gate.rule);
                Gate::clone(&gate)
            }
            other @ (Ruling::Allow { .. }
            | Ruling::Notify { .. }
            | Ruling::Ask { .. }
            | Ruling::Deny { .. }) => {
                panic!("{other:?}")
            }
        }
    }

    /// Outcome and rule: `ask: refunds`.
    pub(super) fn told(&self, rules: &Rules) -> String {
        let explanation = rules.explain(&self.call());
        format!("{}: {}", explanation.outcome, explanation.rule)
    }
}

/// The rules of a section `policy`.
pub(super) fn rules(policy: &str) -> Rules {
    let indented: Vec<String> = policy.lines().map(|line| format!("  {line}")).collect();
    let text = format!("policy:\n{}\n", indented.join("\n"));
    match ApprovalsFile::parse("approvals.yaml", &text) {
        Ok(file) => file.policy.expect("rules"),
        Err(mistakes) => panic!("{mistakes}"),
    }
}
