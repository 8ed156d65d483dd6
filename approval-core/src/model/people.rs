//! What was looked up about people before a decision: a snapshot of the directory.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::Principal;
use crate::clock::Timestamp;

/// A snapshot of the directory, as far as one request needs it. Plain data, so that the lifecycle stays pure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// The people in each group, nested groups already resolved; who is on call at this moment (`on_call:…`); who has a role
    /// (`role:…`).
    pub groups: BTreeMap<Principal, BTreeSet<Principal>>,
    /// Other spellings of a person (alias, plus tag), each with the canonical principal or with a spelling that leads on to it.
    /// Spellings that lead in a circle stand for no person.
    pub aliases: BTreeMap<Principal, Principal>,
    /// To whom a person may delegate, beyond what the gate permits.
    pub delegates: BTreeMap<Principal, BTreeSet<Principal>>,
    /// The people that exist. `None`: there is no list, every `user:` is taken at its word.
    pub known: Option<BTreeSet<Principal>>,
    /// Who does not work at this moment, and when they work again, as far as the directory knows that. All others work.
    pub absent: BTreeMap<Principal, Option<Timestamp>>,
    /// Who is out of office at this moment, and who stands in: may fill that one's seat, unless the gate forbids
    /// delegation. Of a chain of people who are all out the last one, who is not.
    pub stand_ins: BTreeMap<Principal, Principal>,
    /// When the next hand-over of a rotation (`on_call:…`) is, as far as the directory knows.
    pub hand_overs: BTreeMap<Principal, Timestamp>,
    /// Changes whenever the directory does.
    pub version: u64,
}

impl People {
    /// The one name of a principal however it is spelled, known or not: aliases are followed to their end. Of aliases that
    /// lead in a circle the smallest name, which is then the same for all of them.
    #[must_use]
    pub fn canonical<'a>(&'a self, spelled: &'a Principal) -> &'a Principal {
        match self.resolve(spelled) {
            Ok(end) => end,
            Err(entry) => self.smallest_in_circle(entry),
        }
    }

