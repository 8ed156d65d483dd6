//! Standing approvals, as this process last saw them, and what operators do with them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{ApprovalManager, Core};
use crate::{
    approval_error::ApprovalError,
    id::{RequestId, StandingId},
    lifecycle::{self, Act, Command, Standing, StandingWrite},
    model::{ActionName, CoveredBehalf, LibraryPart, Principal, Request, StandingApproval, Text},
    store::{Condition, Record, RecordName, RecordWrite, STANDING, StoreError},
    sync::{Mutex, lock},
};

/// Records read at a time.
const PAGE: usize = 500;

type ByAction = HashMap<ActionName, Arc<[Standing]>>;

/// Remembers the standing approvals in force. Only ever a guess: a write that rests on one is bound to its version.
#[derive(Debug)]
pub(crate) struct StandingWatch {
    prefix: String,
    namespace: Text,
    seen: Mutex<Option<Arc<ByAction>>>,
    /// Counts what was forgotten, so that what was read before is not remembered after it.
    forgotten: AtomicU64,
}

impl StandingWatch {
    pub(crate) fn new(namespace: Text) -> Self {
        Self {
            prefix: format!("{STANDING}{namespace}/"),
            namespace,
            seen: Mutex::new(None),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Whether a record holds one.
    pub(crate) fn is_about(name: &RecordName) -> bool {
        name.as_str().starts_with(STANDING)
    }

    /// One has changed, or may have.
    pub(crate) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        *lock(&self.seen) = None;
    }

    /// Those for calls of an action.
    pub(crate) async fn of(&self, core: &Core, action: &ActionName) -> Result<Arc<[Standing]>, StoreError> {
        let seen = lock(&self.seen).clone();
        let all = match seen {
            Some(all) => all,
            // On the heap: it is read anew only after a change, and what opens a request must not carry that.
            None => Box::pin(self.read(core)).await?,
        };
        Ok(all.get(action).cloned().unwrap_or_default())
    }

    async fn read(&self, core: &Core) -> Result<Arc<ByAction>, StoreError> {
        let before = self.forgotten.load(Ordering::Acquire);
        let now = core.now().await?;
        let mut by_action: HashMap<ActionName, Vec<Standing>> = HashMap::new();
        for (version, approval) in self.list(core).await? {
            if approval.is_in_force(now) {
                let action = approval.action.clone();
                by_action.entry(action).or_default().push(with_behalf(core, approval, version).await?);
            }
        }
        let all: ByAction = by_action.into_iter().map(|(action, list)| (action, list.into())).collect();
        let all = Arc::new(all);
        let mut seen = lock(&self.seen);
        if self.forgotten.load(Ordering::Acquire) == before {
            *seen = Some(Arc::clone(&all));
        }
        Ok(all)
    }

    /// Those for calls of an action that a rejection may have to take back, as the store has them now.
    async fn to_take_back(&self, core: &Core, action: &ActionName) -> Result<Arc<[Standing]>, StoreError> {
        let now = core.now().await?;
        let mut all = Vec::new();
        for (version, approval) in self.list(core).await? {
            if approval.action == *action && lifecycle::may_be_taken_back(&approval, now) {
                all.push(with_behalf(core, approval, version).await?);
            }
        }
        Ok(all.into())
    }

    /// All of this tenant, oldest first, with their versions.
    async fn list(&self, core: &Core) -> Result<Vec<(u64, StandingApproval)>, StoreError> {
        let mut all = Vec::new();
        let mut after: Option<RecordName> = None;
        loop {
            let page = core.store.records(&self.prefix, after.as_ref(), PAGE).await?;
            after = page.last().map(|record| record.name.clone());
            let full = page.len() >= PAGE;
            for record in page {
                // A record of a namespace whose name begins with ours and a slash.
                if record.name.as_str().get(self.prefix.len()..).is_none_or(|rest| rest.contains('/')) {
                    continue;
                }
                let approval = parse(&record)?;
                if approval.namespace == self.namespace {
                    all.push((record.version, approval));
                }
            }
            if !full {
                return Ok(all);
            }
        }
    }

    pub(super) fn name(&self, standing: StandingId) -> RecordName {
        RecordName::new(format!("{}{standing}", self.prefix))
    }

    /// What a commit must carry for these changes.
    pub(crate) fn writes(
        &self,
        changes: &[StandingWrite],
    ) -> Result<(Vec<Condition>, Vec<RecordWrite>), StoreError> {
        let mut conditions = Vec::with_capacity(changes.len());
        let mut writes = Vec::with_capacity(changes.len());
        for StandingWrite { approval, expect } in changes {
            let name = self.name(approval.id);
            let value = serde_json::to_vec(approval)
                .map_err(|e| StoreError::unreadable(format!("a standing approval cannot be written: {e}")))?;
            conditions.push(match expect {
                Some(version) => Condition::Version(name.clone(), *version),
                None => Condition::Absent(name.clone()),
            });
            writes.push(RecordWrite { name, value: Some(value) });
        }
        Ok((conditions, writes))
    }
}

/// A standing approval with the person behind the calls that it covers, also if it was given before that was stored with it.
async fn with_behalf(
    core: &Core,
    mut approval: StandingApproval,
    version: u64,
) -> Result<Standing, StoreError> {
    if approval.behalf.is_none() {
        // Without its request it covers nothing.
        let given_with = core.find(approval.request).await?;
        approval.behalf = given_with.map(|stored| CoveredBehalf::same_as(&stored.request));
    }
    Ok(Standing { approval, version })
}

fn parse(record: &Record) -> Result<StandingApproval, StoreError> {
    serde_json::from_slice(&record.value)
        .map_err(|e| StoreError::unreadable(format!("the record {} cannot be read: {e}", record.name)))
}

impl Core {
    /// The standing approvals that matter for what a command does to a request for this action, as the store has them now.
    pub(crate) async fn standing_for(
        &self,
        command: &Command,
        request: &Request,
    ) -> Result<Arc<[Standing]>, StoreError> {
        if matches!(command.act, Act::Consume { .. }) {
            return match request.decision.as_deref().and_then(|decision| decision.by_standing) {
                Some(behind) => Box::pin(self.standing_of(behind)).await,
                None => Ok(Arc::default()),
            };
        }
        if let Act::WithdrawStanding { standing, .. } = &command.act {
            return Box::pin(self.standing_of(*standing)).await;
        }
        if !lifecycle::may_reject(request, &command.act) {
            return Ok(Arc::default());
        }
        Box::pin(self.standing.to_take_back(self, &request.action.name)).await
    }

