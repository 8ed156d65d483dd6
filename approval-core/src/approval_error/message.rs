//! What people read: what happened, to which request, and what to do now.

use std::{borrow::Cow, fmt};

use super::ApprovalError;
use crate::{
    lifecycle::Refusal,
    model::{ExecutionState, Principal, visible},
};

impl fmt::Display for ApprovalError {
    #[expect(clippy::too_many_lines, reason = "one sentence for each variant")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(ended) if ended.decision.unreachable => {
                write!(
                    f,
                    "{} rejected by {}{}, without whom its requirements can no longer be met; nothing was run",
                    ended.about,
                    ended.by(),
                    ended.because()
                )?;
                again(f, ended.repeated)
            }
            Self::Rejected(ended) => {
                write!(f, "{} rejected by {}{}; nothing was run", ended.about, ended.by(), ended.because())?;
                again(f, ended.repeated)
            }
            Self::Expired(ended) => {
                write!(
                    f,
                    "{} expired undecided{}; nothing was run, ask again if it is still wanted",
                    ended.about,
                    ended.because()
                )
            }
            Self::Cancelled(ended) if ended.decision.by_halt => {
                write!(f, "{} cancelled by a halt{}; nothing was run", ended.about, ended.because())
            }
            Self::Cancelled(ended) if ended.decision.by_definition => {
                write!(f, "{} cancelled{}; nothing was run, call again", ended.about, ended.because())
            }
            Self::Cancelled(ended) => {
                write!(f, "{} cancelled by {}{}; nothing was run", ended.about, ended.by(), ended.because())?;
                again(f, ended.repeated)
            }
            Self::Revoked { about, by, why, repeated } => {
                write!(
                    f,
                    "approval of {about} revoked by {by}: '{}'; nothing was run",
                    visible::visible_line(why)
                )?;
                again(f, *repeated)
            }
            Self::DefinitionChanged { about, what, revoked } => {
                write!(f, "the action of {about} is declared with {what} since it was opened; ")?;
                f.write_str(match (about.ran_before, *revoked) {
                    (false, true) => "nothing was run, call again to ask people anew",
                    (false, false) => "nothing was run, another version of the program asks people about it: call again once it ended, or cancel or revoke it",
                    (true, true) => "it was not run again, retry the request, which asks people",
                    (true, false) => "it was not run again, another version of the program may run it: revoke the request, then retry it, which asks people",
                })
            }
            Self::GrantExpired { about, at } if about.ran_before => {
                write!(
                    f,
                    "approval of {about} was not used again before {at} and is void; it was not run again, retry the request, which asks people"
                )
            }
            Self::GrantExpired { about, at } => {
                write!(
                    f,
                    "approval of {about} was not used before {at} and is void; nothing was run, ask again"
                )
            }
            Self::Pending(about) if about.keyed => write!(
                f,
                "{about} waits for people to decide; nothing was run yet, make the same call again later, which runs it once it is approved"
            ),
            Self::Pending(about) => write!(
                f,
                "{about} waits for people to decide; nothing was run yet, attach to the request later"
            ),
            Self::PolicyDenied { action, rule, reason } => {
                write!(f, "{action} denied by the policy's rule '{rule}': {reason}; nothing was run")
            }
            Self::PolicyAsks { action, rule, request: None, .. } => write!(
                f,
                "{action} was allowed, and the policy's rule or limit '{rule}' now asks for more; nothing was run, call again, which does what it asks for"
            ),
            Self::PolicyAsks { action, rule, again: false, .. } => write!(
                f,
                "{action} was approved by no person, and the policy's rule or limit '{rule}' now asks for more; nothing was run, call again, which asks people"
            ),
            Self::PolicyAsks { action, rule, again: true, .. } => write!(
                f,
                "{action} was approved by no person, and the policy's rule or limit '{rule}' now asks for more; it was not run again, retry the request, which asks people"
            ),
            Self::StandingWithdrawn { about, standing, by, why } => write!(
                f,
                "the standing approval {standing} that approved {about} was withdrawn by {by}: '{}'; {}",
                visible::visible_line(why),
                if about.ran_before {
                    "it was not run again, retry the request, which asks people"
                } else {
                    "nothing was run, call again to ask people"
                }
            ),
            Self::OutsideWindow { about, opens_at: Some(at) } => {
                write!(
                    f,
                    "the run window of {about} is closed and opens at {at}; nothing was run, call again then"
                )
            }
            Self::OutsideWindow { about, opens_at: None } => {
                write!(
                    f,
                    "the run window of {about} never opens; nothing was run, mend the policy's run_window"
                )
            }
            Self::LimitReached { action, reached } => write!(f, "{action}: {reached}; nothing was run"),
            Self::Halted { action, halt } => write!(
                f,
                "{action} is halted since {} by {}: '{}'; nothing was run, resume before trying again",
                halt.at,
                halt.by,
                visible::visible_line(&halt.reason)
            ),
            Self::AlreadyDecided { about, decision } => {
                let by: Vec<&str> = decision.by.iter().map(Principal::as_str).collect();
                write!(f, "{about} was already {} at {}", decision.outcome.as_str(), decision.at)?;
                if by.is_empty() { Ok(()) } else { write!(f, " by {}", by.join(", ")) }
            }
            Self::AlreadyRan { about, state } => match state {
                ExecutionState::NotStarted | ExecutionState::Executing => {
                    write!(
                        f,
                        "{about} is still being executed by another call; it was not run again, wait for that one"
                    )
                }
                ExecutionState::Succeeded => {
                    write!(
                        f,
                        "{about} has run already and succeeded; it was not run again, use a new key to ask for it once more"
                    )
                }
                ExecutionState::Unknown => Self::Unknown(about.clone()).fmt(f),
                ExecutionState::Failed => write!(
                    f,
                    "{about} has run and failed; it was not run again, retry the request for a new approval"
                ),
                ExecutionState::GrantExpired | ExecutionState::Revoked => write!(
                    f,
                    "{about} was not run: its approval has ended ({}); retry the request for a new approval",
                    state.as_str()
                ),
            },
            Self::Unknown(about) => {
                write!(
                    f,
                    "it is not known whether {about} ran; it was not run again, settle the request, and retry it if it failed"
                )
            }
            Self::KeyConflict { about, original, given } if original == given => write!(
                f,
                "the key of this call belongs to {about} on behalf of another person; nothing was run, use a new key"
            ),
            Self::KeyConflict { about, original, given } => write!(
                f,
                "the key of this call belongs to {about} with other arguments ({original}, not {given}); nothing was run, use a new key"
            ),
            Self::NoApprover { action, requirement, needed, eligible } => write!(
                f,
                "{action} needs {needed} approvals by its requirement {requirement}, but {eligible} eligible people exist; nothing was run, name more approvers or mend the directory"
            ),
            Self::NotAnApprover { about, who, why } => {
                write!(f, "{who} may not decide {about}: {}", why.as_str())
            }
            Self::ArgumentsChanged { about, seen, current } => {
                write!(
                    f,
                    "the arguments of {about} are not those that were seen ({seen}, now {current}); look at them again"
                )
            }
            Self::Refused { about, refusal } => write!(f, "{about}: {refusal}"),
            Self::NotFound(request) => {
                write!(f, "there is no request {request}; look at its id and at the store")
            }
            Self::WouldBlock { action } => write!(
                f,
                "waiting for the approval of {action} would block the only thread of this runtime; nothing was run, call it from spawn_blocking, in a multi-thread runtime, or make the function async"
            ),
            Self::Invalid(invalid) => write!(f, "{invalid}; nothing was run"),
            Self::Policy(why) => write!(f, "the policy could not be asked: {why}; nothing was run"),
            Self::Directory(why) => write!(f, "the directory could not be asked: {why}; nothing was run"),
            Self::Store(error) => write!(f, "{error}; nothing was run"),
            Self::Notifier(why) => write!(f, "a channel failed: {why}"),
            Self::NoManager(why) => write!(f, "there is no approval manager: {why}; nothing was run"),
            Self::Internal(internal) => write!(f, "{internal}; nothing was run"),
            Self::ShutDown => f.write_str("the approval manager was shut down; nothing was run"),
        }
    }
}

