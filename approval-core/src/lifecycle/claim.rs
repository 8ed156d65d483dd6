//! What the caller of an approved action is and would run, compared with what was approved.

use std::sync::Arc;

use super::{Refusal, declaration::demands_more};
use crate::model::{
    ActionInfo, ActionName, ArgumentsDigest, Declaration, People, Principal, Request, Said, SchemaDigest,
    Text,
};

/// What a caller says about itself and about what it is about to run. Taken from the caller (its manager, its context, the
/// code's own declaration, the actual values), never from the row that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Namespace of the caller's manager.
    pub namespace: Text,
    /// The agents that it runs for.
    pub agents: Agents,
    /// The person that it runs for.
    pub behind: Behind,
    /// Name of the action that it would run.
    pub action: ActionName,
    /// Version of that action in the caller's code.
    pub version: u32,
    /// Digest of the schema of its arguments; `None` where the caller does not know it.
    pub schema: Option<SchemaDigest>,
    /// Digest of the arguments that it would run, computed from the actual values.
    pub digest: ArgumentsDigest,
    /// What the caller's code demands of the action, where it is known.
    pub declared: Option<Declared>,
    /// Whether what it would run demands a proof that people approved it.
    pub needs_proof: bool,
}

/// What a caller's code demands of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The declaration.
    pub declaration: Arc<Declaration>,
    /// Which of its settings are demands. All of them, where calls of the action are made. A worker that runs what others
    /// asked for need not repeat their declaration: there a setting that was not set explicitly demands nothing.
    pub said: Said,
}

/// The agents that a caller runs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agents {
    /// These.
    These(Vec<Principal>),
    /// Every agent of the namespace: for workers that run what all agents asked for.
    Any,
}

impl Agents {
    /// One agent.
    #[must_use]
    pub fn one(agent: Principal) -> Self {
        Self::These(vec![agent])
    }

    /// Whether this agent is one of them.
    #[must_use]
    pub fn include(&self, agent: &Principal) -> bool {
        match self {
            Self::These(agents) => agents.contains(agent),
            Self::Any => true,
        }
    }
}

/// The person that a caller runs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Exactly this person, or exactly none.
    Exactly(Option<Principal>),
    /// Whatever person the request names: for workers that run what was asked for on behalf of many.
    Any,
}

impl Claim {
    /// What of a caller and its code does not fit the request; `None` if all of it does. Looks at neither the arguments nor
    /// the person behind.
    #[must_use]
    pub fn misfit(&self, request: &Request) -> Option<&'static str> {
        let ActionInfo { name, version, schema, .. } = &*request.action;
        if self.namespace != request.namespace {
            Some("it belongs to another namespace")
        } else if !self.agents.include(&request.requester) {
            Some("it was given to another agent")
        } else if self.action != *name {
            Some("it is for another action")
        } else if self.version != *version {
            Some("it is for another version of the action")
        } else if self.schema.is_some() && self.schema != *schema {
            Some("it is for arguments of another schema")
        } else {
            None
        }
    }

    /// Refuses a caller that does not fit, other arguments, and a row whose arguments are not those that were approved.
    pub(super) fn check(&self, request: &Request, people: &People) -> Result<(), Refusal> {
        if let Some(misfit) = self.misfit(request) {
            return Err(Refusal::WrongGrant(misfit));
        }
        if let Behind::Exactly(person) = &self.behind {
            let canonical = |person: &Option<Principal>| person.as_ref().map(|p| people.canonical(p).clone());
            if canonical(person) != canonical(&request.on_behalf_of) {
                return Err(Refusal::WrongGrant("it was given on behalf of another person"));
            }
        }
        let approved = request.grant.as_ref().map(|grant| grant.digest);
        if approved != Some(self.digest) {
            return Err(Refusal::WrongGrant("it is for other arguments"));
        }
        if let Some(Declared { declaration, said }) = &self.declared
            && let Some(what) = demands_more(declaration, *said, request)
        {
            return Err(Refusal::DefinitionChanged(what));
        }
        // The body is handed what lies in the store, so the stored text itself must be what was approved.
        intact(request)
    }
}

/// Refuses a row whose arguments or attachments do not fit its digest, or whose grant is for another one.
///
/// # Errors
/// [`Refusal::Altered`].
pub fn intact(request: &Request) -> Result<(), Refusal> {
    let stored = request.revision.digest;
    let granted = request.grant.as_ref().is_none_or(|grant| grant.digest == stored);
    if granted && request.digest_again() == stored { Ok(()) } else { Err(Refusal::Altered) }
}
