//! One person, one name, however addressed.

use std::{borrow::Cow, collections::BTreeMap};

use crate::model::Principal;

/// The names and mail addresses of people, and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names(BTreeMap<String, Principal>);

impl Names {
    /// Notes a name of a person. Gives whose it is already, if it is another person's.
    pub(super) fn add(&mut self, name: &str, person: &Principal) -> Option<Principal> {
        let owner = self.0.entry(mailbox(name)).or_insert_with(|| person.clone());
        (owner != person).then(|| owner.clone())
    }

    /// Every name, as it is compared, and whose it is.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Principal)> {
        self.0.iter().map(|(name, person)| (&**name, person))
    }

    /// Whose name or mail address it is.
    pub(super) fn find(&self, name: &str) -> Option<&Principal> {
        self.0.get(&mailbox(name))
    }
}

/// The mailbox that a name leads to: without case, and in a mail address without a plus tag (RFC 5233 calls it detail); with
/// Google also without dots. What is no mail address only loses its case.
pub(super) fn mailbox(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let Some((local, domain)) = name.rsplit_once('@') else { return name };
    let local = local.split_once('+').map_or(local, |(mailbox, _)| mailbox);
    let (local, domain): (Cow<'_, str>, &str) = match domain {
        "gmail.com" | "googlemail.com" => (local.replace('.', "").into(), "gmail.com"),
        other => (local.into(), other.trim_end_matches('.')),
    };
    format!("{local}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_one_mailbox_is_one_name() {
        for name in [
            "Ann@Example.com",
            " ann@example.com",
            "ann+x@example.com",
            "ANN+a+b@EXAMPLE.COM",
            "ann@example.com.",
        ] {
            assert_eq!(mailbox(name), "ann@example.com", "{name}");
        }
        for name in ["a.n.n@gmail.com", "ann+x@googlemail.com"] {
            assert_eq!(mailbox(name), "ann@gmail.com", "{name}");
        }
        for name in ["a.nn@example.com", "ann@examp1e.com", "ann", "ann+x"] {
            assert_eq!(mailbox(name), name, "another one");
        }
    }
}