    /// The standing approval of this id, in force or not.
    async fn standing_of(&self, id: StandingId) -> Result<Arc<[Standing]>, StoreError> {
        let Some(record) = self.store.record(&self.standing.name(id)).await? else {
            return Ok(Arc::default());
        };
        Ok(Arc::new([Standing { approval: parse(&record)?, version: record.version }]))
    }

    /// Revokes what a standing approval approved that was taken back since, so that the same call asks people. A request
    /// that has begun, or ended, meanwhile is left as it is.
    pub(crate) async fn revoke_withdrawn(&self, request: RequestId, standing: StandingId, by: &Principal) {
        let reason = format!("the standing approval {standing} was withdrawn by {by}").into();
        let actor = Principal::part(LibraryPart::Guard);
        let command = Command { actor, via: None, operator: true, act: Act::Revoke { reason } };
        match self.execute(request, command).await {
            Ok(_) => {
                tracing::warn!(%request, %standing, %by, "revoked an approval: the standing approval that gave it was withdrawn");
            }
            // Tried again at the next attempt to run it, which is refused as well.
            Err(error) => {
                tracing::warn!(%request, %standing, %error, "failed to revoke an approval of a withdrawn standing approval");
            }
        }
    }
}

impl ApprovalManager {
    /// The standing approvals of this manager's namespace, oldest first; those that ran out, were used up or were taken back
    /// too.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn standing_approvals(&self) -> Result<Vec<StandingApproval>, ApprovalError> {
        let all = self.core.standing.list(&self.core).await?;
        Ok(all.into_iter().map(|(_, approval)| approval).collect())
    }

    /// Takes a standing approval back: from now on people are asked again, and what it approved and has not begun does not
    /// run, also if it ran out or was used up since. Noted in the history of the request that it was given with.
    ///
    /// # Errors
    /// When there is none of this id, it was taken back already, or the store failed.
    pub async fn withdraw_standing(
        &self,
        standing: StandingId,
        by: &Principal,
        reason: &str,
    ) -> Result<(), ApprovalError> {
        let record = self.core.store.record(&self.core.standing.name(standing)).await?;
        let approval = record.as_ref().map(parse).transpose()?.ok_or_else(|| {
            crate::error::Invalid::new("standing approval", standing.to_string(), "does not exist")
                .hint("list the standing approvals")
        })?;
        let act = Act::WithdrawStanding { standing, reason: reason.into() };
        let command = Command { actor: by.clone(), via: None, operator: true, act };
        self.core.execute(approval.request, command).await?;
        Ok(())
    }
}