    /// The end of a chain of aliases.
    ///
    /// # Errors
    /// A name in the circle that the aliases lead to instead.
    fn resolve<'a>(&'a self, spelled: &'a Principal) -> Result<&'a Principal, &'a Principal> {
        let mut end = spelled;
        // A chain without a circle has at most as many links as there are aliases.
        for _ in 0..=self.aliases.len() {
            match self.aliases.get(end) {
                Some(next) if next != end => end = next,
                Some(_) | None => return Ok(end),
            }
        }
        Err(end)
    }

    fn smallest_in_circle<'a>(&'a self, entry: &'a Principal) -> &'a Principal {
        let (mut smallest, mut at) = (entry, entry);
        for _ in 0..self.aliases.len() {
            let Some(next) = self.aliases.get(at).filter(|next| *next != entry) else { break };
            at = next;
            smallest = smallest.min(at);
        }
        smallest
    }

    /// An alias that leads in a circle, if there is one.
    #[must_use]
    pub fn alias_circle(&self) -> Option<&Principal> {
        self.aliases.keys().find(|alias| self.resolve(alias).is_err())
    }

    /// The canonical principal of a person however addressed; `None` when no person of that name is known, when it is no person,
    /// or when its aliases lead in a circle.
    #[must_use]
    pub fn person<'a>(&'a self, spelled: &'a Principal) -> Option<&'a Principal> {
        let person = self.resolve(spelled).ok()?;
        let known = self.known.as_ref().is_none_or(|known| known.contains(person));
        (person.is_person() && known).then_some(person)
    }

    /// The people whom a principal stands for: the person, or the members of the group.
    pub fn members<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = &'a Principal> {
        let group = self.groups.get(principal).into_iter().flatten();
        group.chain(principal.is_person().then_some(principal)).filter_map(|one| self.person(one))
    }

    /// Whether `person` (canonical) is one of those whom `principal` stands for.
    #[must_use]
    pub fn includes(&self, principal: &Principal, person: &Principal) -> bool {
        match self.groups.get(principal) {
            // The common case, without going through all members.
            Some(group) if group.contains(person) && self.person(person) == Some(person) => true,
            Some(_) if self.aliases.is_empty() && !principal.is_person() => false,
            _ => self.members(principal).any(|member| member == person),
        }
    }

    /// Whether a person (canonical) works at this moment.
    #[must_use]
    pub fn works(&self, person: &Principal) -> bool {
        !self.absent.contains_key(person)
    }

    /// When a person (canonical) who does not work at this moment works again, if the directory knows.
    #[must_use]
    pub fn back(&self, person: &Principal) -> Option<Timestamp> {
        self.absent.get(person).copied().flatten()
    }

    /// The people of several principals, each once.
    pub fn expand<'a>(
        &'a self,
        principals: impl IntoIterator<Item = &'a Principal>,
    ) -> Cow<'a, BTreeSet<Principal>> {
        Cow::Owned(principals.into_iter().flat_map(|one| self.members(one)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Principal {
        Principal::new(text).unwrap()
    }

    #[test]
    fn aliases_lead_to_one_person_and_agents_to_none() {
        let people = People {
            groups: [(
                p("group:finance"),
                [p("user:ann+work@example.com"), p("user:bob@example.com"), p("agent:x")].into(),
            )]
            .into(),
            aliases: [(p("user:ann+work@example.com"), p("user:ann@example.com"))].into(),
            ..People::default()
        };
        assert_eq!(people.person(&p("user:ann+work@example.com")), Some(&p("user:ann@example.com")));
        assert_eq!(people.person(&p("agent:x")), None);
        assert!(people.includes(&p("group:finance"), &p("user:ann@example.com")));
        assert_eq!(people.expand([&p("group:finance"), &p("user:ann@example.com")]).len(), 2);
    }

    fn aliased<const N: usize>(pairs: [(&str, &str); N]) -> People {
        let pairs = pairs.map(|(alias, person)| (user(alias), user(person)));
        People { aliases: pairs.into(), ..People::default() }
    }

    fn user(name: &str) -> Principal {
        Principal::user(name).unwrap()
    }

    #[test]
    fn aliases_are_followed_to_their_end() {
        let people = aliased([("ann+w", "ann"), ("ann", "ann@corp"), ("ann@home", "ann+w"), ("bob", "bob")]);
        for spelled in ["ann+w", "ann", "ann@home", "ann@corp"] {
            assert_eq!(people.canonical(&user(spelled)), &user("ann@corp"), "{spelled}");
            assert_eq!(people.person(&user(spelled)), Some(&user("ann@corp")), "{spelled}");
            assert!(people.includes(&user(spelled), &user("ann@corp")), "{spelled}");
        }
        assert_eq!(people.person(&user("bob")), Some(&user("bob")), "an alias of itself changes nothing");
        assert_eq!(people.alias_circle(), None);
        assert_eq!(people.expand(&["ann", "ann+w", "ann@corp"].map(user)).len(), 1);
        let known = People { known: Some([user("ann")].into()), ..people };
        assert_eq!(known.person(&user("ann+w")), None, "the list of people names the canonical one");
    }

    #[test]
    fn aliases_in_a_circle_stand_for_nobody() {
        let people = aliased([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "f")]);
        for spelled in ["a", "b", "c", "d"] {
            assert_eq!(people.person(&user(spelled)), None, "{spelled}");
            assert_eq!(people.canonical(&user(spelled)), &user("a"), "{spelled}");
        }
        assert_eq!(people.person(&user("e")), Some(&user("f")));
        assert!(people.alias_circle().is_some());
    }

    #[test]
    fn with_a_list_of_people_the_unlisted_do_not_exist() {
        let people = People { known: Some([p("user:ann@example.com")].into()), ..People::default() };
        assert!(people.includes(&p("user:ann@example.com"), &p("user:ann@example.com")));
        assert_eq!(people.person(&p("user:eve@example.com")), None);
    }
}
