//! Questions to the agent, its answers, and remarks.

use super::{Refusal, Transition, case::Case, limits};
use crate::model::{Comment, EventKind, InfoExchange, NoticeKind, Principal, Status, Text};

/// An approver wants to know something first. The clock keeps running.
pub(super) fn request_info(case: &Case<'_>, question: &Text) -> Result<Transition, Refusal> {
    case.open()?;
    let asker = case.approver()?;
    let question = limits::said("question", question, limits::INFO_LIMIT)?;
    limits::room("question to the agent", case.request.info.len(), limits::INFO_COUNT_LIMIT)?;
    let mut change = case.change_by(asker);
    change.not_after(case.request.deadline);
    change.request.status = Status::InfoRequested;
    change.request.info.push(InfoExchange {
        by: asker.clone(),
        question: question.clone(),
        at: case.now,
        answer: None,
    });
    change.tell(EventKind::InfoRequested { question })?;
    change.notify(NoticeKind::InfoRequested, [case.request.requester.clone()]);
    Ok(change.finish())
}

/// The agent answers all that it was asked and has not answered yet.
pub(super) fn provide_info(case: &Case<'_>, answer: &Text) -> Result<Transition, Refusal> {
    case.open()?;
    if !case.command.operator && !case.is_requester() {
        return Err(case.not_permitted("only the requester and operators may answer approvers"));
    }
    let answer = limits::said("answer", answer, limits::INFO_LIMIT)?;
    let mut change = case.change();
    change.not_after(case.request.deadline);
    let mut askers: Vec<Principal> = Vec::new();
    for exchange in change.request.info.iter_mut().filter(|exchange| exchange.answer.is_none()) {
        exchange.answer = Some(answer.clone());
        askers.push(exchange.by.clone());
    }
    if askers.is_empty() {
        return Err(Refusal::NothingToDo);
    }
    askers.sort_unstable();
    askers.dedup();
    change.request.status = Status::Pending;
    change.tell(EventKind::InfoProvided { answer })?;
    change.notify(NoticeKind::InfoProvided, askers);
    Ok(change.finish())
}

/// A remark by a person whom it concerns, also after the decision.
pub(super) fn comment(case: &Case<'_>, text: &Text) -> Result<Transition, Refusal> {
    if !case.command.operator && !case.is_requester() && !case.is_principal() && !case.is_approver() {
        return Err(case.not_permitted(
            "only the requester, the person behind it, those who may decide, and operators may comment",
        ));
    }
    let text = limits::said("comment", text, limits::COMMENT_LIMIT)?;
    limits::room("comment", case.request.comments.len(), limits::COMMENT_COUNT_LIMIT)?;
    let mut change = case.change_by(case.actor());
    change.request.comments.push(Comment { by: case.actor().clone(), text: text.clone(), at: case.now });
    change.tell(EventKind::Commented { text })?;
    Ok(change.finish())
}
