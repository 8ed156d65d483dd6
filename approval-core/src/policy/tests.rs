//! A call for tests.

use serde_json::Value;

use super::{Call, Rules, Ruling, Said, SampleCall};
use crate::{
    file::ApprovalsFile,
    model::{Gate, Principal, Risk, canonical::to_canonical},
};

/// A sample that is changed in parts.
#[derive(Clone, Debug)]
pub(super) struct TestCall(pub(super) SampleCall);

impl TestCall {
    /// On a Friday afternoon, in a run.
    pub(super) fn new(action: &str, arguments: &Value) -> Self {
        let now = "2026-11-20T15:30:00Z".parse().unwrap();
        let mut sample = SampleCall::new(action.parse().unwrap(), to_canonical(arguments).unwrap(), now);
        sample.agent = Principal::agent("worker-3").unwrap();
        sample.run = Some("run-7".into());
        Self(sample)
    }

    pub(super) fn cost(mut self, cost: &str) -> Self {
        self.0.cost = Some(cost.parse().unwrap());
        self
    }

    pub(super) fn risk(mut self, risk: Risk) -> Self {
        self.0.risk = risk;
        self
    }

    pub(super) fn approvers(self, of: &[&str]) -> Self {
        Self(self.0.approvers(of.iter().map(|text| Principal::new(text).unwrap())))
    }

    /// Whatever the action has is what it said.
    pub(super) fn saying_all(mut self) -> Self {
        self.0.said = Said::ALL;
        self
    }

    pub(super) fn call(&self) -> Call<'_> {
        self.0.call()
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
