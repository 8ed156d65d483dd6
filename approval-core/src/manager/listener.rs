//! What the manager does when the store tells of a change.

use super::{Core, standing::StandingWatch, waiters::News};
use crate::{
    id::RequestId,
    model::Execution,
    store::{Change, ChangeListener, RecordName},
};

impl Core {
    /// A record changed, or may have: forgets what is remembered of it.
    pub(super) fn forget_record(&self, name: &RecordName) {
        if self.halts.is_about(name) {
            self.halts.forget();
        } else if StandingWatch::is_about(name) {
            self.standing.forget();
        }
    }
}

impl ChangeListener for Core {
    fn waits_for(&self, request: RequestId) -> bool {
        self.waiters.has(request)
    }

    fn changed(&self, changes: &[Change]) {
        for change in changes {
            match change {
                // No task here waits for a request of another namespace.
                Change::Request { stored: Some(stored), .. }
                    if !crate::lifecycle::is_within(&stored.request, &self.settings.namespace) => {}
                Change::Request { id, stored: Some(stored) } => {
                    self.cache.put(stored);
                    self.waiters.tell(*id, &News::Is(stored.clone()));
                    if let Some(due) = crate::lifecycle::due_at(&stored.request) {
                        self.due_bell.ring_for(due);
                    }
                    if matches!(stored.request.execution.as_deref(), Some(Execution::NotStarted)) {
                        self.ring_approved();
                    }
                }
                Change::Request { id, stored: None } => {
                    self.cache.forget(*id);
                    self.waiters.tell(*id, &News::Look);
                    self.due_bell.ring();
                    self.ring_approved();
                }
                Change::Claimed { owner, until, notices } => self.handover.put(*owner, *until, notices),
                Change::Notices => self.outbox_bell.ring(),
                Change::Record(name) => {
                    self.forget_record(name);
                    if self.halts.is_of_store(name) {
                        self.halts_bell.ring();
                    }
                }
                Change::Everything => {
                    self.halts.forget();
                    self.standing.forget();
                    self.cache.clear();
                    self.waiters.tell_all();
                    self.halts_bell.ring();
                    self.due_bell.ring();
                    self.outbox_bell.ring();
                    self.ring_approved();
                }
            }
        }
    }
}