/// What to do about an answer that an earlier call had got already.
fn again(f: &mut fmt::Formatter<'_>, repeated: bool) -> fmt::Result {
    if repeated {
        f.write_str(", people were not asked again: retry the request for a new decision")
    } else {
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence: Cow<'_, str> = match self {
            Self::AlreadyDecided(decision) => format!("already {}", decision.outcome.as_str()).into(),
            Self::DeadlinePassed(at) => {
                format!("the deadline passed at {at}; the vote does not count").into()
            }
            Self::NotAnApprover { who, why } => format!("{who} may not decide: {}", why.as_str()).into(),
            Self::NotPermitted { who, why } => format!("{who} may not do this: {why}").into(),
            Self::ArgumentsChanged { .. } => "the arguments are not those that were seen".into(),
            Self::NoApprover { .. } => "no person can meet a requirement".into(),
            Self::Invalid(invalid) => invalid.to_string().into(),
            Self::UnknownOption { option, offered } => {
                format!("there is no option {option:?}; choose one of {}", offered.join(", ")).into()
            }
            Self::Delegation { from, to, why } => {
                format!("{from} may not hand the seat on to {to}: {why}").into()
            }
            Self::Halted(halt) => {
                format!("halted by {}: {}", halt.by, visible::visible_line(&halt.reason)).into()
            }
            Self::LimitReached(reached) => reached.to_string().into(),
            Self::NotApproved => "it is not approved; nothing was run".into(),
            Self::Altered => "its stored arguments or attachments are not those that its digest was computed from, so the store was \
                 changed by another program; nothing was run: cancel it, and find out what changed it"
                .into(),
            Self::WrongGrant(why) => format!("the grant does not fit: {why}; nothing was run").into(),
            Self::DefinitionChanged(what) => {
                format!("the action is declared with {what} since; nothing was run").into()
            }
            Self::PolicyDenies { rule, reason } => format!(
                "the policy's rule '{rule}' denies it now: {}; nothing was run",
                visible::visible_line(reason)
            )
            .into(),
            Self::PolicyAsks { rule, .. } => format!(
                "no person approved it, and the policy's rule or limit '{rule}' now asks for more; nothing was run"
            )
            .into(),
            Self::StandingWithdrawn { standing, by, why } => format!(
                "the standing approval {standing} that approved it was withdrawn by {by}: {}; nothing was run",
                visible::visible_line(why)
            )
            .into(),
            Self::OutsideWindow { opens_at: Some(at) } => {
                format!("its run window is closed and opens at {at}; nothing was run").into()
            }
            Self::OutsideWindow { opens_at: None } => "its run window never opens; nothing was run".into(),
            Self::GrantExpired(at) => {
                format!("the approval was not used before {at}; nothing was run").into()
            }
            Self::Revoked { by, why } => {
                format!("the approval was revoked by {by}: {}", visible::visible_line(why)).into()
            }
            Self::AlreadyRan(state) => format!("it is {} already", state.as_str()).into(),
            Self::NotExecuting => "this process does not execute it, or a person has settled it".into(),
            Self::AlreadyRetried(successor) => format!("request {successor} tries it again already").into(),
            Self::Internal(internal) => internal.to_string().into(),
            Self::NothingToDo => "there is nothing to do".into(),
        };
        f.write_str(&sentence)
    }
}
