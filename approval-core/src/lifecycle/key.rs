//! What a call finds under its key: the request to wait for, an error, or an ended request that it may follow.

use std::sync::Arc;

use super::{Draft, declaration::asks_for_more, grant::is_by_policy, join::same_person};
use crate::{
    id::RequestId,
    model::{
        ActionInfo, ArgumentsDigest, Decision, Execution, LibraryPart, People, Principal, Request,
        RevokedFor, Status, canonical::arguments_digest_with,
    },
};

/// How often the call under a key may be changed after people refused it.
pub const MOST_REFUSED: usize = 5;

/// What a call finds under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderKey {
    /// The newest request is this call's.
    Join,
    /// The key belongs to another call.
    Conflict,
    /// People refused this very call before, or it was tried again after it had run: this request says how it ended.
    Refused(RequestId),
    /// The newest request ended without running: the call opens its successor.
    Follow,
    /// The policy alone let the newest request run, it has not begun, and this call must ask people: it is ended, and followed.
    Ask,
    /// The newest request is open, or the policy alone let it run and it has not begun; and today's declaration asks for this
    /// besides. It is ended, and followed.
    Replace(&'static str),
    /// Today's declaration asks for this besides, so what the newest request was approved for does not run.
    Changed {
        /// What it asks for.
        what: &'static str,
        /// Whether the approval is revoked. It is left alone where this declaration was replaced under the key before, so
        /// that two versions of a program do not replace each other's requests in turn.
        revoke: bool,
    },
}

/// Why no request was opened for a call with a key, before it was known what the key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// A limit has no room for it.
    Limit,
    /// A requirement can be met by no person.
    NoApprover,
    /// Something in it is not right.
    Invalid,
    /// Its run window is closed.
    Window,
    /// The lifecycle refuses it otherwise.
    Refused,
    /// All of its kind is halted.
    Halted,
    /// The policy forbids it, or asks for more.
    Ruled,
    /// The answer is about a request that is there.
    Answered,
    /// Something failed.
    Failed,
}

impl NotOpened {
    /// Whether what the key has is answered instead: only a new request may not be opened for this call. Not where something
    /// failed, or no call of the kind may run.
    #[must_use]
    pub(crate) const fn gives_way_to_the_key(self) -> bool {
        match self {
            Self::Limit | Self::NoApprover | Self::Invalid | Self::Window | Self::Refused => true,
            Self::Halted | Self::Ruled | Self::Answered | Self::Failed => false,
        }
    }
}

/// How a request stands for other calls with its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Approved,
    /// It ran, runs, or may have run.
    Ran,
    /// It ended because a person refused it.
    Refused,
    /// It ended without that.
    Lapsed,
}

impl Life {
    fn of(request: &Request) -> Self {
        match request.status {
            Status::Pending | Status::InfoRequested => Self::Open,
            Status::Rejected => Self::Refused,
            Status::Expired => Self::Lapsed,
            Status::Cancelled => match request.decision.as_deref() {
                Some(Decision { by_halt: true, .. } | Decision { by_definition: true, .. }) => Self::Lapsed,
                Some(decision) if decision.by.iter().all(|by| !by.is_person()) => Self::Lapsed,
                Some(_) | None => Self::Refused,
            },
            // An idempotent action that was to run again, and did not.
            Status::Approved
                if request.grant.as_deref().is_some_and(|grant| grant.ran_before.is_some())
                    && !matches!(request.execution.as_deref(), Some(Execution::NotStarted)) =>
            {
                Self::Ran
            }
            Status::Approved => match request.execution.as_deref() {
                Some(Execution::NotStarted) => Self::Approved,
                Some(Execution::GrantExpired { .. }) => Self::Lapsed,
                // Old rows name no cause. Whether a halt or an operator revoked them is not known, so no person is asked again.
                Some(Execution::Revoked { by, cause, .. }) => match cause {
                    RevokedFor::Reason if by.is_person() => Self::Refused,
                    RevokedFor::Reason | RevokedFor::Halt | RevokedFor::Definition => Self::Lapsed,
                },
                Some(
                    Execution::Executing { .. }
                    | Execution::Succeeded { .. }
                    | Execution::Failed { .. }
                    | Execution::Unknown { .. },
                )
                | None => Self::Ran,
            },
        }
    }
}

/// What a call finds under its key, where `newest` is the last of the requests with it and `earlier` are those before.
#[must_use]
pub fn under_key(earlier: &[Arc<Request>], newest: &Request, draft: &Draft, people: &People) -> UnderKey {
    let same = is_same_call(draft, newest, people);
    let more = draft.declaration.as_deref().and_then(|today| asks_for_more(today, newest));
    match (Life::of(newest), same, more) {
        (Life::Open | Life::Approved | Life::Ran, false, _) => UnderKey::Conflict,
        // A proof of an approval is given by people alone, and it is they who are asked.
        (Life::Approved, true, None) if !draft.allowed && is_by_policy(newest) => UnderKey::Ask,
        (Life::Open | Life::Approved, true, None) | (Life::Ran, true, _) => UnderKey::Join,
        (Life::Open, true, Some(what)) if !was_replaced(earlier, draft) => UnderKey::Replace(what),
        // No decision of a person is lost with it.
        (Life::Approved, true, Some(what)) if is_by_policy(newest) && !was_replaced(earlier, draft) => {
            UnderKey::Replace(what)
        }
        (Life::Open, true, Some(what)) => UnderKey::Changed { what, revoke: false },
        (Life::Approved, true, Some(what)) => {
            UnderKey::Changed { what, revoke: !was_replaced(earlier, draft) }
        }
        (Life::Refused | Life::Lapsed, _, _) => after_the_end(earlier, newest, draft, people),
    }
}

