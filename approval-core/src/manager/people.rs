//! Looking people up in the directory.

use std::{collections::BTreeSet, sync::Arc};

use super::Core;
use crate::{
    approval_error::ApprovalError,
    directory::DirectoryError,
    id::RequestId,
    lifecycle,
    model::{People, Principal},
};

/// How often the directory is asked for those whom its aliases lead to.
const ALIAS_ROUNDS: usize = 16;

impl Core {
    /// Everybody who may decide about a request at this moment.
    pub(crate) async fn deciders(&self, id: RequestId) -> Result<Vec<Principal>, ApprovalError> {
        let request = self.load(id).await?.request;
        let people = self.people(&lifecycle::principals(&request, None, None)).await?;
        Ok(lifecycle::deciders(&request, &people))
    }

    /// The one name of a person, however spelled; the name as given where no directory knows it.
    pub(super) async fn canonical(
        &self,
        person: Option<&Principal>,
    ) -> Result<Option<Principal>, ApprovalError> {
        let Some(person) = person else { return Ok(None) };
        let people = self.people(&[person]).await?;
        Ok(Some(people.canonical(person).clone()))
    }

    /// What the directory knows of `wanted`, and of those whom they are other spellings of.
    pub(super) async fn people(&self, wanted: &[&Principal]) -> Result<Arc<People>, ApprovalError> {
        let failed = |error: DirectoryError| ApprovalError::Directory(error.0.into());
        let now = self.now().await?;
        let mut people = self.directory.people(wanted, now).await.map_err(failed)?;
        let mut ends: BTreeSet<Principal> = BTreeSet::new();
        for _ in 0..ALIAS_ROUNDS {
            if let Some(alias) = people.alias_circle() {
                let why = format!(
                    "the directory's aliases lead in a circle at `{alias}`: let each lead to one person"
                );
                return Err(ApprovalError::Directory(why.into()));
            }
            let leads_on = |one: &&Principal| people.aliases.contains_key(*one);
            let found = wanted.iter().copied().filter(leads_on).map(|one| people.canonical(one).clone());
            let before = ends.len();
            ends.extend(found.filter(|end| !wanted.contains(&end)));
            if ends.len() == before {
                return Ok(people);
            }
            let all: Vec<&Principal> = wanted.iter().copied().chain(&ends).collect();
            people = self.directory.people(&all, now).await.map_err(failed)?;
        }
        Err(ApprovalError::Directory("aliases lead on without an end".into()))
    }
}
