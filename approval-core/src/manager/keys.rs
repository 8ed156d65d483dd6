//! Idempotency keys, in the scope in which they are unique.

use sha2::{Digest, Sha256};

use super::limits::Counts;
use crate::{
    lifecycle::Draft,
    model::{ActionName, Limit, Principal, Text, canonical::push_hex},
    store::RecordName,
};

/// In front of the names of the counters of limits.
const COUNTERS: &str = "limit/";

/// In which scope a key is unique.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyScope<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) agent: &'a Principal,
    pub(crate) action: &'a ActionName,
    pub(crate) run: Option<&'a str>,
}

fn hex(bytes: &[u8; 32]) -> Text {
    let mut text = String::with_capacity(64);
    push_hex(&mut text, bytes);
    text.into()
}

/// The key as it is stored: a hash, so that a secret in a key does not lie in the store. Each part goes in with its
/// length, so that no two scopes can be mistaken for each other.
pub(crate) fn scoped_key(scope: KeyScope<'_>, key: &str) -> Text {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("approvals key v1");
    part(scope.namespace);
    part(scope.agent.as_str());
    part(scope.action.as_str());
    part(scope.run.unwrap_or(""));
    part(if scope.run.is_some() { "run" } else { "" });
    part(key);
    let digest: [u8; 32] = hasher.finalize().into();
    hex(&digest)
}

/// The record of a limit's counter for such calls.
pub(crate) fn counter(namespace: &str, limit: &Limit, counts: Counts<'_>) -> Text {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("approvals counter v1");
    part(namespace);
    part(&limit.name);
    for told in limit.counter(counts.agent, counts.action, counts.run) {
        part(if told.is_some() { "each" } else { "all" });
        part(told.unwrap_or_default());
    }
    // Added only where it is counted, so that the counters of limits without it stay what they were.
    if let Some(person) = limit.person(counts.person) {
        part("person");
        part(person.map_or("", Principal::as_str));
    }
    let digest: [u8; 32] = hasher.finalize().into();
    format!("{COUNTERS}{}", hex(&digest)).into()
}

/// Whether a record is the counter of a limit.
pub(super) fn is_counter(name: &RecordName) -> bool {
    name.as_str().starts_with(COUNTERS)
}

/// The record that holds the open request that calls like this one join. `person` is the canonical name of the person
/// behind the call.
pub(crate) fn joined(draft: &Draft, person: Option<&Principal>) -> RecordName {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(b"approvals join v2");
    part(draft.namespace.as_bytes());
    part(draft.requester.as_str().as_bytes());
    // Empty outside of any run, as it was always stored; a run with an empty name is distinguished below.
    part(draft.run.as_deref().unwrap_or_default().as_bytes());
    part(draft.digest.as_bytes());
    // No principal is empty.
    part(person.map_or("", Principal::as_str).as_bytes());
    if draft.run.as_deref() == Some("") {
        part(b"run");
    }
    let digest: [u8; 32] = hasher.finalize().into();
    RecordName::new(format!("join/{}", hex(&digest)))
}

/// The record that counts the texts of rules and people that an agent brings into a namespace.
pub(super) fn new_sources(namespace: &str, agent: &Principal) -> RecordName {
    let mut hasher = Sha256::new();
    for part in ["approvals new sources v1", namespace, agent.as_str()] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    RecordName::new(format!("new_sources/{}", hex(&digest)))
}

/// The key of the request that tries again one with this key.
pub(crate) fn successor_key(key: &str) -> Text {
    let mut hasher = Sha256::new();
    hasher.update(b"approvals successor v1");
    hasher.update(key.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    hex(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_scope_tells_keys_apart() {
        let (agent, other) = (Principal::agent("a").unwrap(), Principal::agent("b").unwrap());
        let (action, other_action) = (ActionName::new("a.b").unwrap(), ActionName::new("a.c").unwrap());
        let base = KeyScope { namespace: "n", agent: &agent, action: &action, run: None };
        let all = [
            scoped_key(base, "k"),
            scoped_key(base, "k2"),
            scoped_key(KeyScope { namespace: "m", ..base }, "k"),
            scoped_key(KeyScope { agent: &other, ..base }, "k"),
            scoped_key(KeyScope { action: &other_action, ..base }, "k"),
            scoped_key(KeyScope { run: Some(""), ..base }, "k"),
            scoped_key(KeyScope { run: Some("r"), ..base }, "k"),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(scoped_key(base, "k"), all[0]);
        assert_ne!(successor_key(&all[0]), all[0]);
    }
    fn draft(run: Option<&str>) -> Draft {
        let arguments = crate::model::canonical::parse_canonical("{}").unwrap();
        let action = crate::model::ActionInfo::new(ActionName::new("a.b").unwrap());
        Draft {
            id: crate::id::RequestId::generate("2026-01-01T00:00:00Z".parse().unwrap()),
            namespace: "n".into(),
            digest: crate::model::canonical::arguments_digest("a.b", 1, None, &arguments),
            action: std::sync::Arc::new(action),
            question: None,
            requester: Principal::agent("a").unwrap(),
            on_behalf_of: None,
            run: run.map(Text::from),
            intent: None,
            key: None,
            risk: crate::model::Risk::Low,
            priority: None,
            gate: std::sync::Arc::new(crate::model::Gate::new("test", Vec::new())),
            arguments,
            enclosed: None,
            answers_info: false,
            predecessor: None,
            allowed: false,
            declaration: None,
            basis: None,
        }
    }

    #[test]
    fn a_run_without_a_name_is_not_no_run() {
        let ann = Principal::new("user:ann").unwrap();
        let all = [
            joined(&draft(None), None),
            joined(&draft(Some("")), None),
            joined(&draft(Some("run")), None),
            joined(&draft(None), Some(&ann)),
            joined(&draft(Some("")), Some(&ann)),
        ];
        let distinct: std::collections::HashSet<&str> = all.iter().map(RecordName::as_str).collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_join_that_is_stored_keeps_its_name() {
        // SHA-256 over the parts as they were always written, each after its length in 8 bytes.
        let written = |run: &str| {
            let mut hasher = Sha256::new();
            let one = draft(None);
            let parts: [&[u8]; 6] =
                [b"approvals join v2", b"n", b"agent:a", run.as_bytes(), one.digest.as_bytes(), b""];
            for part in parts {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
            let digest: [u8; 32] = hasher.finalize().into();
            format!("join/{}", hex(&digest))
        };
        assert_eq!(joined(&draft(None), None).as_str(), written(""));
        assert_eq!(joined(&draft(Some("r")), None).as_str(), written("r"));
    }
}
