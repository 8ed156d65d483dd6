//! Going through the requests of a store.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    group::{Asking, Group},
    judge::{Judged, judge},
};
use crate::{
    model::{ActionName, EventLine, Gate, Principal, Request},
    policy::{Call, Rules, Said},
};

/// Calls that are counted together: those of an action, and those of one agent among them.
pub(super) type Groups = BTreeMap<(ActionName, Option<Principal>), Group>;

/// Counts requests.
pub(super) struct Tally<'r> {
    policy: Option<&'r Rules>,
    /// What an action says that says nothing.
    silent: Arc<Gate>,
    requests: u64,
    groups: Groups,
}

impl<'r> Tally<'r> {
    pub(super) fn new(policy: Option<&'r Rules>) -> Self {
        Self {
            policy,
            silent: Arc::new(Gate::new("attribute", Vec::new())),
            requests: 0,
            groups: Groups::new(),
        }
    }

    /// Counts a request.
    pub(super) fn add(&mut self, request: &Arc<Request>, history: &[EventLine]) {
        self.requests = self.requests.saturating_add(1);
        if request.question.is_some() {
            return;
        }
        let judged = judge(request, history);
        let asking = (judged == Judged::For).then(|| self.asking(request)).flatten();
        for agent in [None, Some(request.requester.clone())] {
            let group = self.groups.entry((request.action.name.clone(), agent)).or_default();
            group.add(request, judged, asking.as_ref());
        }
    }

    pub(super) fn finish(self) -> (u64, Groups) {
        (self.requests, self.groups)
    }

    /// Which rule of the file decides about such a call, as of the time when it was asked.
    fn asking(&self, request: &Request) -> Option<Asking> {
        let found = self.policy?.deciding(&call(request, &self.silent))?;
        let same_rule = *found.name == *request.gate.rule;
        Some(Asking {
            place: found.place,
            rule: found.name.to_owned(),
            outcome: found.outcome,
            when: found.when.map(str::to_owned),
            cost_threshold: found.cost_threshold,
            failure: found.failure,
            itself: same_rule && found.requirements != request.gate.requirements,
        })
    }
}

/// The call of a request, for a policy; `gate` is what its action says itself.
pub(super) fn call<'a>(request: &'a Request, gate: &'a Arc<Gate>) -> Call<'a> {
    Call {
        action: &request.action,
        arguments: &request.revision.arguments,
        digest: &request.revision.digest,
        agent: &request.requester,
        on_behalf_of: request.on_behalf_of.as_ref(),
        run: request.run.as_ref(),
        risk: request.risk,
        cost: request.revision.cost.map(|cost| cost.magnitude()),
        spent_usd: None,
        gate,
        said: Said::default(),
        now: request.created_at,
    }
}
