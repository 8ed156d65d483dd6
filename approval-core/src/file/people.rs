//! A file that is read again as a directory.

use std::sync::{Arc, Weak};

use async_trait::async_trait;

use super::WatchedFile;
use crate::{
    clock::Timestamp,
    directory::{Directory, DirectoryError, Profile, Reach, StaticDirectory, file::FileDirectory},
    model::{People, Principal, Priority, Source},
    policy::ReloadListener,
};

/// The people of a good state of the file. Without a section `directory`, every `user:` is taken at its word.
#[derive(Clone, Debug)]
pub(super) enum PeopleOf {
    File(FileDirectory),
    Anybody(Arc<StaticDirectory>),
}

impl PeopleOf {
    pub(super) fn new(file: &super::ApprovalsFile) -> Self {
        match &file.directory {
            Some(roster) => Self::File(FileDirectory::new(roster.clone())),
            None => Self::Anybody(Arc::default()),
        }
    }

    fn directory(&self) -> &dyn Directory {
        match self {
            Self::File(directory) => directory,
            Self::Anybody(directory) => &**directory,
        }
    }
}

/// Whom the file lists at the moment.
#[async_trait]
impl Directory for WatchedFile {
    async fn people(&self, principals: &[&Principal], now: Timestamp) -> Result<Arc<People>, DirectoryError> {
        self.people_now().directory().people(principals, now).await
    }

    async fn reach(
        &self,
        person: &Principal,
        priority: Priority,
        at: Timestamp,
    ) -> Result<Reach, DirectoryError> {
        self.people_now().directory().reach(person, priority, at).await
    }

    async fn profile(&self, person: &Principal) -> Result<Option<Profile>, DirectoryError> {
        self.people_now().directory().profile(person).await
    }

    async fn identify(&self, channel: &str, identity: &str) -> Result<Option<Principal>, DirectoryError> {
        self.people_now().directory().identify(channel, identity).await
    }

    fn source(&self) -> Option<Arc<Source>> {
        self.people_now().directory().source()
    }

    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        self.tell_of_people(listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SystemClock, model::Principal};

    #[tokio::test]
    async fn people_who_are_listed_anew_are_known_and_those_who_are_gone_are_not() {
        let folder = std::env::temp_dir().join(format!("approvals-people-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("approvals.yaml");
        std::fs::write(&path, "directory: { people: { user:ann: } }").unwrap();
        let file = WatchedFile::load(&path, &SystemClock).unwrap();
        let now = "2026-01-06T10:00:00Z".parse().unwrap();
        let (ann, bob) = (Principal::user("ann").unwrap(), Principal::user("bob").unwrap());
        let known = async |who: &Principal| file.people(&[who], now).await.unwrap().person(who).is_some();
        assert_eq!((known(&ann).await, known(&bob).await), (true, false));
        std::fs::write(&path, "directory: { people: { user:ann: { aliases: [user:anne] } } }").unwrap();
        file.reload(&SystemClock).unwrap();
        std::fs::write(&path, "directory: { people: { user:ann: } }").unwrap();
        let refused = file.reload(&SystemClock).unwrap_err().to_string();
        assert!(
            refused.contains(
                "the name `anne` of user:ann in `directory` (if that is meant, write `retired: [user:anne]`)"
            ),
            "{refused}"
        );
        std::fs::write(&path, "directory: { people: { user:bob: } }").unwrap();
        file.reload(&SystemClock).unwrap();
        assert_eq!((known(&ann).await, known(&bob).await), (false, true));
        let policy = "policy: { required_for: [a.b], defaults: { approvers: user:ann } }";
        std::fs::write(&path, policy).unwrap();
        assert!(file.reload(&SystemClock).is_err(), "a list that is left out does not let everybody in");
        assert_eq!((known(&ann).await, known(&bob).await), (false, true));
        std::fs::write(&path, format!("directory: none\n{policy}")).unwrap();
        file.reload(&SystemClock).unwrap();
        assert_eq!((known(&ann).await, known(&bob).await), (true, true));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