fn after_the_end(earlier: &[Arc<Request>], newest: &Request, draft: &Draft, people: &People) -> UnderKey {
    let all = || earlier.iter().map(|request| &**request).chain([newest]);
    // Not only the newest: two calls in turn must not wear people down.
    let this_call = all().rfind(|request| is_same_call(draft, request, people));
    // A person had a failed call tried again, and that ended too. What ran under a key is tried again by a person alone.
    if all().any(|request| Life::of(request) == Life::Ran) {
        return if is_same_call(draft, newest, people) {
            UnderKey::Refused(newest.id)
        } else {
            UnderKey::Conflict
        };
    }
    match this_call {
        Some(request) if Life::of(request) == Life::Refused => UnderKey::Refused(request.id),
        _ if Life::of(newest) == Life::Refused && refused(all(), people) >= MOST_REFUSED => {
            UnderKey::Conflict
        }
        _ => UnderKey::Follow,
    }
}

/// How many calls followed one that people refused, with other arguments or for another person.
fn refused<'a>(all: impl Iterator<Item = &'a Request> + Clone, people: &People) -> usize {
    let following = all.clone().skip(1);
    let differs = |(one, next): &(&Request, &Request)| {
        Life::of(one) == Life::Refused
            && (one.original != next.original
                || !same_person(people, one.on_behalf_of.as_ref(), next.on_behalf_of.as_ref()))
    };
    all.zip(following).filter(differs).count()
}

/// Whether a request that asked for all that this declaration asks for was replaced, under this key, by one that does not.
fn was_replaced(earlier: &[Arc<Request>], draft: &Draft) -> bool {
    let Some(today) = draft.declaration.as_deref() else { return false };
    earlier.iter().any(|request| {
        let replaced = request.decision.as_ref().is_some_and(|decision| decision.by_definition)
            || matches!(
                request.execution.as_deref(),
                Some(Execution::Revoked { cause: RevokedFor::Definition, .. })
            );
        replaced && asks_for_more(today, request).is_none()
    })
}

/// Whether a request was opened for this very call: the same arguments, on behalf of the same person.
fn is_same_call(draft: &Draft, request: &Request, people: &People) -> bool {
    request.original == digest_under(draft, &request.action)
        && same_person(people, draft.on_behalf_of.as_ref(), request.on_behalf_of.as_ref())
}

/// The digest of a call as it would be under another version or schema of its action.
#[must_use]
pub fn digest_under(draft: &Draft, action: &ActionInfo) -> ArgumentsDigest {
    if draft.action.version == action.version && draft.action.schema == action.schema {
        return draft.digest;
    }
    let attachments = draft.enclosed.as_deref().map_or(&[][..], |enclosed| &enclosed.attachments);
    let (name, version, schema) = (draft.action.name.as_str(), action.version, action.schema.as_ref());
    arguments_digest_with(name, version, schema, &draft.arguments, attachments)
}

/// Whether what a request returned may be given back to a call of `action`: it ran the same version of it, with arguments of
/// the same schema.
#[must_use]
pub fn may_replay(request: &Request, action: &ActionInfo) -> bool {
    let ran = &request.action;
    ran.name == action.name && ran.version == action.version && ran.schema == action.schema
}

/// Whether a request that is not linked to `request` follows it all the same, since its opener was stopped before it linked
/// the two. Not one that gave way ([`gave_way`]) while `request` ran again.
#[must_use]
pub fn follows_unlinked(request: &Request, successor: &Request) -> bool {
    successor.predecessor == Some(request.id) && !(Life::of(request) == Life::Ran && gave_way(successor))
}

/// Whether the library ended a request itself, without a person who refused it: as it does with one that was opened to follow
/// a request which ran again meanwhile.
#[must_use]
pub fn gave_way(successor: &Request) -> bool {
    let guard = Principal::part(LibraryPart::Guard);
    match successor.status {
        Status::Cancelled => successor.decision.as_deref().is_some_and(|decision| decision.by == [guard]),
        Status::Approved => {
            matches!(successor.execution.as_deref(), Some(Execution::Revoked { by, .. }) if *by == guard)
        }
        Status::Pending | Status::InfoRequested | Status::Rejected | Status::Expired => false,
    }
}

/// Whether a request may have a successor: it ended without running, or it failed.
#[must_use]
pub fn may_be_followed(request: &Request) -> bool {
    match Life::of(request) {
        Life::Refused | Life::Lapsed => true,
        Life::Ran => matches!(
            request.execution.as_deref(),
            Some(Execution::Failed { .. } | Execution::GrantExpired { .. } | Execution::Revoked { .. })
        ),
        Life::Open | Life::Approved => false,
    }
}
