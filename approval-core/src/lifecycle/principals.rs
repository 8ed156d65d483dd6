//! Whom the directory must be asked about before a rule can be applied. A person who is left out here passes under any name.

use super::{Act, Behind, Command, Draft, Standing};
use crate::model::{CoveredBehalf, Gate, Principal, Request};

/// Everybody whose names and groups matter for opening a request where there are these standing approvals.
#[must_use]
pub fn principals_of_draft<'a>(draft: &'a Draft, standing: &'a [Standing]) -> Vec<&'a Principal> {
    let editor = draft.predecessor.as_ref().and_then(|predecessor| predecessor.editor.as_ref());
    let who = [&draft.requester].into_iter().chain(&draft.on_behalf_of).chain(editor);
    let gave = standing.iter().flat_map(|standing| &standing.approval.by);
    who.chain(draft.gate.principals()).chain(gave).chain(principals_behind(standing)).collect()
}

/// The people on whose behalf these standing approvals cover calls.
pub fn principals_behind(standing: &[Standing]) -> impl Iterator<Item = &Principal> {
    standing.iter().filter_map(|standing| match &standing.approval.behalf {
        Some(CoveredBehalf::Person { person }) => Some(person),
        Some(CoveredBehalf::Everyone | CoveredBehalf::Nobody) | None => None,
    })
}

/// Everybody whose names and groups matter for what a command does to a request, where the policy asks for `edited` besides, about edited
/// arguments; without a command, for looking at it.
#[must_use]
pub fn principals<'a>(
    request: &'a Request,
    command: Option<&'a Command>,
    edited: Option<&'a Gate>,
) -> Vec<&'a Principal> {
    let who = [&request.requester].into_iter().chain(&request.on_behalf_of).chain(&request.revision.editor);
    let mut all: Vec<&Principal> = who.chain(request.gate.principals()).collect();
    all.extend(request.widened.iter().flat_map(|widening| &widening.to));
    all.extend(request.delegations.iter().flat_map(|delegation| [&delegation.from, &delegation.to]));
    all.extend(request.votes.iter().map(|vote| &vote.voter));
    all.extend(edited.into_iter().flat_map(Gate::principals));
    if let Some(command) = command {
        all.push(&command.actor);
        if let Act::Delegate { to } = &command.act {
            all.push(to);
        }
        if let Act::Escalate { to, .. } = &command.act {
            all.extend(to);
        }
        if let Act::Consume { claim, .. } = &command.act
            && let Behind::Exactly(Some(person)) = &claim.behind
        {
            all.push(person);
        }
    }
    all
}
