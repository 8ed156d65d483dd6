//! Opening a request.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::{
    CountedWrite, Draft, Facts, Refusal, Requires, Transition, decide, declaration, history::Change, hours,
    limit, limits, quorum, render, standing, validity, window,
};
use crate::{
    clock::{Timestamp, after, to_micros},
    error::Invalid,
    model::{
        ActionInfo, CanonicalJson, ChainHead, Decision, EventKind, Gate, Money, Outcome, OverLimit, Request,
        Revision, Status, Text,
    },
};

/// Opens a request, and asks everybody who may decide; unless a standing approval covers it, or the policy lets it run: then
/// it is approved already, with a grant to be spent like any other. Where the policy lets it run and a limit asks, the limit
/// stands in the place of the rule.
///
/// The deadline is counted from `now`. The description is filled in from the arguments, and the cost computed.
///
/// # Errors
/// - [`Refusal::Invalid`] when gate, question or texts are not right, or the cost cannot be computed.
/// - [`Refusal::Halted`] when a halt covers it.
/// - [`Refusal::LimitReached`] when it goes over a limit that denies, or people must be asked and too many requests are open
///   already; over one that asks, people are asked.
/// - [`Refusal::NoApprover`] when a requirement cannot be met, however people vote.
pub fn create(draft: Draft, facts: &Facts<'_>, now: Timestamp) -> Result<Transition, Refusal> {
    let (risk, is_question) = (draft.risk, draft.question.is_some());
    let allowed = draft.allowed && !is_question;
    validity::times(&draft.gate)?;
    window::next_opening(&draft.gate, now)?;
    if let Some(question) = &draft.question {
        validity::question(question)?;
    }
    if draft.requester.is_set() {
        return Err(Invalid::new("requester", draft.requester.as_str(), "is a group")
            .hint("name the agent that asks")
            .into());
    }
    let mut request = request(draft, now)?;
    decide::not_halted(&request, facts)?;
    let Counts { attempts, at_once } = counted(&request, facts, now)?;
    // What is counted if no person is asked, where the policy lets it run.
    let (allowed, at_once) = match at_once {
        Ok(writes) if allowed => (Some(writes), None),
        Ok(writes) => (None, Some(writes)),
        Err(limit) => {
            if allowed {
                if request.gate.requirements.is_empty() {
                    return Err(Invalid::new(
                        "limit",
                        &*limit,
                        "asks people about the call, and nothing says whom",
                    )
                    .hint("name the approvers of the action, or let the limit deny")
                    .into());
                }
                request.gate = Arc::new(Gate { rule: limit, ..Gate::clone(&request.gate) });
            }
            (None, None)
        }
    };
    let named: Vec<_> = if allowed.is_some() {
        Vec::new()
    } else {
        validity::gate(&request.gate, risk, is_question)?;
        quorum::approvers(&request, facts.people)?.into_iter().cloned().collect()
    };

    let requester = request.requester.clone();
    let told = EventKind::Created {
        action: request.action.name.text(),
        version: request.action.version,
        risk: request.risk,
        rule: request.gate.rule.clone(),
        on_behalf_of: request.on_behalf_of.clone(),
        basis: request.basis.clone(),
    };
    let mut change = Change::new(request, &requester, None, now);
    change.require(Requires::SameHalts);
    change.tell(told)?;
    change.count(attempts);
    if let Some(writes) = allowed {
        let told = if change.request.gate.inform.is_empty() { "" } else { " and notifies people" };
        let reason = Some(format!("rule {} lets it run{told}", change.request.gate.rule).into());
        let ground = quorum::Ground { reason, ..quorum::Ground::default() };
        let decision = decide::decision(Outcome::Approved, &change.request, ground, now);
        decide::conclude(&mut change, facts, Decision { by_policy: true, ..decision })?;
        change.take_places(writes);
    } else if let Some(writes) = at_once
        && standing::approve_covered(&mut change, facts, now)?
    {
        change.take_places(writes);
    } else {
        let open = limit::take_open(facts.limits, change.request.id).map_err(Refusal::LimitReached)?;
        change.count(open);
        hours::ask(&mut change, named, facts)?;
    }
    Ok(change.finish())
}

/// What is counted when a request is opened.
struct Counts {
    /// Attempts, in any case.
    attempts: Vec<CountedWrite>,
    /// What is counted if no person is asked; the name of a limit that says that people must be.
    at_once: Result<Vec<CountedWrite>, Text>,
}

fn counted(request: &Request, facts: &Facts<'_>, now: Timestamp) -> Result<Counts, Refusal> {
    let cost = request.revision.cost;
    let attempts = limit::take_attempts(facts.limits, cost, now).map_err(Refusal::LimitReached)?;
    match limit::take_places(facts.limits, cost, now) {
        Ok(writes) => Ok(Counts { attempts, at_once: Ok(writes) }),
        Err((OverLimit::Ask, reached)) => Ok(Counts { attempts, at_once: Err(reached.limit) }),
        Err((OverLimit::Deny, reached)) => Err(Refusal::LimitReached(reached)),
    }
}

fn request(draft: Draft, now: Timestamp) -> Result<Request, Refusal> {
    let intent = limits::perhaps("intent", draft.intent.as_ref(), limits::INTENT_LIMIT)?;
    let (description, cost) = describe(&draft.action, &draft.arguments)?;
    let predecessor = draft.predecessor;
    let declaration = draft
        .declaration
        .filter(|declaration| !declaration::is_shown_by(declaration, &draft.action, draft.risk, &draft.gate));
    Ok(Request {
        declaration,
        id: draft.id,
        namespace: draft.namespace,
        action: draft.action,
        question: draft.question,
        requester: draft.requester,
        on_behalf_of: draft.on_behalf_of,
        run: draft.run,
        intent,
        key: draft.key,
        original: predecessor.as_ref().map_or(draft.digest, |one| one.original),
        risk: draft.risk,
        priority: draft.priority.unwrap_or(draft.risk.priority()),
        deadline: draft.gate.timeout.map(|timeout| to_micros(after(now, timeout))),
        gate: draft.gate,
        basis: draft.basis,
        revision: Revision {
            number: predecessor.as_ref().map_or(1, |one| one.revision),
            arguments: draft.arguments,
            digest: draft.digest,
            description,
            cost,
            editor: predecessor.as_ref().and_then(|one| one.editor.clone()),
        },
        enclosed: draft.enclosed,
        status: Status::Pending,
        votes: ThinVec::new(),
        delegations: ThinVec::new(),
        widened: ThinVec::new(),
        reminders: 0,
        extended: false,
        answers_info: draft.answers_info,
        info: ThinVec::new(),
        comments: ThinVec::new(),
        decision: None,
        grant: None,
        execution: None,
        places: ThinVec::new(),
        created_at: now,
        begins_at: None,
        predecessor: predecessor.map(|one| one.request),
        successor: None,
        chain: ChainHead::EMPTY,
    })
}

/// What an action with these arguments is called, and what it costs.
pub(super) fn describe(
    action: &ActionInfo,
    arguments: &CanonicalJson,
) -> Result<(Text, Option<Money>), Invalid> {
    let description = if action.description.contains(['{', '}']) {
        render::render_description(&action.description, arguments).into()
    } else {
        action.description.clone()
    };
    Ok((description, render::cost_of(action, arguments)?))
}
