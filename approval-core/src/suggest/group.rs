//! What is known of calls that are counted together.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rust_decimal::Decimal;

use super::{ApprovedBy, arguments::Arguments, judge::Judged};
use crate::{
    clock::Timestamp,
    model::{Currency, Principal, Request, Risk},
};

/// Requests of a group against which a suggested rule is held.
const SAMPLES: usize = 50;

/// The rule of the file that decides about a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asking {
    pub(super) place: usize,
    pub(super) rule: String,
    pub(super) outcome: &'static str,
    pub(super) when: Option<String>,
    pub(super) cost_threshold: bool,
    pub(super) failure: Option<String>,
    /// Whether the action names its approvers itself.
    pub(super) itself: bool,
}

/// What the approved calls cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Costs {
    /// Whether one had no known cost.
    pub(super) none: bool,
    /// The least and the most in US dollars.
    pub(super) usd: Option<(Decimal, Decimal)>,
    /// Another currency.
    pub(super) foreign: Option<Currency>,
}

/// What is known of calls that are counted together. All but `against` and `risky` is about approved ones.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) approved: u64,
    /// Decided requests that speak against a rule, by what happened to them.
    pub(super) against: BTreeMap<&'static str, u64>,
    /// Whether one was of high or critical risk, however it ended.
    pub(super) risky: bool,
    /// Whether one had attachments.
    attached: bool,
    /// When the first and the last was opened.
    pub(super) opened: Option<(Timestamp, Timestamp)>,
    by: BTreeMap<Principal, u64>,
    /// From opening to decision, in seconds.
    took: Vec<i64>,
    pub(super) risks: BTreeSet<Risk>,
    pub(super) costs: Costs,
    pub(super) arguments: Arguments,
    /// The rules that decide about them at present. Empty where there are no rules.
    pub(super) asking: BTreeSet<Asking>,
    /// Some of them.
    pub(super) samples: Vec<Arc<Request>>,
}

impl Group {
    pub(super) fn add(&mut self, request: &Arc<Request>, judged: Judged, asking: Option<&Asking>) {
        self.risky |= request.risk >= Risk::High;
        match judged {
            Judged::Nothing => {}
            Judged::Against(why) => {
                let count = self.against.entry(why).or_default();
                *count = count.saturating_add(1);
            }
            Judged::For => self.approve(request, asking),
        }
    }

    fn approve(&mut self, request: &Arc<Request>, asking: Option<&Asking>) {
        self.approved = self.approved.saturating_add(1);
        let at = request.created_at;
        self.opened = Some(self.opened.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        if let Some(decision) = &request.decision {
            for who in &decision.by {
                let count = self.by.entry(who.clone()).or_default();
                *count = count.saturating_add(1);
            }
            self.took.push(decision.at.duration_since(at).as_secs().max(0));
        }
        self.attached |= !request.attachments().is_empty();
        self.risks.insert(request.risk);
        match request.revision.cost {
            None => self.costs.none = true,
            Some(cost) if cost.currency() == Currency::USD => {
                let cost = cost.magnitude().amount().normalize();
                self.costs.usd = Some(
                    self.costs.usd.map_or((cost, cost), |(least, most)| (least.min(cost), most.max(cost))),
                );
            }
            Some(cost) => self.costs.foreign = Some(cost.currency()),
        }
        self.arguments.add(&request.revision.arguments, &request.action.redacted);
        self.asking.extend(asking.cloned());
        if self.samples.len() < SAMPLES {
            self.samples.push(Arc::clone(request));
        }
    }

    /// Who approved; the most first.
    pub(super) fn by(&self) -> Vec<ApprovedBy> {
        let mut by: Vec<_> = self
            .by
            .iter()
            .map(|(who, approved)| ApprovedBy { who: who.clone(), approved: *approved })
            .collect();
        by.sort_by(|one, other| other.approved.cmp(&one.approved).then_with(|| one.who.cmp(&other.who)));
        by
    }

    /// The median of the time from opening to decision, in seconds; of two in the middle the lower.
    pub(super) fn median(&self) -> i64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    }

    /// Why no rule is suggested for it, whatever the file says.
    pub(super) fn unfit(&self, at_least: u64) -> Option<String> {
        if self.risky {
            return Some("its risk is high or critical".to_owned());
        }
        if !self.against.is_empty() {
            let told: Vec<String> =
                self.against.iter().map(|(why, count)| format!("{count} {why}")).collect();
            return Some(format!("not always approved: {}", told.join(", ")));
        }
        if self.attached {
            return Some("some have attachments, which no condition sees".to_owned());
        }
        (self.approved < at_least).then(|| format!("fewer than {at_least}"))
    }
}
